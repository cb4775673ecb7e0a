import assert from "node:assert/strict";
import { blanked, isCode, type Span } from "./spans.ts";

const spans: Span[] = [{ start: 2, end: 4, kind: "string" }, { start: 4, end: 7, kind: "comment" }];

Deno.test("blanked keeps offsets and line breaks", () => {
  assert.equal(blanked("ab12x\ny z", spans), "ab   \n  z");
  assert.equal(blanked("ab", []), "ab");
});

Deno.test("isCode knows both sides of every border", () => {
  const code = Array.from({ length: 9 }, (_, offset) => isCode(spans, offset));
  assert.deepEqual(code, [true, true, false, false, false, false, false, true, true]);
  assert.equal(isCode([], 0), true);
});
