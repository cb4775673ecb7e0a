import assert from "node:assert/strict";
import { calculate } from "./calculator.ts";

Deno.test("the four operations", () => {
  assert.equal(calculate("add", 2, 3), 5);
  assert.equal(calculate("subtract", 2, 3), -1);
  assert.equal(calculate("multiply", 2, 3), 6);
  assert.equal(calculate("divide", 3, 2), 1.5);
});

Deno.test("what has no number as its result is an error that says why", () => {
  assert.throws(() => calculate("divide", 1, 0), /Cannot divide 1 by zero: give a divisor "b"/);
  assert.throws(() => calculate("divide", 0, -0), /Cannot divide 0 by zero/);
  assert.throws(
    () => calculate("multiply", 1e308, 10),
    /Cannot multiply 1e\+308 and 10: .* beyond/,
  );
});
