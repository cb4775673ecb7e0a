/**
 * What a remote server sends, as the lines that an instance reads.
 *
 * @module
 */

import { answerIdsIn, findAnswerId } from "../../../protocol/answer.ts";
import { isObject, type JsonObject, parseJson, stringifyJson } from "../../../protocol/json.ts";

/**
 * A text as lines of one message each. In JSON a line end can only stand between tokens, where a space
 * means the same; 2025-03-26 allows a server to send several messages as an array.
 */
export function linesOf(text: string): string[] {
  const line = /[\r\n]/.test(text) ? text.replace(/[\r\n]+/g, " ").trim() : text.trim();
  if (line === "") return [];
  if (!line.startsWith("[")) return [line];
  try {
    const batch = parseJson(line);
    return Array.isArray(batch) ? batch.map((message) => stringifyJson(message)) : [line];
  } catch (error) {
    // Not JSON, or too deep: whoever reads lines says so.
    if (error instanceof SyntaxError || error instanceof RangeError) return [line];
    throw error;
  }
}

/** The calls that a line answers: one, unless it is broken. */
export function answeredIds(line: string): number[] {
  const found = findAnswerId(line);
  return found === undefined ? answerIdsIn(line) : [found.id];
}

/** The JSON-RPC error in the body of a response whose status says no; undefined when it holds none. */
export function errorIn(body: string): { id: unknown; error: JsonObject } | undefined {
  let value: unknown;
  try {
    value = parseJson(body);
  } catch (error) {
    // A page for people, most likely; or too deep to be an error.
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
  if (!isObject(value) || value.jsonrpc !== "2.0") return undefined;
  const { id, error } = value;
  if (!isObject(error) || typeof error.code !== "number" || typeof error.message !== "string") {
    return undefined;
  }
  return { id, error };
}

/** An error as the line that answers request `id`. */
export function errorLine(id: number, error: JsonObject): string {
  return `{"jsonrpc":"2.0","id":${id},"error":${stringifyJson(error)}}`;
}
