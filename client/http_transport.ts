/**
 * MCP over the daemon's Streamable HTTP. Source: MCP 2025-11-25, basic/transports.
 *
 * Guarantees: every request is answered or rejected, whatever the daemon does; nothing is left running
 * longer than a second after the last answer, and an idle connection does not keep the process alive.
 *
 * The stream for what a server says outside of calls (`GET`) is open only for a peer that listens. It
 * keeps no process alive either.
 *
 * @module
 */

import { settlesWithin } from "../protocol/deadline.ts";
import { Answering } from "./answering.ts";
import { AichakuError, excerpt, messageOf } from "./errors.ts";
import { type Agreement, readAgreement } from "./handshake.ts";
import { HttpWire, type HttpWireOptions, isEventStream } from "./http_wire.ts";
import {
  type Incoming,
  isObject,
  type JsonObject,
  notificationText,
  readIncoming,
  requestText,
} from "./jsonrpc.ts";
import { listen } from "./listening.ts";
import { onAbort } from "./on_abort.ts";
import type { Peer } from "./peer.ts";
import { delay, raceSignal } from "./scope.ts";
import { readServerSentEvents, type ServerSentEvent } from "./sse.ts";
import {
  NotSent,
  type Progress,
  readProgress,
  type ServerInfo,
  type Transport,
  type TransportRequestOptions,
} from "./transport.ts";

/** Options of {@linkcode openHttpTransport}. */
export interface HttpTransportOptions extends HttpWireOptions {
  /** Whose connection it is. */
  peer: Peer;
  /** Ends the opening. */
  signal: AbortSignal;
  /** Told once when a peer that listens hears nothing over this connection any more. */
  onDeaf?: () => void;
}

/** Milliseconds in which a stream may end by itself after the answer, so that its connection can be
 * used again. */
const STREAM_END_MS = 100;
/** Milliseconds before a stream that broke off is asked for again; the server can set it. */
const DEFAULT_RETRY_MS = 500;
const MIN_RETRY_MS = 50;
const MAX_RETRY_MS = 10_000;

/**
 * Initializes a session.
 *
 * @throws {AichakuError} when the daemon is gone or refuses; else the signal's reason.
 */
export async function openHttpTransport(options: HttpTransportOptions): Promise<Transport> {
  const transport = new HttpTransport(options);
  try {
    await transport.initialize(options.signal);
    return transport;
  } catch (error) {
    await transport.close();
    throw error instanceof NotSent ? error.error : error;
  }
}

/** A request under way. */
interface Exchange {
  id: number;
  method: string;
  onProgress: ((progress: Progress) => void) | undefined;
  controller: AbortController;
}

class HttpTransport implements Transport {
  readonly #server: string;
  readonly #wire: HttpWire;
  readonly #peer: Peer;
  readonly #onDeaf: (() => void) | undefined;
  readonly #answering: Answering;
  readonly #exchanges = new Map<number, Exchange>();
  /** Ends what is not a call. */
  readonly #closed = new AbortController();
  /** Ends the stream of what belongs to no call. */
  readonly #listening = new AbortController();
  #agreement: Agreement | undefined;
  #nextId = 1;
  #closing: Promise<void> | undefined;

