/**
 * A transport for the official MCP SDK (`Client` of `@modelcontextprotocol/sdk` and of
 * `@modelcontextprotocol/client`), over the same connection that an `AichakuClient` makes: the daemon when
 * it runs, else a process, with the same reconnecting and the same safe repeats.
 *
 * Guarantees: every request is answered, with the result or with a JSON-RPC error, unless the SDK's client
 * cancelled it; nothing is sent before the client has introduced itself.
 *
 * To the SDK's client it speaks the revisions up to 2025-11-25, whatever the server speaks. A client that asks for 2026-07-28 first (`server/discover`) is
 * told that there is no such method, and falls back to `initialize`.
 *
 * @module
 */

import { isModernRevision, negotiateRevision } from "../protocol/revisions.ts";
import type { CallOptions } from "./client.ts";
import { AichakuError, messageOf } from "./errors.ts";
import { isObject, type JsonObject, readIncoming } from "./jsonrpc.ts";
import { onAbort } from "./on_abort.ts";
import type { Peer } from "./peer.ts";
import type { Progress } from "./transport.ts";

/** The part of `AichakuClient` that carries the messages. */
export interface Carrier {
  connect(): Promise<void>;
  request(method: string, params: JsonObject | undefined, o: CallOptions): Promise<JsonObject>;
  notify(method: string, params?: JsonObject): Promise<void>;
  close(): Promise<void>;
  readonly initializeResult: JsonObject | undefined;
  readonly sessionId: string | undefined;
}

type Id = string | number;

/** Implements `Transport` of the official SDK, versions 1 and 2. */
export class SdkTransport {
  /** Set by the SDK: takes what the server sends. */
  // deno-lint-ignore no-explicit-any -- the two SDKs declare this with types of their own
  onmessage?: (message: any, extra?: any) => void;
  /** Set by the SDK: the transport was closed. */
  onclose?: () => void;
  /** Set by the SDK: something went wrong that belongs to no request. */
  onerror?: (error: Error) => void;

  readonly #makeCarrier: (peer: Peer) => Carrier;
  /** There once the client has introduced itself. */
  #carrier: Carrier | undefined;
  /** The client's requests in flight. */
  readonly #calls = new Map<Id, AbortController>();
  /** The server's requests that the client has not answered. */
  readonly #asked = new Map<
    Id,
    { resolve(result: JsonObject): void; reject(error: unknown): void }
  >();
  #nextId = 1;
  #isClosed = false;

  /** @param makeCarrier Makes the connection for a client, which does not connect yet. */
  constructor(makeCarrier: (peer: Peer) => Carrier) {
    this.#makeCarrier = makeCarrier;
  }

  /** The daemon's session; undefined before there is one. */
  get sessionId(): string | undefined {
    return this.#carrier?.sessionId;
  }

  /** Nothing to do: the connection is made when the client introduces itself. */
  start(): Promise<void> {
    return Promise.resolve();
  }

