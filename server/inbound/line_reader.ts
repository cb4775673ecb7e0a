/**
 * Lines of a client's: bytes in any chunks to texts. Unlike a server's lines (`protocol/ndjson.ts`),
 * which are mended where they can be, a client's are read to the letter: what is not UTF-8 is an error,
 * and a line that is too long is one as soon as that is known, not at its end.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";

/** Splits a byte stream. */
export class LineReader {
  /** Longest line, without its end; may be changed between two lines. */
  maxBytes: number;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  /** Pieces of the unfinished line. */
  #pieces: Uint8Array[] = [];
  #length = 0;

  /** @param maxBytes Longest line, without its end. */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Whether a line has begun and not ended. */
  get pending(): boolean {
    return this.#length > 0;
  }

  /**
   * Takes the next bytes and gives the lines that end in them, one at a time: without line end, byte
   * order mark, and empty lines. The bytes are not kept.
   *
   * @throws {Fault} `invalid_request` for a line that is too long, `parse_error` for one that is not
   * UTF-8. Nothing can be read after that.
   */
  *push(chunk: Uint8Array): Generator<string> {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      const line = this.#finish(chunk.subarray(start, end));
      start = end + 1;
      if (line !== "") yield line;
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start));
  }

  /** The line that the end of the input ended, if there is one. @throws as {@linkcode push}. */
  end(): string {
    return this.#finish(new Uint8Array());
  }

  #hold(piece: Uint8Array): void {
    this.#length += piece.length;
    this.#checkLength(this.#length);
    this.#pieces.push(piece.slice());
  }

  #finish(last: Uint8Array): string {
    this.#checkLength(this.#length + last.length);
    const bytes = this.#pieces.length === 0 ? last : this.#join(last);
    let text: string;
    try {
      text = this.#decoder.decode(bytes);
    } catch (cause) {
      throw new Fault("parse_error", "Cannot read the line: it is not UTF-8", { cause });
    }
    return text.endsWith("\r") ? text.slice(0, -1) : text;
  }

  #join(last: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(this.#length + last.length);
    let at = 0;
    for (const piece of [...this.#pieces, last]) {
      bytes.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [];
    this.#length = 0;
    return bytes;
  }

  #checkLength(length: number): void {
    // One more for the first half of a line end of two.
    if (length <= this.maxBytes + 1) return;
    throw new Fault(
      "invalid_request",
      `Cannot read the line: it is longer than ${this.maxBytes} bytes; raise ` +
        `"server.limits.maxBodyBytes" in config.json if that is right`,
    );
  }
}
