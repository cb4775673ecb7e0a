/**
 * Arithmetic on two numbers.
 *
 * @module
 */

/** What the calculator can do. */
export const OPERATIONS = ["add", "subtract", "multiply", "divide"] as const;

export type Operation = (typeof OPERATIONS)[number];

/**
 * The result of one operation.
 *
 * @throws {RangeError} Division by zero, or a result too large for a number.
 */
export function calculate(operation: Operation, a: number, b: number): number {
  if (operation === "divide" && b === 0) {
    throw new RangeError(`Cannot divide ${a} by zero: give a divisor "b" other than 0.`);
  }
  const result = compute(operation, a, b);
  if (Number.isFinite(result)) return result;
  throw new RangeError(
    `Cannot ${operation} ${a} and ${b}: the result is beyond ${Number.MAX_VALUE}; use smaller numbers.`,
  );
}

function compute(operation: Operation, a: number, b: number): number {
  switch (operation) {
    case "add":
      return a + b;
    case "subtract":
      return a - b;
    case "multiply":
      return a * b;
    case "divide":
      return a / b;
  }
}
