/**
 * The envelope: what routing needs to know of a JSON-RPC message. A client's message is always parsed
 * whole and written anew from the parse; its own text never travels on, because a text with two `id`
 * keys means one thing to us and another to a server.
 *
 * @module
 */

import { Fault } from "./errors.ts";
import { exactNumberText, isObject, type JsonObject, parseJson } from "./json.ts";

/** A call that wants an answer. */
export interface RequestMessage {
  kind: "request";
  /**
   * JSON text of the id, exactly as the answer must carry it: `1`, `"1"`, `12345678901234567890`. Two
   * ids are the same if and only if these texts are equal.
   */
  id: string;
  method: string;
  params: JsonObject | undefined;
}

/** A message that wants no answer. */
export interface NotificationMessage {
  kind: "notification";
  method: string;
  params: JsonObject | undefined;
}

/** An answer to a request that went the other way. */
export interface ResponseMessage {
  kind: "response";
  /** JSON text of the id, as in {@linkcode RequestMessage}; `null` for an error without one. */
  id: string;
  result?: unknown;
  error?: unknown;
}

export type Message = RequestMessage | NotificationMessage | ResponseMessage;

/** A {@linkcode Fault} about a message whose id could be read, so that the answer can carry it. */
export class MessageFault extends Fault {
  override name = "MessageFault";
  /** JSON text of the id, or `null`. */
  readonly id: string;

  constructor(reason: "parse_error" | "invalid_request", message: string, id = "null") {
    super(reason, message);
    this.id = id;
  }
}

/**
 * Reads one JSON-RPC message.
 *
 * @throws {MessageFault} `parse_error` when it is not JSON, `invalid_request` when it is not a message:
 * a batch, a wrong `jsonrpc`, an id that is neither string nor number, params that are not an object,
 * a nesting too deep to be read.
 */
export function parseMessage(text: string): Message {
  return readMessage(parseMessageJson(text));
}

/**
 * The JSON of what should be a message, or several.
 *
 * @throws {MessageFault} `parse_error` when it is not JSON, `invalid_request` when it nests too deeply.
 */
export function parseMessageJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    if (cause instanceof RangeError) {
      throw new MessageFault("invalid_request", "Cannot read the message: it nests too deeply");
    }
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new MessageFault("parse_error", `Cannot parse the message as JSON: ${cause.message}`);
  }
}

/**
 * The message in a value that was parsed already.
 *
 * @throws {MessageFault} `invalid_request`, as {@linkcode parseMessage}.
 */
export function readMessage(value: unknown): Message {
  if (Array.isArray(value)) {
    throw new MessageFault(
      "invalid_request",
      "Cannot take a batch: JSON-RPC batches are not part of this protocol revision; send one " +
        "message a request",
    );
  }
  if (!isObject(value)) {
    throw new MessageFault("invalid_request", "Cannot read the message: it is not a JSON object");
  }
  const hasId = Object.hasOwn(value, "id");
  const id = hasId ? idText(value.id) : undefined;
  const echo = id ?? "null";
  if (value.jsonrpc !== "2.0") {
    throw new MessageFault(
      "invalid_request",
      `Cannot read the message: "jsonrpc" must be "2.0"`,
      echo,
    );
  }
  if (typeof value.method === "string") {
    const { method, params } = value;
    if (params !== undefined && !isObject(params)) {
      throw new MessageFault(
        "invalid_request",
        `Cannot read the message: "params" of ${describe(method)} must be an object`,
        echo,
      );
    }
    if (!hasId) return { kind: "notification", method, params };
    if (id === undefined) {
      throw new MessageFault(
        "invalid_request",
        `Cannot read the message: "id" of ${describe(method)} must be a string or a number`,
      );
    }
    return { kind: "request", id, method, params };
  }
  if (Object.hasOwn(value, "method")) {
    throw new MessageFault(
      "invalid_request",
      `Cannot read the message: "method" must be a string`,
      echo,
    );
  }
  const hasResult = Object.hasOwn(value, "result");
  const hasError = Object.hasOwn(value, "error");
  if (hasId && hasResult !== hasError && (id !== undefined || value.id === null)) {
    return hasResult
      ? { kind: "response", id: echo, result: value.result }
      : { kind: "response", id: echo, error: value.error };
  }
  throw new MessageFault(
    "invalid_request",
    `Cannot read the message: it is neither a request ("method"), a notification nor a response ` +
      `("id" with either "result" or "error")`,
    echo,
  );
}

/** JSON text of an id, or undefined when it is neither a string nor a number. */
export function idText(id: unknown): string | undefined {
  if (typeof id === "string" || typeof id === "number") return JSON.stringify(id);
  return exactNumberText(id);
}

/** A method name short enough to stand in an error. */
export function describe(method: string): string {
  return JSON.stringify(method.length > 80 ? `${method.slice(0, 80)}…` : method);
}

/** A result as the text of a whole response. @param id JSON text of the id. */
export function resultText(id: string, result: unknown): string {
  return `{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(result)}}`;
}

/** The text of a request. @param id JSON text of the id, or a number that is one. */
export function requestText(
  id: string | number,
  method: string,
  params: JsonObject | undefined,
): string {
  // In one piece: one that is put together is copied once more when it is sent.
  if (typeof id === "number") return JSON.stringify({ jsonrpc: "2.0", id, method, params });
  const tail = params === undefined ? "" : `,"params":${JSON.stringify(params)}`;
  return `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}${tail}}`;
}

/** The text of a notification. */
export function notificationText(method: string, params?: JsonObject): string {
  const tail = params === undefined ? "" : `,"params":${JSON.stringify(params)}`;
  return `{"jsonrpc":"2.0","method":${JSON.stringify(method)}${tail}}`;
}
