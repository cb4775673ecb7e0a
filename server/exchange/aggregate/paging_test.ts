import assert from "node:assert/strict";
import fc from "fast-check";
import { Fault } from "../../../protocol/errors.ts";
import type { JsonObject } from "../../../protocol/json.ts";
import { pageOf } from "./paging.ts";

const named = (...names: string[]) => names.map((name): JsonObject => ({ name }));
const range = (count: number) => named(...Array.from({ length: count }, (_, n) => `s__t${n}`));

/** All pages, one after the other. */
function readAll(items: JsonObject[], size: { maxItems?: number; maxChars?: number }) {
  const pages: JsonObject[][] = [];
  let cursor: string | undefined;
  do {
    const page = pageOf(items, { list: "tools", cursor, ...size });
    pages.push(page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return pages;
}

Deno.test("a list comes whole in pages of bounded size, and the last one has no cursor", () => {
  const items = range(1_001);
  const pages = readAll(items, {});
  assert.deepEqual(pages.map(({ length }) => length), [500, 500, 1]);
  assert.deepEqual(pages.flat(), items);
  assert.deepEqual(readAll(range(500), {}).length, 1);
  assert.deepEqual(readAll([], {}), [[]]);
});

Deno.test("large items make small pages, and one that is larger than a page is a page", () => {
  const items = ["a", "b", "c", "d"].map((name, at) => ({ name, text: "x".repeat(at * 40) }));
  assert.deepEqual(
    readAll(items, { maxChars: 100 }).map((page) => page.map(({ name }) => name)),
    [["a", "b"], ["c"], ["d"]],
  );
  assert.equal(readAll(items, { maxChars: 1 }).length, 4);
});

Deno.test("after a change, the next page goes on after the same item; after where it was without it", () => {
  const { nextCursor: cursor } = pageOf(named("a", "b", "c", "d"), {
    list: "tools",
    cursor: undefined,
    maxItems: 2,
  });
  const next = (...names: string[]) =>
    pageOf(named(...names), { list: "tools", cursor }).items.map(({ name }) => name);
  assert.deepEqual(next("a", "b", "c", "d"), ["c", "d"]);
  assert.deepEqual(next("new", "a", "b", "c", "d"), ["c", "d"]);
  assert.deepEqual(next("b", "c", "d"), ["c", "d"]);
  assert.deepEqual(next("a", "c", "d"), ["d"]);
  assert.deepEqual(next("a"), []);
  assert.deepEqual(next(), []);
});

Deno.test("a cursor of another list, or of nobody, is refused", () => {
  const own = pageOf(range(2), { list: "tools", cursor: undefined, maxItems: 1 }).nextCursor!;
  const encode = (value: unknown) => btoa(JSON.stringify(value));
  const hash = "x".repeat(12);
  const bad = [
    null,
    1,
    "",
    "x",
    "é",
    {},
    [own],
    own.slice(1),
    encode(null),
    encode([]),
    encode({ list: "tools" }),
    encode({ list: "tools", hash, count: -1 }),
    encode({ list: "tools", hash, count: 0.5 }),
    encode({ list: "tools", hash: "x", count: 1 }),
    own + " ".repeat(1_000),
  ];
  for (const cursor of bad) {
    assert.throws(
      () => pageOf(range(2), { list: "tools", cursor }),
      (error) => error instanceof Fault && error.reason === "invalid_params",
      JSON.stringify(cursor),
    );
  }
  assert.throws(() => pageOf(range(2), { list: "prompts", cursor: own }), /prompts\/list/);
});

Deno.test("whatever a cursor says, a page is a part of the list or a fault", () => {
  const items = range(20);
  fc.assert(fc.property(fc.integer(), fc.string(), (count, text) => {
    const forged = btoa(JSON.stringify({ list: "tools", count, hash: "abcdefghijkl" }));
    for (const cursor of [forged, text]) {
      try {
        const page = pageOf(items, { list: "tools", cursor });
        assert.ok(page.items.every((item) => items.includes(item)));
      } catch (error) {
        assert.ok(error instanceof Fault);
      }
    }
  }));
});
