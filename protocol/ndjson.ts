/**
 * Newline-delimited JSON: bytes in any chunks to lines. Splits in bulk, holds one unfinished line, and
 * bounds it: a peer that never ends its line costs at most the cap.
 *
 * @module
 */

/** Called for every whole line, without its line end; empty lines are left out. */
export type LineHandler = (line: string) => void;

/** What is kept of a line that was too long. */
export interface LineEnds {
  head: string;
  tail: string;
}

/** Options of {@linkcode LineSplitter}. */
export interface LineSplitterOptions {
  /** Longest line, in UTF-16 code units. A longer one is dropped whole and told to `onOversize`. */
  maxLength: number;
  /** Told at the end of every dropped line: its first and last 200 characters. */
  onOversize(ends: LineEnds): void;
}

/** Splits a byte stream into lines. Invalid UTF-8 becomes U+FFFD, as everywhere on the web. */
export class LineSplitter {
  // Deno 2.9.6 drops a byte order mark at the start of every chunk otherwise, not only of the first.
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #options: LineSplitterOptions;
  readonly #onLine: LineHandler;
  /** Pieces of the unfinished line: joined once, so that a long line costs linear time. */
  #pieces: string[] = [];
  #length = 0;
  #atStart = true;
  /** Whether the last chunk may have ended within a character. */
  #isWithin = false;
  #dropped: LineEnds | undefined;

  constructor(onLine: LineHandler, options: LineSplitterOptions) {
    this.#onLine = onLine;
    this.#options = options;
  }

  /** Takes the next bytes. They are not kept: the caller may reuse its buffer. */
  push(chunk: Uint8Array): void {
    // Within a stream, a text beyond ASCII is decoded 16 times as slowly (Deno 2.9.6): only where a
    // character may go on in the next chunk.
    if (chunk.length === 0) return;
    const endsWithin = chunk[chunk.length - 1] >= 0x80;
    let text = this.#decoder.decode(chunk, { stream: this.#isWithin || endsWithin });
    this.#isWithin = endsWithin;
    if (this.#atStart && text !== "") {
      this.#atStart = false;
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    let start = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      this.#finish(text.slice(start, end));
      start = end + 1;
    }
    if (start < text.length) this.#hold(start === 0 ? text : text.slice(start));
  }

  /** Characters of the line that has no end yet. */
  get pending(): number {
    return this.#length;
  }

  #hold(piece: string): void {
    if (this.#dropped !== undefined) {
      this.#dropped.tail = lastOf(this.#dropped.tail + piece, KEPT + 1);
      return;
    }
    this.#pieces.push(piece);
    this.#length += piece.length;
    // One more than the limit: it may be the first half of a line end of two.
    if (this.#length <= this.#options.maxLength + 1) return;
    const text = this.#takePieces();
    this.#dropped = { head: text.slice(0, KEPT), tail: lastOf(text, KEPT + 1) };
  }

  #finish(last: string): void {
    if (this.#dropped !== undefined) {
      const { head, tail } = this.#dropped;
      this.#dropped = undefined;
      return this.#options.onOversize({ head, tail: lastOf(withoutReturn(tail + last)) });
    }
    let line = last;
    if (this.#pieces.length > 0) {
      this.#pieces.push(last);
      line = this.#takePieces();
    }
    line = withoutReturn(line);
    if (line.length > this.#options.maxLength) {
      return this.#options.onOversize({ head: line.slice(0, KEPT), tail: lastOf(line) });
    }
    if (line.length > 0) this.#onLine(line);
  }

  #takePieces(): string {
    const text = this.#pieces.join("");
    this.#pieces = [];
    this.#length = 0;
    return text;
  }
}

/** Characters kept at each end of a dropped line. */
const KEPT = 200;

function lastOf(text: string, count = KEPT): string {
  return text.slice(-count);
}

/** The line without the first half of a line end of two. */
function withoutReturn(line: string): string {
  return line.charCodeAt(line.length - 1) === 13 ? line.slice(0, -1) : line;
}
