/**
 * What a server writes to stderr: always read (a full pipe would stop the server), written to the log
 * a line at a time unless it is a flood, and its last lines kept for the error that a crash becomes.
 *
 * @module
 */

/** Lines kept. */
const KEPT_LINES = 100;
/** Longest line kept and logged, in characters; the rest of it is dropped. */
const MAX_LINE = 8 * 1024;
/** Lines of one read that are logged; a read takes up to 64 KiB. */
const MAX_LOGGED = 100;
/** Lines shown in an error. */
const SHOWN_LINES = 20;

/** Options of {@linkcode StderrTail}. */
export interface StderrTailOptions {
  /** Told every line. */
  onLine(line: string): void;
}

/** Keeps the end of a server's stderr. */
export class StderrTail {
  readonly #lines: string[] = [];
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #onLine: (line: string) => void;
  #pending = "";

  constructor(options: StderrTailOptions) {
    this.#onLine = options.onLine;
  }

  /** Takes the next bytes; they are not kept. */
  push(chunk: Uint8Array): void {
    const lines = (this.#pending + this.#decoder.decode(chunk, { stream: true })).split("\n");
    this.#pending = lines.pop()!.slice(0, MAX_LINE);
    // Writing to the log is not free for everybody else: a flood is cut short there, not here.
    const skipped = Math.max(0, lines.length - MAX_LOGGED);
    lines.forEach((line, index) => this.#take(line, index >= skipped));
    if (skipped > 0) this.#onLine(`(before these, ${skipped} lines at once that were not logged)`);
  }

  /** Takes what has no line end. */
  end(): void {
    this.#take(this.#pending, true);
    this.#pending = "";
  }

  /** The last lines, oldest first. */
  get text(): string {
    return this.#lines.slice(-SHOWN_LINES).join("\n");
  }

  #take(line: string, isLogged: boolean): void {
    const trimmed = line.slice(0, MAX_LINE).trimEnd();
    if (trimmed === "") return;
    if (this.#lines.push(trimmed) > KEPT_LINES) this.#lines.shift();
    if (isLogged) this.#onLine(trimmed);
  }
}
