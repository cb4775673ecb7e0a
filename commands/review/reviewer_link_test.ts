import assert from "node:assert/strict";
import type { CallToolResult } from "../../client/mod.ts";
import { type MakeClient, ReviewerLink } from "./reviewer_link.ts";

const never = new AbortController().signal;

/** A link over two fake clients that answer with their mode, or throw what `fail` gives. */
function fakeLink(fail: (mode: string, call: number) => Error | undefined) {
  const log: string[] = [];
  const make: MakeClient = (mode) => {
    let calls = 0;
    return {
      callTool(name, args): Promise<CallToolResult> {
        log.push(`${mode} ${name} ${args.path}`);
        const error = fail(mode, ++calls);
        if (error !== undefined) return Promise.reject(error);
        return Promise.resolve({ content: [{ type: "text", text: mode }] });
      },
      close: () => Promise.resolve(void log.push(`close ${mode}`)),
    };
  };
  const link = new ReviewerLink(make);
  const ask = async (path: string, signal = never) =>
    (await link.review({ path }, signal)).content[0].text;
  return { link, log, ask };
}

Deno.test("while the first way works, no other is tried", async () => {
  const { link, log, ask } = fakeLink(() => undefined);
  {
    await using _closed = link;
    assert.equal(await ask("a"), "auto");
  }
  assert.deepEqual(log, ["auto review_file a", "close auto"]);
});

Deno.test("when the daemon fails midway, the call is made again through a process", async () => {
  const { link, log, ask } = fakeLink((mode, call) =>
    mode === "auto" && call === 2 ? new Error("gone") : undefined
  );
  {
    await using _closed = link;
    assert.deepEqual([await ask("a"), await ask("b"), await ask("c")], ["auto", "spawn", "spawn"]);
  }
  assert.deepEqual(log, [
    "auto review_file a",
    "auto review_file b",
    "spawn review_file b",
    "spawn review_file c",
    "close auto",
    "close spawn",
  ]);
});

Deno.test("when no way works, only the first call finds out; the others fail at once", async () => {
  const { link, log, ask } = fakeLink((mode) => new Error(`${mode} is broken`));
  await assert.rejects(() => ask("a"), /spawn is broken/);
  await assert.rejects(() => ask("b"), /spawn is broken/);
  assert.deepEqual(log, ["auto review_file a", "spawn review_file a"]);
  await link[Symbol.asyncDispose]();
});

Deno.test("once the process has answered, an error of it is only that call's", async () => {
  const { link, ask } = fakeLink((mode, call) =>
    mode === "auto" || call === 2 ? new Error("broken") : undefined
  );
  assert.equal(await ask("a"), "spawn");
  await assert.rejects(() => ask("b"), /broken/);
  assert.equal(await ask("c"), "spawn");
  await link[Symbol.asyncDispose]();
});

Deno.test("a call that was given up is not made again", async () => {
  const { link, log, ask } = fakeLink(() => new Error("aborted"));
  await assert.rejects(() => ask("a", AbortSignal.abort(new Error("too late"))), /too late/);
  assert.deepEqual(log, ["auto review_file a"]);
  await link[Symbol.asyncDispose]();
});
