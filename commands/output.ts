/**
 * Standard output and standard error of the program.
 *
 * Guarantees that a text is written whole, or that the failure says why it was not. Does not go on where
 * a pipe is full and was made one that does not wait: Deno does not say how much such a pipe took.
 *
 * @module
 */

/** What can be written to; `Deno.stdout` and `Deno.stderr` are. */
export interface OutputStream {
  writeSync(bytes: Uint8Array): number;
}

/** The output cannot be written, because of where it goes: a disk that is full. */
export class OutputError extends Error {
  override name = "OutputError";
}

/**
 * Writes a text as it is, complete on return.
 *
 * @param name What a person calls the stream: `standard output`.
 * @throws {Deno.errors.BrokenPipe} when nobody reads any more.
 * @throws {OutputError} when it cannot be written otherwise.
 */
export function writeWhole(stream: OutputStream, text: string, name: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let offset = 0; offset < bytes.length;) {
    try {
      offset += stream.writeSync(bytes.subarray(offset));
    } catch (cause) {
      if (cause instanceof Deno.errors.BrokenPipe) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      const remedy = cause instanceof Deno.errors.WouldBlock
        ? "It is a pipe that is full and does not wait for its reader; send it to a file."
        : "Make room there, or send it somewhere else.";
      throw new OutputError(`Cannot write to ${name}: ${why}. ${remedy}`, { cause });
    }
  }
}
