/**
 * Lines of a client's: bytes in any chunks to texts. Unlike a server's lines (`protocol/ndjson.ts`),
 * which are mended where they can be, a client's are read to the letter: what is not UTF-8 is an error,
 * and a line that is too long is one as soon as that is known, not at its end.
 *
 * Whole lines that came together are decoded together. Only where something is wrong with them, or
 * might be, each is looked at by itself, so that the ones before it are given.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";

const MENDING = new TextDecoder("utf-8", { ignoreBOM: true });
const FAILING = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** Bytes of memory that an idle connection keeps for its next long line. */
const MAX_KEPT = 256 * 1024;

const LINE_END = 10;
const BYTE_ORDER_MARK = 0xfeff;
const CARRIAGE_RETURN = 13;

/** Splits a byte stream. */
export class LineReader {
  /** Longest line, without its end; may be raised between two lines. */
  maxBytes: number;
  /** The unfinished line, and room for more of it. */
  #held = new Uint8Array();
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
    if (this.#length > 0) {
      const end = chunk.indexOf(LINE_END);
      if (end === -1) return this.#hold(chunk);
      const line = this.#finish(chunk.subarray(0, end));
      start = end + 1;
      if (line !== "") yield line;
    }
    const end = chunk.lastIndexOf(LINE_END) + 1;
    if (end > start) {
      const whole = chunk.subarray(start, end);
      // None of them can be too long. Otherwise, which one is may depend on what is said before it.
      const text = whole.length <= this.maxBytes ? decode(whole) : undefined;
      yield* text === undefined ? this.#oneByOne(whole) : linesOf(text);
      start = end;
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start));
  }

  /** The line that the end of the input ended, if there is one. @throws as {@linkcode push}. */
  end(): string {
    return this.#finish(new Uint8Array());
  }

  *#oneByOne(whole: Uint8Array): Generator<string> {
    let start = 0;
    for (let end = whole.indexOf(LINE_END); end !== -1; end = whole.indexOf(LINE_END, start)) {
      const line = this.#finish(whole.subarray(start, end));
      start = end + 1;
      if (line !== "") yield line;
    }
  }

  #hold(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    this.#checkLength(length);
    if (length > this.#held.length) {
      // Doubled, so that a long line costs linear time; the memory serves the next one as well.
      const roomier = new Uint8Array(Math.max(length, 2 * this.#held.length));
      roomier.set(this.#held.subarray(0, this.#length));
      this.#held = roomier;
    }
    this.#held.set(piece, this.#length);
    this.#length = length;
  }

  #finish(last: Uint8Array): string {
    let bytes = last;
    if (this.#length > 0) {
      this.#hold(last);
      bytes = this.#held.subarray(0, this.#length);
      this.#length = 0;
    } else this.#checkLength(last.length);
    const text = decode(bytes);
    if (this.#held.length > MAX_KEPT) this.#held = new Uint8Array();
    if (text !== undefined) return bare(text);
    throw new Fault("parse_error", "Cannot read the line: it is not UTF-8");
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

/**
 * The text of whole lines; undefined when it is not UTF-8. A decoder that is to fail, or that is given
 * one piece after the other, takes five to fifteen times as long (Deno 2.9.6); so what comes out of one
 * that mends is looked at, and only where something may have been mended is it asked again.
 */
function decode(bytes: Uint8Array): string | undefined {
  const text = MENDING.decode(bytes);
  if (!text.includes("\ufffd")) return text;
  try {
    return FAILING.decode(bytes);
  } catch {
    return undefined;
  }
}

function* linesOf(text: string): Generator<string> {
  let start = 0;
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
    const line = bare(text.slice(start, end));
    start = end + 1;
    if (line !== "") yield line;
  }
}

/** A line without its byte order mark, and without the first half of a line end of two. */
function bare(line: string): string {
  const start = line.charCodeAt(0) === BYTE_ORDER_MARK ? 1 : 0;
  const end = line.charCodeAt(line.length - 1) === CARRIAGE_RETURN ? line.length - 1 : line.length;
  return start === 0 && end === line.length ? line : line.slice(start, end);
}
