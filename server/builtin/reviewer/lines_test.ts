import assert from "node:assert/strict";
import { Lines } from "./lines.ts";

Deno.test("lines end with \\n, \\r\\n or \\r", () => {
  const text = "a\nbc\r\nd\re";
  const lines = new Lines(text);
  assert.equal(lines.count, 4);
  const shown = [1, 2, 3, 4].map((line) => {
    const { start, end } = lines.range(line);
    return text.slice(start, end);
  });
  assert.deepEqual(shown, ["a", "bc", "d", "e"]);
  assert.deepEqual(lines.position(0), { line: 1, column: 1 });
  assert.deepEqual(lines.position(3), { line: 2, column: 2 });
  assert.deepEqual(lines.position(6), { line: 3, column: 1 });
  assert.deepEqual(lines.position(text.length), { line: 4, column: 2 });
});

Deno.test("an empty text has one line", () => {
  const lines = new Lines("");
  assert.equal(lines.count, 1);
  assert.deepEqual(lines.range(1), { start: 0, end: 0 });
  assert.deepEqual(lines.position(0), { line: 1, column: 1 });
});
