/**
 * Finds comments, strings, templates and regular expressions in JavaScript and TypeScript, in one pass
 * and in linear time, so that rules for code never match prose.
 *
 * It is a scanner, not a parser. Code inside `${…}` of a template is code. Where only a parser could
 * tell (a regular expression after `)`, text between JSX tags), it prefers to call something code:
 * a rule then sees too much rather than too little. It never throws and always ends.
 *
 * @module
 */

import type { Span } from "./spans.ts";

/** The parts of `text` that are not code, in order, not overlapping. */
export function scanJavaScript(text: string): Span[] {
  const spans: Span[] = [];
  /** One entry per open `${`: how many `{` are open inside it. */
  const substitutions: number[] = [];
  /** Offset of the last unit that is neither blank nor comment; decides what a `/` means. */
  let last = -1;
  let at = 0;

  const template = (from: number) => {
    const { end, opens } = templatePart(text, from);
    if (end > from) spans.push({ start: from, end, kind: "string" });
    if (opens) substitutions.push(0);
    at = Math.min(text.length, end + (opens ? 2 : 1));
    last = at - 1;
  };

  if (text.startsWith("#!")) {
    at = lineEnd(text, 0);
    spans.push({ start: 0, end: at, kind: "comment" });
  }
  while (at < text.length) {
    const char = text[at];
    switch (char) {
      case " ":
      case "\t":
      case "\r":
      case "\n":
        at++;
        continue;
      case "/": {
        const next = text[at + 1];
        if (next === "/" || next === "*") {
          const end = next === "/" ? lineEnd(text, at) : blockCommentEnd(text, at);
          spans.push({ start: at, end, kind: "comment" });
          at = end;
          continue;
        }
        const end = mayBeginRegex(text, last) ? regexEnd(text, at) : -1;
        if (end !== -1) {
          spans.push({ start: at + 1, end, kind: "string" });
          last = end;
          at = end + 1;
          continue;
        }
        break;
      }
      case '"':
      case "'": {
        const end = quotedEnd(text, at);
        // Not closed on its line: an apostrophe in the text of a JSX element.
        if (end === -1) break;
        if (end > at + 1) spans.push({ start: at + 1, end, kind: "string" });
        last = end;
        at = end + 1;
        continue;
      }
      case "`":
        template(at + 1);
        continue;
      case "{":
        if (substitutions.length > 0) substitutions[substitutions.length - 1]++;
        break;
      case "}":
        if (substitutions.length > 0 && substitutions[substitutions.length - 1]-- === 0) {
          substitutions.pop();
          template(at + 1);
          continue;
        }
        break;
    }
    last = at++;
  }
  return spans;
}

function lineEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === "\n" || text[at] === "\r") return at;
  }
  return text.length;
}

function blockCommentEnd(text: string, from: number): number {
  const end = text.indexOf("*/", from + 2);
  return end === -1 ? text.length : end + 2;
}

/** Offset of the closing quote, or -1 when the line ends first. */
function quotedEnd(text: string, from: number): number {
  const quote = text[from];
  for (let at = from + 1; at < text.length; at++) {
    const char = text[at];
    if (char === quote) return at;
    if (char === "\n" || char === "\r") return -1;
    if (char === "\\") at += text[at + 1] === "\r" && text[at + 2] === "\n" ? 2 : 1;
  }
  return -1;
}

/** Where the literal part of a template that begins at `from` ends: at "`", at `${`, or with the text. */
function templatePart(text: string, from: number): { end: number; opens: boolean } {
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === "`") return { end: at, opens: false };
    if (char === "$" && text[at + 1] === "{") return { end: at, opens: true };
    if (char === "\\") at++;
  }
  return { end: text.length, opens: false };
}

/** Offset of the closing `/` of a regular expression that begins at `from`, or -1 if it is none. */
function regexEnd(text: string, from: number): number {
  let inClass = false;
  for (let at = from + 1; at < text.length; at++) {
    const char = text[at];
    if (char === "\n" || char === "\r") return -1;
    if (char === "\\") at++;
    else if (char === "[") inClass = true;
    else if (char === "]") inClass = false;
    else if (char === "/" && !inClass) return at;
  }
  return -1;
}

/** Words after which an expression begins, so that `/` begins a regular expression. */
const BEFORE_EXPRESSION = new Set(
  "await case delete do else in instanceof new of return throw typeof void yield".split(" "),
);

const WORD_CHARACTER = /[\w$\u0080-\uffff]/;

function mayBeginRegex(text: string, last: number): boolean {
  if (last < 0) return true;
  const char = text[last];
  // `<` and `>` belong to JSX tags (`</a>`, `<a>/`), unless it is an arrow.
  if (char === ">") return text[last - 1] === "=";
  if (")]}<\"'`/".includes(char)) return false;
  // `i++ / 2` against `a + /x/.source`.
  if (char === "+" || char === "-") return text[last - 1] !== char;
  if (!WORD_CHARACTER.test(char)) return true;
  // The longest of these words has 10 letters: no need to walk back through a longer one.
  let start = last;
  while (start > 0 && last - start < 11 && WORD_CHARACTER.test(text[start - 1])) start--;
  return text[start - 1] !== "." && BEFORE_EXPRESSION.has(text.slice(start, last + 1));
}
