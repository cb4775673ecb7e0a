/**
 * Finds comments and strings in Python, in one pass and in linear time, so that rules for code never
 * match prose.
 *
 * All prefixes, triple quotes and the replacement fields of f-strings (which are code) are understood.
 * A string that is not closed on its line ends there, as the language says, so that one broken line
 * does not hide the rest of a file. It never throws and always ends.
 *
 * @module
 */

import type { Span } from "./spans.ts";

/** A formatted string whose replacement field the scanner is in. */
interface Field {
  quote: string;
  /** Brackets open inside the field. */
  depth: number;
}

const PREFIX = /^(?:[rRbBuUfFtT]|[bBfFtT][rR]|[rR][bBfFtT])$/;
const WORD = /[\w\u0080-\uffff]+/y;

/** The parts of `text` that are not code, in order, not overlapping. */
export function scanPython(text: string): Span[] {
  const spans: Span[] = [];
  const fields: Field[] = [];
  let at = 0;

  /** Scans the content of a string from `from` on; stops after its end or inside a field. */
  const string = (from: number, quote: string, formatted: boolean) => {
    const { end, opens, closed } = stringPart(text, from, quote, formatted);
    if (end > from) spans.push({ start: from, end, kind: "string" });
    if (opens) fields.push({ quote, depth: 0 });
    at = end + (opens ? 1 : closed ? quote.length : 0);
  };

  while (at < text.length) {
    const char = text[at];
    const field = fields.at(-1);
    if (char === "#" && field === undefined) {
      let end = at;
      while (end < text.length && text[end] !== "\n" && text[end] !== "\r") end++;
      spans.push({ start: at, end, kind: "comment" });
      at = end;
    } else if (char === '"' || char === "'") {
      string(at + quoteAt(text, at).length, quoteAt(text, at), false);
    } else if (isWord(char)) {
      WORD.lastIndex = at;
      const word = WORD.exec(text)?.[0] ?? char;
      at += word.length;
      const next = text[at];
      if ((next === '"' || next === "'") && word.length <= 2 && PREFIX.test(word)) {
        const quote = quoteAt(text, at);
        string(at + quote.length, quote, /[fFtT]/.test(word));
      }
    } else if (field !== undefined) {
      if (char === "(" || char === "[" || char === "{") field.depth++;
      else if (char === ")" || char === "]") field.depth--;
      else if (char === "}" && field.depth-- <= 0) {
        fields.pop();
        string(at + 1, field.quote, true);
        continue;
      } else if ((char === "\n" || char === "\r") && field.quote.length === 1) {
        // A field of a one-line string that does not end on its line: broken code, or `{` as text.
        fields.pop();
      }
      at++;
    } else {
      at++;
    }
  }
  return spans;
}

function isWord(char: string): boolean {
  return /[\w\u0080-\uffff]/.test(char);
}

function quoteAt(text: string, at: number): string {
  const triple = text[at].repeat(3);
  return text.startsWith(triple, at) ? triple : text[at];
}

interface StringPart {
  end: number;
  /** A replacement field begins at `end`. */
  opens: boolean;
  /** The closing quote stands at `end`. */
  closed: boolean;
}

function stringPart(text: string, from: number, quote: string, formatted: boolean): StringPart {
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    // A backslash keeps the next quote from closing, in raw strings as well.
    if (char === "\\") at += text[at + 1] === "\r" && text[at + 2] === "\n" ? 2 : 1;
    else if (char === quote[0] && (quote.length === 1 || text.startsWith(quote, at))) {
      return { end: at, opens: false, closed: true };
    } else if ((char === "\n" || char === "\r") && quote.length === 1) {
      return { end: at, opens: false, closed: false };
    } else if (formatted && char === "{") {
      if (text[at + 1] === "{") at++;
      else return { end: at, opens: true, closed: false };
    }
  }
  return { end: text.length, opens: false, closed: false };
}
