/**
 * Offsets as lines and columns.
 *
 * @module
 */

/** The lines of a text; `\n`, `\r\n` and `\r` end one. */
export class Lines {
  readonly #text: string;
  /** Offset where each line begins. */
  readonly #starts: number[] = [0];

  constructor(text: string) {
    this.#text = text;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === 10 || (code === 13 && text.charCodeAt(at + 1) !== 10)) this.#starts.push(at + 1);
    }
  }

  /** How many there are; an empty text has one. */
  get count(): number {
    return this.#starts.length;
  }

  /** Line and column, both from 1, of an offset. */
  position(offset: number): { line: number; column: number } {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#starts[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - this.#starts[low] + 1 };
  }

  /** Offsets of a line without its end. */
  range(line: number): { start: number; end: number } {
    const start = this.#starts[line - 1];
    let end = line < this.#starts.length ? this.#starts[line] : this.#text.length;
    while (end > start && (this.#text[end - 1] === "\n" || this.#text[end - 1] === "\r")) end--;
    return { start, end };
  }
}
