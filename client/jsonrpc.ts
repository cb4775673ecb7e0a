/**
 * JSON-RPC as the SDK needs it: ids are integers of its own, so a message is read with `JSON.parse`
 * and sorted by its shape. (`protocol/message.ts` keeps every id and number exactly as written, with
 * means that Node 20 does not have; a client has no foreign ids to keep.)
 *
 * @module
 */

import { AichakuError, excerpt, rpcError } from "./errors.ts";

/** A JSON object. */
export type JsonObject = { [key: string]: unknown };

/** A message from the server. */
export type Incoming =
  | { kind: "response"; id: number; result: JsonObject }
  | { kind: "error"; id: number | undefined; error: AichakuError }
  | { kind: "request"; id: string | number; method: string; params: JsonObject }
  | { kind: "notification"; method: string; params: JsonObject }
  | { kind: "invalid"; why: string; id: number | undefined };

/** Reads one message. Never throws: what cannot be read is `invalid`. */
export function readIncoming(text: string): Incoming {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = `not JSON (${(error as SyntaxError).message}): ${excerpt(text)}`;
    return { kind: "invalid", why, id: undefined };
  }
  return sort(value);
}

function sort(value: unknown): Incoming {
  if (!isObject(value)) {
    return { kind: "invalid", why: `not a JSON-RPC message: ${excerpt(value)}`, id: undefined };
  }
  const { id, method } = value;
  if (typeof method === "string") {
    const params = isObject(value.params) ? value.params : {};
    return typeof id === "string" || typeof id === "number"
      ? { kind: "request", id, method, params }
      : { kind: "notification", method, params };
  }
  const own = typeof id === "number" ? id : undefined;
  if (value.error !== undefined) return { kind: "error", id: own, error: rpcError(value.error) };
  if (own !== undefined && isObject(value.result)) {
    return { kind: "response", id: own, result: value.result };
  }
  return { kind: "invalid", why: `neither result nor error: ${excerpt(value)}`, id: own };
}

/** The text of a request. Without a token no progress is asked for. */
export function requestText(
  id: number,
  method: string,
  params: JsonObject | undefined,
  progressToken?: number,
): string {
  if (progressToken !== undefined) {
    const meta = isObject(params?._meta) ? params._meta : {};
    params = { ...params, _meta: { ...meta, progressToken } };
  }
  return JSON.stringify({ jsonrpc: "2.0", id, method, params });
}

/** The text of a notification. */
export function notificationText(method: string, params?: JsonObject): string {
  return JSON.stringify({ jsonrpc: "2.0", method, params });
}

/** Whether `value` is a JSON object: not null, not an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
