/**
 * The short way of a server's answer: our own integer id is found at the head or the very end of the
 * line and replaced there, without parsing the payload between.
 *
 * Why that is safe: the id was minted here, so only its owner can be meant by it; the forms accepted
 * place the id at the top level whatever the payload is (see each form); and anything else, requests
 * and notifications included, is left to the parser. What is not checked is the payload itself: a
 * server that writes broken JSON between has broken its own answer, and nobody else's.
 *
 * @module
 */

/** Where an answer's id stands. `text.slice(0, start) + newId + text.slice(end)` replaces it. */
export interface AnswerId {
  id: number;
  /** Index of the id's first digit. */
  start: number;
  /** Index after its last digit. */
  end: number;
}

const HEAD = '{"jsonrpc":"2.0","id":';
const AFTER_HEAD = [',"result":', ',"error":{'] as const;
const TAIL_STARTS = [
  '{"jsonrpc":"2.0","result":',
  '{"jsonrpc":"2.0","error":{',
  '{"result":',
  '{"error":{',
] as const;
const TAIL_KEY = ',"id":';
const TAIL_VERSION = ',"jsonrpc":"2.0"';
const ZERO = 48;
const NINE = 57;
const MINUS = 45;
/** More digits than any id minted here can have. */
const MAX_DIGITS = 15;

/** Finds the id of an answer in one of the known forms; undefined when the line must be parsed. */
export function findAnswerId(text: string): AnswerId | undefined {
  // Every form ends in the object's own brace; half a line does not travel on.
  if (text.charCodeAt(text.length - 1) !== 125) return undefined;
  return text.startsWith(HEAD) ? atHead(text) : atTail(text);
}

/** `{"jsonrpc":"2.0","id":N,"result":…}`: the SDKs for TypeScript, Python, Go, Rust, C#. */
function atHead(text: string): AnswerId | undefined {
  const start = HEAD.length;
  let end = start;
  let id = 0;
  for (; end - start <= MAX_DIGITS; end++) {
    const digit = text.charCodeAt(end);
    if (digit < ZERO || digit > NINE) break;
    id = id * 10 + (digit - ZERO);
  }
  if (end === start || end - start > MAX_DIGITS) return undefined;
  if (!AFTER_HEAD.some((after) => text.startsWith(after, end))) return undefined;
  // A second id at the end would win in the client's parser: not one of the known forms.
  return readTailId(text) === undefined ? { id, start, end } : undefined;
}

/**
 * `{"result":…,"jsonrpc":"2.0","id":N}` and its like (the v1 TypeScript SDK among others). The last
 * brace of valid JSON closes the top-level object, so a key right before it is a top-level key.
 */
function atTail(text: string): AnswerId | undefined {
  if (!TAIL_STARTS.some((start) => text.startsWith(start))) return undefined;
  return readTailId(text);
}

function readTailId(text: string): AnswerId | undefined {
  let end = text.length - 1;
  if (text.endsWith(TAIL_VERSION, end)) end -= TAIL_VERSION.length;
  let start = end;
  while (end - start <= MAX_DIGITS) {
    const digit = text.charCodeAt(start - 1);
    if (digit < ZERO || digit > NINE) break;
    start--;
  }
  if (start === end || end - start > MAX_DIGITS) return undefined;
  if (text.charCodeAt(start - 1) === MINUS || !text.endsWith(TAIL_KEY, start)) return undefined;
  return { id: Number(text.slice(start, end)), start, end };
}

/** The answer with another id. @param id JSON text of the id to put in. */
export function replaceAnswerId(text: string, found: AnswerId, id: string): string {
  return text.slice(0, found.start) + id + text.slice(found.end);
}

/**
 * The id that an unreadable answer names at its head or its end, so that the call it was meant for can
 * be told at once instead of waiting for its deadline. For a line that was cut, give its two ends.
 */
export function salvageAnswerId(head: string, tail = head): number | undefined {
  const match = /^\{"jsonrpc":"2\.0","id":(\d{1,15}),"(?:result|error)":/.exec(head.slice(0, 64));
  if (match !== null) return Number(match[1]);
  if (!TAIL_STARTS.some((start) => head.startsWith(start))) return undefined;
  return tail.endsWith("}") ? readTailId(tail)?.id : undefined;
}