  constructor(options: HttpTransportOptions) {
    this.#server = options.server;
    this.#wire = new HttpWire(options);
    this.#peer = options.peer;
    this.#onDeaf = options.onDeaf;
    this.#answering = new Answering(
      options.peer,
      (text) => this.#wire.answer(text, this.#closed.signal),
    );
  }

  get serverInfo(): ServerInfo {
    return this.#agreement!.serverInfo; // A transport is handed out only after `initialize`.
  }

  get initializeResult(): JsonObject {
    return this.#agreement!.result;
  }

  get sessionId(): string | undefined {
    return this.#wire.sessionId;
  }

  get ended(): boolean {
    return this.#wire.ended !== undefined;
  }

  async initialize(signal: AbortSignal): Promise<void> {
    const result = await this.request("initialize", this.#peer.introduction, { signal });
    this.#agreement = readAgreement(result, this.#server);
    this.#wire.revision = this.#agreement.revision;
    await this.notify("notifications/initialized", undefined, signal);
    if (!this.#peer.listens) return;
    const listening = listen(this.#wire, {
      onMessage: (text) => this.#onOther(text),
      signal: this.#listening.signal,
    });
    // Not in the background of the wire, whose end a close waits for: this may take as long as it likes.
    void listening.then(() => {
      this.#answering.end(this.#wire.ended ?? deaf(this.#server));
      if (!this.#closed.signal.aborted) this.#onDeaf?.();
    });
  }

  async request(
    method: string,
    params: JsonObject | undefined,
    { signal, onProgress }: TransportRequestOptions,
  ): Promise<JsonObject> {
    if (this.#wire.ended !== undefined) throw new NotSent(this.#wire.ended);
    if (signal.aborted) throw signal.reason;
    const id = this.#nextId++;
    const exchange: Exchange = { id, method, onProgress, controller: new AbortController() };
    const stop = onAbort(signal, () => {
      // Breaking the connection off does not cancel a call (transports, "Sending Messages"); the
      // specification forbids to cancel `initialize`.
      if (method !== "initialize") {
        const reason = messageOf(signal.reason);
        this.#wire.tell(notificationText("notifications/cancelled", { requestId: id, reason }));
      }
      exchange.controller.abort(signal.reason);
    });
    this.#exchanges.set(id, exchange);
    try {
      const text = requestText(id, method, params, onProgress === undefined ? undefined : id);
      return await raceSignal(this.#ask(text, exchange), exchange.controller.signal);
    } catch (error) {
      // The daemon said that it stops, or that it restarted: the next call looks for it anew.
      if (error instanceof AichakuError && error.reason === "draining") {
        this.#wire.ended ??= error;
        // Refused, not executed: the next daemon will take it.
        if (isObject(error.data) && error.data.retryable === true) throw new NotSent(error);
      }
      throw error;
    } finally {
      this.#exchanges.delete(id);
      stop();
      this.#hearNoMore();
    }
  }

  async notify(
    method: string,
    params: JsonObject | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#wire.ended !== undefined) throw new NotSent(this.#wire.ended);
    const sent = this.#wire.post(notificationText(method, params), { method, signal });
    try {
      await (await raceSignal(sent, signal)).body?.cancel();
    } finally {
      this.#hearNoMore();
    }
  }

  /**
   * A call found out that the connection has ended: its stream is of no use. Other calls in flight are left
   * alone, each finds out by itself whether it was executed.
   */
  #hearNoMore(): void {
    if (this.#wire.ended !== undefined) this.#listening.abort();
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    const wire = this.#wire;
    if (wire.ended === undefined) {
      wire.ended = new AichakuError(
        "closed",
        `Cannot ask server ${JSON.stringify(this.#server)}: the client was closed`,
      );
      wire.deleteSession();
    }
    this.#closed.abort(wire.ended);
    this.#listening.abort();
    this.#answering.end(wire.ended);
    for (const { controller } of this.#exchanges.values()) controller.abort(wire.ended);
    await wire.settled();
  }

  /** Sends a request and reads until its answer. */
  async #ask(text: string, exchange: Exchange): Promise<JsonObject> {
    const { method, id, controller: { signal } } = exchange;
    const response = await this.#wire.post(text, { method, signal });
    if (method === "initialize") {
      this.#wire.sessionId = response.headers.get("mcp-session-id") ?? undefined;
    }
    if (isEventStream(response)) return await this.#readStreams(response, exchange);
    const type = response.headers.get("content-type") ?? "of no type";
    if (!type.startsWith("application/json")) {
      await response.body?.cancel();
      throw this.#wire.protocolError(method, `it is ${type}, neither JSON nor an event stream`);
    }
    let body: string;
    try {
      body = await response.text();
    } catch (error) {
      throw this.#wire.lost(error, { method, signal });
    }
    const result = this.#onMessage(body, exchange);
    if (result !== undefined) return result;
    throw this.#wire.protocolError(method, `no answer to request ${id}: ${excerpt(body)}`);
  }

  /** Reads a stream, and where it breaks off, what the server kept of it, until the answer. */
  async #readStreams(first: Response, exchange: Exchange): Promise<JsonObject> {
    const { method, controller: { signal } } = exchange;
    let response = first;
    let lastEventId = "";
    let retryMs = DEFAULT_RETRY_MS;
    while (true) {
      const events = readServerSentEvents(response.body ?? new Blob([]).stream(), {
        onRetry: (ms) => retryMs = Math.min(Math.max(ms, MIN_RETRY_MS), MAX_RETRY_MS),
        onId: (id) => lastEventId = id,
      });
      const result = await this.#readEvents(events, exchange);
      if (result !== undefined) return result;
      // Without an id there is nothing to ask for ("Resumability and Redelivery").
      if (lastEventId === "") throw this.#wire.lost(undefined, { method, signal });
      await delay(retryMs, signal);
      response = await this.#wire.resume(lastEventId, { method, signal });
    }
  }

  /** Reads a stream to the answer; undefined when it ends or breaks before. */
  async #readEvents(
    events: AsyncGenerator<ServerSentEvent, void, void>,
    exchange: Exchange,
  ): Promise<JsonObject | undefined> {
    const { method, controller } = exchange;
    while (true) {
      let next: IteratorResult<ServerSentEvent, void>;
      try {
        next = await events.next();
      } catch (error) {
        if (controller.signal.aborted) throw controller.signal.reason;
        if (error instanceof RangeError) throw this.#wire.protocolError(method, error.message);
        return undefined;
      }
      if (next.done) return undefined;
      // An event without data only carries an id to resume from.
      if (next.value.type !== "message" || next.value.data === "") continue;
      let answered = true;
      try {
        const result = this.#onMessage(next.value.data, exchange);
        answered = result !== undefined;
        if (answered) return result;
      } finally {
        if (answered) this.#wire.inBackground(letEnd(events, controller));
      }
    }
  }

  /**
   * What one message means for a call: its result, or undefined when it is not the answer.
   *
   * @throws {AichakuError} when it is an error, or unreadable.
   */
  #onMessage(text: string, { id, method }: Exchange): JsonObject | undefined {
    const message = readIncoming(text);
    switch (message.kind) {
      case "response":
        return message.id === id ? message.result : undefined;
      case "error":
        if (message.id === id || message.id === undefined) throw message.error;
        return undefined;
      case "invalid":
        throw this.#wire.protocolError(method, message.why);
      default:
        this.#onUnasked(message);
        return undefined;
    }
  }

  /** A message of the stream that belongs to no call. What is no message there harms nobody. */
  #onOther(text: string): void {
    const message = readIncoming(text);
    if (message.kind === "request" || message.kind === "notification") this.#onUnasked(message);
  }

  #onUnasked(message: Incoming & { kind: "request" | "notification" }): void {
    if (message.kind === "request") return void this.#answering.take(message);
    const { method, params } = message;
    if (method === "notifications/cancelled") return this.#answering.cancel(params);
    if (method !== "notifications/progress") return this.#peer.onNotification({ method, params });
    this.#exchanges.get(Number(params.progressToken))?.onProgress?.(readProgress(params));
  }
}

function deaf(server: string): AichakuError {
  return new AichakuError(
    "connection_lost",
    `Lost the stream of server ${JSON.stringify(server)}: it cannot take answers any more`,
  );
}

/** Lets a stream end by itself for a moment, then breaks it off. */
async function letEnd(
  events: AsyncGenerator<ServerSentEvent, void, void>,
  controller: AbortController,
): Promise<void> {
  const ended = (async () => {
    while (!(await events.next()).done);
  })();
  if (!(await settlesWithin(ended, STREAM_END_MS))) controller.abort();
}
