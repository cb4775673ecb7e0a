/**
 * JSON in and out without loss. `JSON.parse` turns 12345678901234567890 into another number, and a
 * proxy that does so corrupts its users' ids; here a number that a double cannot hold keeps the text
 * it was written in, through {@linkcode parseJson} and {@linkcode stringifyJson}.
 *
 * What it does not keep: white space, escapes that are written differently but mean the same, and all
 * but the last of several equal keys.
 *
 * @module
 */

/** A parsed JSON object. */
export type JsonObject = { [key: string]: unknown };

// Standard since ES2025 ("JSON.parse source text access"); TypeScript's lib does not know it yet.
interface JsonWithSource {
  parse(
    text: string,
    reviver: (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
}
const exact = JSON as unknown as JsonWithSource;

/**
 * A number that might not survive a double: 16 characters of digits and a point, an exponent, a
 * negative zero. Looked for where a number begins, not at each of its digits. Every repetition is bounded, because the text may be anybody's: with `*` in the second
 * place, a long "1.1.1.1…" in a string was scanned once for each of its digits, which takes hours.
 */
const SUSPICIOUS_NUMBER =
  /(?<![.\d])\d(?:[.\d]{15}|[.\d]{0,15}[eE][+-]?\d)|-0(?!\d|\.0{0,15}[1-9])/;

/** A text of this length or more is looked at between its strings only. */
const LONG = 1024;

/** Characters for each string that a long text is worth being taken apart for. */
const WORTH = 64;

/**
 * Whether a number may be lost. In a long text most of it is strings, which are jumped over: looking
 * through 64 KiB took five times as long as parsing them. True as well for some texts that lose nothing.
 */
function mayLoseNumber(text: string): boolean {
  if (text.length < LONG) return SUSPICIOUS_NUMBER.test(text);
  // With many short strings the jumps would cost more than they save.
  let jumps = text.length / WORTH;
  let start = 0;
  while (jumps-- > 0) {
    const open = text.indexOf('"', start);
    if (open === -1) break;
    if (SUSPICIOUS_NUMBER.test(text.slice(start, open))) return true;
    let close = text.indexOf('"', open + 1);
    while (close !== -1 && isEscaped(text, close)) {
      if (jumps-- <= 0) break;
      close = text.indexOf('"', close + 1);
    }
    // No end, or too many jumps: the rest is looked at as it is, its strings included.
    if (close === -1 || jumps <= 0) break;
    start = close + 1;
  }
  return SUSPICIOUS_NUMBER.test(start === 0 ? text : text.slice(start));
}

/** Whether the quote at `at` belongs to the string: behind an odd number of backslashes. */
function isEscaped(text: string, at: number): boolean {
  let before = at;
  while (text.charCodeAt(before - 1) === BACKSLASH) before--;
  return (at - before) % 2 === 1;
}

const BACKSLASH = 92;

/**
 * Parses JSON. Numbers that a double cannot hold become opaque values that {@linkcode stringifyJson}
 * writes as they were.
 *
 * @throws {SyntaxError} when `text` is not JSON.
 * @throws {RangeError} when it holds such a number, or an escape, and nests too deeply (some thousand
 * levels).
 */
export function parseJson(text: string): unknown {
  const value = parseNumbers(text);
  return text.includes("\\") && mayBeOthersKey(value) ? parseApart(text) : value;
}

function parseNumbers(text: string): unknown {
  if (!mayLoseNumber(text)) return JSON.parse(text);
  return exact.parse(text, (_key, value, context) => {
    if (typeof value !== "number" || context.source === undefined) return value;
    return JSON.stringify(value) === context.source ? value : exact.rawJSON(context.source);
  });
}

/**
 * Whether a key may be that of an object which was parsed before, perhaps of another client's message. V8
 * 15.0 (Deno 2.9.6) takes an escaped key for the one that stood there in the last object alike when the
 * one's text begins with the other: after `{"k\\":1}`, `{"k\n":1}` is parsed as `{"k\\":1}`. Such a key
 * has a backslash where the escape was.
 */
function mayBeOthersKey(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.some(mayBeOthersKey);
  for (const key in value) {
    if (key.includes("\\") || mayBeOthersKey((value as JsonObject)[key])) return true;
  }
  return false;
}

/** Parses every object as one that is like none before: it begins with a key that was never used. */
function parseApart(text: string): unknown {
  const mark = `${crypto.randomUUID()} `;
  let objects = 0;
  const marked = text.replace(
    STRING_OR_OBJECT,
    (found, isEmpty) => found[0] === '"' || isEmpty ? found : `{"${mark}${objects++}":0,`,
  );
  return unmarked(parseNumbers(marked), mark);
}

/** A string, or the beginning of an object: with its end, where it is empty. */
const STRING_OR_OBJECT = /"[^"\\]*(?:\\.[^"\\]*)*"|\{(\s*\})?/gs;

/** Takes the first keys out again. */
function unmarked(value: unknown, mark: string): unknown {
  if (Array.isArray(value)) return value.map((part) => unmarked(part, mark));
  if (!isObject(value)) return value;
  const own = Object.entries(value).filter(([key]) => !key.startsWith(mark));
  return Object.fromEntries(own.map(([key, part]) => [key, unmarked(part, mark)]));
}

/**
 * Whether a parsed value nests more than `limit` levels. Visits every part of it, so cheap for messages
 * whose bulk is text.
 */
export function nestsDeeperThan(value: unknown, limit: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (limit === 0) return true;
  // Not by their indices: a long list would be as many texts.
  if (Array.isArray(value)) return value.some((part) => nestsDeeperThan(part, limit - 1));
  for (const key in value) {
    if (nestsDeeperThan((value as JsonObject)[key], limit - 1)) return true;
  }
  return false;
}

/**
 * JSON text of a value from {@linkcode parseJson}; always one line.
 *
 * @throws {RangeError} when the value is nested too deeply to be written.
 */
export function stringifyJson(value: unknown): string {
  return JSON.stringify(value);
}

/** Text of a number kept by {@linkcode parseJson}; undefined for anything else. */
export function exactNumberText(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  // Node 20, where the client SDK runs too, has no such numbers, and not the function either.
  const isRaw = (JSON as unknown as { isRawJSON?(value: unknown): boolean }).isRawJSON?.(value);
  return isRaw ? (value as { rawJSON: string }).rawJSON : undefined;
}

/** Whether `value` is a JSON object: not null, not an array, not an exact number. */
export function isObject(value: unknown): value is JsonObject {
  if (typeof value !== "object" || value === null) return false;
  // As nearly all are; an exact number has no prototype.
  if (Object.getPrototypeOf(value) === Object.prototype) return true;
  return !Array.isArray(value) && exactNumberText(value) === undefined;
}
