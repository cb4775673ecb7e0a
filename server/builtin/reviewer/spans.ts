/**
 * What a scanner reports: the parts of a source text that are not code, and how the text looks without
 * them.
 *
 * @module
 */

/** A part of the text that is not code. Delimiters of strings (quotes, backticks) count as code. */
export interface Span {
  /** Offset of its first UTF-16 unit. */
  start: number;
  /** Offset after its last UTF-16 unit. */
  end: number;
  /** `string` is the content of a string, a template or a regular expression. */
  kind: "comment" | "string";
}

/**
 * The text with the given spans turned into blanks. Offsets and line breaks stay where they were.
 *
 * @param spans In order, not overlapping.
 */
export function blanked(text: string, spans: Iterable<{ start: number; end: number }>): string {
  const parts: string[] = [];
  let done = 0;
  for (const { start, end } of spans) {
    parts.push(text.slice(done, start), text.slice(start, end).replace(/[^\r\n]/g, " "));
    done = end;
  }
  parts.push(text.slice(done));
  return parts.join("");
}

/**
 * Whether the unit at `offset` is code.
 *
 * @param spans In order, not overlapping.
 */
export function isCode(spans: readonly Span[], offset: number): boolean {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (spans[middle].end <= offset) low = middle + 1;
    else high = middle;
  }
  return low === spans.length || offset < spans[low].start;
}
