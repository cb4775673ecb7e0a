import assert from "node:assert/strict";
import { ProgressLine } from "./progress.ts";

Deno.test("progress: one line, rewritten at most ten times a second, and gone at the end", () => {
  let written = "";
  let now = 0;
  {
    using line = new ProgressLine((text) => void (written += text), () => now);
    line.onDone(1, 3);
    now = 99;
    line.onDone(2, 3);
    now = 100;
    line.onDone(3, 3);
  }
  assert.equal(written, "\r\x1b[KReviewing 1 of 3 files\r\x1b[KReviewing 3 of 3 files\r\x1b[K");
});

Deno.test("progress: a review without files writes nothing", () => {
  new ProgressLine(() => assert.fail("written"))[Symbol.dispose]();
});
