import assert from "node:assert/strict";
import type { Analyzer } from "./analyzer.ts";
import { cachedAnalyzer } from "./analyzer_cache.ts";
import type { ReviewStatus } from "./result.ts";
import { NOT_DONE, type ReviewInput } from "./review.ts";

/** Counts what it is asked. */
class Counting implements Analyzer {
  readonly asked: ReviewInput[] = [];
  status: ReviewStatus = "complete";
  skipped: string | undefined;

  review(input: ReviewInput) {
    this.asked.push(input);
    return Promise.resolve({
      path: input.path ?? "-",
      language: "javascript",
      status: this.status,
      findings: [],
      skipped: this.skipped,
      rulesVersion: "1",
    });
  }

  [Symbol.asyncDispose]() {
    return Promise.resolve();
  }
}

Deno.test("the same text in the same language is reviewed once, under whatever name", async () => {
  const inner = new Counting();
  const cache = cachedAnalyzer(inner);
  await cache.review({ path: "a.js", content: "1" });
  assert.equal((await cache.review({ path: "x/b.JS", content: "1" })).path, "x/b.JS");
  assert.equal(inner.asked.length, 1);
  for (
    const other of [
      { path: "a.ts", content: "1" },
      { path: "a.js", content: "2" },
      { path: "a.js", content: "1", language: "python" },
      { content: "1" },
    ]
  ) {
    const before: number = inner.asked.length;
    await cache.review(other);
    assert.equal(inner.asked.length, before + 1, JSON.stringify(other));
  }
});

Deno.test("what failed or was cut short is tried again", async () => {
  const inner = new Counting();
  const cache = cachedAnalyzer(inner);
  inner.status = "failed";
  await cache.review({ content: "1" });
  inner.status = "degraded";
  inner.skipped = `line 1 is long; ${NOT_DONE}`;
  await cache.review({ content: "1" });
  inner.skipped = "line 1 is long";
  await cache.review({ content: "1" });
  assert.equal(inner.asked.length, 3);
  await cache.review({ content: "1" });
  assert.equal(inner.asked.length, 3);
});

Deno.test("the least recently used are forgotten, by number and by size", async () => {
  for (const bounds of [{ maxEntries: 2 }, { maxLength: 250 }]) {
    const inner = new Counting();
    const cache = cachedAnalyzer(inner, bounds);
    for (const content of ["1", "2", "1", "3", "1"]) await cache.review({ content });
    assert.deepEqual(inner.asked.map(({ content }) => content), ["1", "2", "3"]);
    await cache.review({ content: "2" });
    assert.equal(inner.asked.length, 4);
  }
});
