/**
 * What a client is to its server: how it introduces itself, which of the server's requests it answers,
 * and who is told what the server says of its own accord. The transports know nothing else of their user.
 *
 * @module
 */

import { pathToFileURL } from "node:url";

import { LATEST_LEGACY_REVISION } from "../protocol/revisions.ts";
import { AichakuError } from "./errors.ts";
import { isObject, type JsonObject } from "./jsonrpc.ts";
import type { ClientInfo } from "./transport.ts";

/** What a handler is given beside the request's `params`. */
export interface HandlerContext {
  /** Fires when nobody waits for the answer any more: the server cancelled, or the connection ended. */
  signal: AbortSignal;
  /** The server's request, for handlers that serve several: `elicitation/create`. */
  method: string;
}

/** Answers one kind of request of the server with the `result` of the answer. */
export type Handler = (
  params: JsonObject,
  context: HandlerContext,
) => JsonObject | Promise<JsonObject>;

/** A folder that the server may work in. */
export interface Root {
  /** A `file:` URI. */
  uri: string;
  name?: string;
  [key: string]: unknown;
}

/**
 * What the client does for its server. The capabilities for what is given are declared, so that a server
 * asks for nothing else. A handler that throws answers with a JSON-RPC error: an `AichakuError` with a
 * `code` as it is, anything else with -32603 and its message.
 */
export interface Handlers {
  /** Asks the user: `elicitation/create` (MCP, client/elicitation). */
  elicitation?: Handler;
  /** Asks a language model: `sampling/createMessage` (MCP, client/sampling). */
  sampling?: Handler;
  /**
   * The folders the server may work in: `roots/list` (MCP, client/roots). With a function, tell of
   * changes by `notify("notifications/roots/list_changed")`.
   */
  roots?:
    | readonly Root[]
    | ((context: HandlerContext) => readonly Root[] | Promise<readonly Root[]>);
}

/** A notification of the server that belongs to no call. */
export interface ServerNotification {
  /** `notifications/tools/list_changed`, `notifications/message` … */
  method: string;
  params: JsonObject;
}

/** See the module. */
export interface Peer {
  /** `params` of `initialize`. */
  readonly introduction: JsonObject;
  /** Whether the server may have something to say outside of calls that anybody here wants to hear. */
  readonly listens: boolean;
  /** Whether anybody here wants to hear the server's notifications. */
  readonly hears: boolean;
  /** The answer to a request of the server; undefined when it cannot be asked for this. */
  answer(method: string, params: JsonObject, signal: AbortSignal): Promise<JsonObject> | undefined;
  /** Told each notification that is not the progress of a call. Never throws. */
  onNotification(notification: ServerNotification): void;
}

/** What a peer is made of. */
export interface PeerOptions {
  clientInfo: ClientInfo;
  handlers: Handlers;
  /** Merged over what the handlers declare. */
  capabilities: JsonObject;
  onNotification: ((notification: ServerNotification) => void) | undefined;
}

/** The request each handler answers. */
const METHODS = {
  elicitation: "elicitation/create",
  sampling: "sampling/createMessage",
  roots: "roots/list",
} as const;

/**
 * A peer out of handlers.
 *
 * @throws {TypeError} when a capability is declared that no handler serves.
 */
export function peerOf(
  { clientInfo, handlers, capabilities, onNotification }: PeerOptions,
): Peer {
  const declared: JsonObject = {};
  const answers = new Map<string, Handler>();
  for (const [name, method] of Object.entries(METHODS)) {
    const handler = handlers[name as keyof Handlers];
    if (handler === undefined) {
      if (capabilities[name] === undefined) continue;
      throw new TypeError(
        `Cannot declare the capability ${JSON.stringify(name)}: no handler serves it; give ` +
          `handlers.${name}`,
      );
    }
    declared[name] = name === "roots" && typeof handler === "function" ? { listChanged: true } : {};
    answers.set(method, name === "roots" ? rootsHandler(handlers.roots!) : handler as Handler);
  }
  return {
    introduction: {
      protocolVersion: LATEST_LEGACY_REVISION,
      capabilities: { ...declared, ...capabilities },
      clientInfo,
    },
    listens: answers.size > 0 || onNotification !== undefined,
    hears: onNotification !== undefined,
    answer(method, params, signal) {
      const handler = answers.get(method);
      return handler && resultOf(handler, params, { signal, method });
    },
    onNotification(notification) {
      if (onNotification === undefined) return;
      try {
        onNotification(notification);
      } catch (error) {
        // There is no call to fail and nobody to tell: as if an event listener had thrown.
        queueMicrotask(() => {
          throw error;
        });
      }
    },
  };
}

/**
 * Async, so that a handler that throws at once is no different; but begun at once, so that it can listen
 * to its signal before the server's next message is read.
 */
async function resultOf(
  handler: Handler,
  params: JsonObject,
  context: HandlerContext,
): Promise<JsonObject> {
  const result: unknown = await handler(params, context);
  if (isObject(result)) return result;
  throw new TypeError(`The handler of ${context.method} gave no object`);
}

/** The one root of a project. @param folder Absolute. */
export function projectRoot(folder: string): Root {
  const name = folder.split(/[\\/]/).filter((part) => part !== "").pop();
  return { uri: pathToFileURL(folder).href, ...(name === undefined ? {} : { name }) };
}

/** What a handler's failure is as a JSON-RPC error. */
export function handlerFailure(error: unknown): JsonObject {
  if (error instanceof AichakuError && error.code !== undefined) {
    const { code, message, data } = error;
    return { code, message, ...(data === undefined ? {} : { data }) };
  }
  return { code: -32603, message: error instanceof Error ? error.message : String(error) };
}

function rootsHandler(given: NonNullable<Handlers["roots"]>): Handler {
  return async (_params, context) => ({
    roots: [...(typeof given === "function" ? await given(context) : given)],
  });
}
