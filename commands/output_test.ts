import assert from "node:assert/strict";
import { OutputError, type OutputStream, writeWhole } from "./output.ts";

/** A stream that takes three bytes at a time, and throws `fault` after the first three. */
class FakeStream implements OutputStream {
  readonly taken: number[] = [];
  readonly #fault: Error | undefined;

  constructor(fault?: Error) {
    this.#fault = fault;
  }

  writeSync(bytes: Uint8Array): number {
    if (this.taken.length > 0 && this.#fault !== undefined) throw this.#fault;
    const count = Math.min(3, bytes.length);
    this.taken.push(...bytes.subarray(0, count));
    return count;
  }
}

const NAME = "standard output";

Deno.test("output: all of it is written, however little is taken at once", () => {
  const stream = new FakeStream();
  writeWhole(stream, "línea 1\nlínea 2\n", NAME);
  assert.equal(new TextDecoder().decode(new Uint8Array(stream.taken)), "línea 1\nlínea 2\n");
});

Deno.test("output: a disk that is full, a pipe that does not wait: what, why, and what to do", () => {
  const said = (fault: Error) => {
    try {
      writeWhole(new FakeStream(fault), "0123456", NAME);
    } catch (error) {
      assert.ok(error instanceof OutputError);
      return error.message;
    }
  };
  assert.equal(
    said(new Error("No space left on device (os error 28)")),
    "Cannot write to standard output: No space left on device (os error 28). " +
      "Make room there, or send it somewhere else.",
  );
  assert.match(
    said(new Deno.errors.WouldBlock("Resource temporarily unavailable (os error 11)")) ?? "",
    /: Resource temporarily unavailable .* does not wait for its reader; send it to a file\.$/,
  );
});

Deno.test("output: a pipe that nobody reads any more is just that", () => {
  const stream = new FakeStream(new Deno.errors.BrokenPipe("Broken pipe"));
  assert.throws(() => writeWhole(stream, "0123456", NAME), Deno.errors.BrokenPipe);
});
