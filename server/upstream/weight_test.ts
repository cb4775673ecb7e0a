import assert from "node:assert/strict";
import { weightOf } from "./weight.ts";

Deno.test("what is long weighs, and so does what is many", () => {
  assert.equal(weightOf(undefined), 8);
  assert.equal(weightOf("x".repeat(1000)), 1008);
  assert.equal(weightOf({ key: "value", list: [1, null, true] }), 8 + 3 + 8 + 5 + 4 + 8 + 3 * 8);
  assert.ok(weightOf(Array(1000).fill({})) >= 8000);
});

Deno.test("depth is no matter", () => {
  const deep = JSON.parse("[".repeat(100_000) + "]".repeat(100_000));
  assert.equal(weightOf(deep), 800_000);
});