  /** Takes a message of the SDK's client. Resolves when it is on its way. */
  async send(message: object): Promise<void> {
    if (this.#isClosed) throw new AichakuError("closed", "Cannot send: the transport was closed");
    // As it would be on a wire: what JSON cannot say is not said.
    const incoming = readIncoming(JSON.stringify(message));
    switch (incoming.kind) {
      case "request":
        // Answered by a message, not by this promise: the SDK waits for neither.
        return void this.#request(incoming);
      case "notification":
        return await this.#notify(incoming.method, incoming.params);
      default:
        return this.#takeAnswer(message as JsonObject);
    }
  }

  /** Ends the connection. Bounded; never rejects. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#carrier?.close();
    this.onclose?.();
  }

  async #request(
    { id, method, params }: { id: Id; method: string; params: JsonObject },
  ): Promise<void> {
    const controller = new AbortController();
    this.#calls.set(id, controller);
    try {
      const result = method === "initialize"
        ? await this.#initialize(params)
        : await this.#ask(method, params, controller.signal);
      if (!controller.signal.aborted) this.#emit({ id, result });
    } catch (error) {
      if (!controller.signal.aborted) this.#emit({ id, error: errorObject(error) });
    } finally {
      this.#calls.delete(id);
    }
  }

  async #initialize(introduction: JsonObject): Promise<JsonObject> {
    await this.#carrier?.close();
    const carrier = this.#makeCarrier(this.#peer(introduction));
    this.#carrier = carrier;
    await carrier.connect();
    // It stood a moment ago; when it is gone already, the next request makes it anew.
    const result = carrier.initializeResult ?? {};
    if (!isModernRevision(String(result.protocolVersion))) return result;
    return { ...result, protocolVersion: negotiateRevision(introduction.protocolVersion) };
  }

  async #ask(method: string, params: JsonObject, signal: AbortSignal): Promise<JsonObject> {
    if (this.#carrier === undefined) {
      throw new AichakuError("rpc", `Cannot take ${method} before initialize`, { code: -32601 });
    }
    const { _meta: meta, ...rest } = params;
    const { progressToken, ...otherMeta } = isObject(meta) ? meta : {};
    const hasMeta = Object.keys(otherMeta).length > 0;
    const onProgress = (progress: Progress) =>
      this.#emit({ method: "notifications/progress", params: { ...progress, progressToken } });
    return await this.#carrier.request(method, hasMeta ? { ...rest, _meta: otherMeta } : rest, {
      signal,
      onProgress: progressToken === undefined ? undefined : onProgress,
    });
  }

  async #notify(method: string, params: JsonObject): Promise<void> {
    // Said already, by whoever made the connection.
    if (method === "notifications/initialized") return;
    if (method === "notifications/cancelled") {
      // The connection tells the server, with the id that the request has there.
      this.#calls.get(params.requestId as Id)?.abort(params.reason ?? "cancelled by the client");
      return;
    }
    await this.#carrier?.notify(method, params);
  }

  #takeAnswer({ id, result, error }: JsonObject): void {
    const asked = this.#asked.get(id as Id);
    if (error !== undefined) {
      const { code, message, data } = error as { code: number; message: string; data?: unknown };
      asked?.reject(new AichakuError("rpc", message, { code, data }));
    } else asked?.resolve(isObject(result) ? result : {});
  }

  /** The SDK's client, as the connection sees it. */
  #peer(introduction: JsonObject): Peer {
    return {
      introduction,
      listens: true,
      hears: true,
      answer: (method, params, signal) => this.#answer(method, params, signal),
      onNotification: (notification) => this.#emit({ ...notification }),
    };
  }

  async #answer(method: string, params: JsonObject, signal: AbortSignal): Promise<JsonObject> {
    const id = this.#nextId++;
    let stop = () => {};
    try {
      return await new Promise<JsonObject>((resolve, reject) => {
        this.#asked.set(id, { resolve, reject });
        stop = onAbort(signal, () => {
          const reason = messageOf(signal.reason);
          this.#emit({ method: "notifications/cancelled", params: { requestId: id, reason } });
          reject(signal.reason);
        });
        this.#emit({ id, method, params: legacyQuestion(method, params) });
      });
    } finally {
      stop();
      this.#asked.delete(id);
    }
  }

  #emit(message: JsonObject): void {
    if (this.#isClosed) return;
    try {
      this.onmessage?.({ jsonrpc: "2.0", ...message });
    } catch (error) {
      this.onerror?.(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

/** An elicitation by URL has an id in 2025-11-25, which the modern era does without. */
function legacyQuestion(method: string, params: JsonObject): JsonObject {
  if (method !== "elicitation/create" || params.mode !== "url") return params;
  return { elicitationId: crypto.randomUUID(), ...params };
}

/** A failure as the SDK's client knows failures. */
function errorObject(error: unknown): JsonObject {
  if (!(error instanceof AichakuError)) return { code: -32603, message: messageOf(error) };
  const { code = -32000, message, kind, data = { kind } } = error;
  return { code, message, data };
}
