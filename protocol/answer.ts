/**
 * The short way of a server's answer: our own integer id is found at the head or the very end of the
 * line and replaced there, without parsing the payload between.
 *
 * Why that is safe: the id was minted here, so only its owner can be meant by it; the forms accepted
 * place the id at the top level whatever the payload is (see each form); the line holds one message and
 * not two (see {@linkcode isOneMessage}); and anything else, requests and notifications included, is
 * left to the parser. What is not checked is the payload itself: a server that writes broken JSON
 * between has broken this one answer.
 *
 * @module
 */

import { isObject, parseJson } from "./json.ts";
import { idText } from "./message.ts";

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
const VERSION = '"jsonrpc":"2.0"';
const ZERO = 48;
const NINE = 57;
/** More digits than any id minted here can have. */
const MAX_DIGITS = 15;

/** Finds the id of an answer in one of the known forms; undefined when the line must be parsed. */
export function findAnswerId(text: string): AnswerId | undefined {
  // Every form ends in the object's own brace; half a line does not travel on.
  if (text.charCodeAt(text.length - 1) !== 125) return undefined;
  const found = text.startsWith(HEAD) ? atHead(text) : atTail(text);
  return found !== undefined && isOneMessage(text) ? found : undefined;
}

/**
 * Whether the line names its version exactly once. Threads of a server that share its stdout without a
 * lock write one answer into another, or two before their line ends; such a line holds what belongs to
 * two clients and must reach neither. Inside a string the quotes would be escaped, so in good JSON a
 * second one can only be a key further down, which the parser sees to. This one search over the payload
 * costs about a fifth of parsing it. Not seen: an answer that begins with its result and was cut by
 * another; servers that write this form (on Node) have no threads to do so.
 */
function isOneMessage(text: string): boolean {
  const first = text.indexOf(VERSION);
  return first !== -1 && text.indexOf(VERSION, first + VERSION.length) === -1;
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
  if (!text.endsWith(TAIL_KEY, start)) return undefined;
  return { id: Number(text.slice(start, end)), start, end };
}

/** The answer with another id. @param id JSON text of the id to put in. */
export function replaceAnswerId(text: string, found: AnswerId, id: string): string {
  return text.slice(0, found.start) + id + text.slice(found.end);
}

/** Answers that begin within the line. */
const ANSWER_HEADS = /\{"jsonrpc":"2\.0","id":(\d{1,15}),"(?:result|error)":/g;
/** The one that begins the line, with spaces: Python writes them by default, and `NaN`, which is no JSON. */
const SPACED_HEAD = /^\{"jsonrpc": "2\.0", "id": (\d{1,15}), "(?:result|error)": /;
const SPACED_RESULT = /^\{(?:"jsonrpc": "2\.0", )?"(?:result|error)": /;
const SPACED_TAIL = /, "id": (\d{1,15})(?:, "jsonrpc": "2\.0")?\}$/;
/** Characters at the end of a line that hold all of {@linkcode SPACED_TAIL}. */
const TAIL_LENGTH = 100;

/**
 * The ids that an unreadable line names where answers carry theirs, so that the calls they were meant
 * for can be told at once instead of waiting for their deadline. For a line that was cut, give its two
 * ends; for a whole one, the line twice.
 */
export function salvageAnswerIds({ head, tail }: { head: string; tail: string }): number[] {
  const ids = new Set<number>();
  for (const [, id] of head.matchAll(ANSWER_HEADS)) ids.add(Number(id));
  if (TAIL_STARTS.some((start) => head.startsWith(start)) && tail.endsWith("}")) {
    const found = readTailId(tail);
    if (found !== undefined) ids.add(found.id);
  }
  const spaced = SPACED_HEAD.exec(head) ??
    (SPACED_RESULT.test(head) ? SPACED_TAIL.exec(tail.slice(-TAIL_LENGTH)) : null);
  if (spaced !== null) ids.add(Number(spaced[1]));
  return [...ids];
}

/**
 * The ids of the answers in a whole line that is no message: one that is not JSON, or that lacks what
 * JSON-RPC asks for (no version, both result and error).
 */
export function answerIdsIn(line: string): number[] {
  let value: unknown;
  try {
    value = parseJson(line);
  } catch {
    return salvageAnswerIds({ head: line, tail: line }); // Not JSON, or too deep to be read.
  }
  // With a method it is a question of the server's, whose ids are its own.
  if (!isObject(value) || Object.hasOwn(value, "method")) return [];
  const id = Number(idText(value.id));
  return Number.isSafeInteger(id) ? [id] : [];
}

/** The first of {@linkcode salvageAnswerIds}, for a peer that nobody else talks to. */
export function salvageAnswerId(head: string, tail = head): number | undefined {
  return salvageAnswerIds({ head, tail })[0];
}
