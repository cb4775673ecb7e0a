/**
 * What a process said last on its stderr, for the error that its end becomes. Bounded, whatever it says.
 *
 * @module
 */

/** Lines kept of stderr, and shown in an error. */
const KEPT_LINES = 20;
/** Longest line kept, in characters; the rest of it is dropped. */
const MAX_STDERR_LINE = 8 * 1024;

/** The last lines of a stream of text. */
export class StderrTail {
  readonly #decoder = new TextDecoder();
  readonly #lines: string[] = [];
  #pending = "";

  /** Takes the next bytes of the stream. */
  push(chunk: Uint8Array): void {
    const lines = (this.#pending + this.#decoder.decode(chunk, { stream: true })).split("\n");
    this.#pending = lines.pop()!.slice(0, MAX_STDERR_LINE);
    for (const line of lines) this.take(line);
  }

  /** Takes a line that stands for itself. */
  take(line: string): void {
    const text = line.slice(0, MAX_STDERR_LINE).trimEnd();
    if (text !== "" && this.#lines.push(text) > KEPT_LINES) this.#lines.shift();
  }

  /** Oldest first; what has no line end yet included. */
  get text(): string {
    return [...this.#lines, ...(this.#pending.trim() === "" ? [] : [this.#pending])].join("\n");
  }
}
