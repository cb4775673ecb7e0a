/**
 * MCP of the legacy era over the daemon's Streamable HTTP. Source: MCP 2025-11-25, basic/transports.
 *
 * Guarantees: every request is answered or rejected, whatever the daemon does; nothing is left running
 * longer than a second after the last answer, and an idle connection does not keep the process alive.
 *
 * The stream for what a server says outside of calls (`GET`) is open only for a peer that listens. It
 * keeps no process alive either.
 *
 * @module
 */

import { Answering } from "./answering.ts";
import { AichakuError, messageOf } from "./errors.ts";
import { type Agreement, readAgreement } from "./handshake.ts";
import { type Exchange, readAnswer, readDraining, type Unasked } from "./http_exchange.ts";
import { HttpWire, type HttpWireOptions } from "./http_wire.ts";
import { type JsonObject, notificationText, readIncoming, requestText } from "./jsonrpc.ts";
import { listen } from "./listening.ts";
import { onAbort } from "./on_abort.ts";
import type { Peer } from "./peer.ts";
import { raceSignal } from "./scope.ts";
import {
  NotSent,
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
  /** Revision to ask for. Default: that of the peer's introduction. */
  revision?: string;
  /** Told once when a peer that listens hears nothing over this connection any more. */
  onDeaf?: () => void;
}

/**
 * Initializes a session.
 *
 * @throws {AichakuError} when the daemon is gone or refuses; else the signal's reason.
 */
export async function openHttpTransport(options: HttpTransportOptions): Promise<Transport> {
  const transport = new HttpTransport(options);
  try {
    await transport.initialize(options);
    return transport;
  } catch (error) {
    await transport.close();
    throw error instanceof NotSent ? error.error : error;
  }
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

  async initialize({ signal, revision }: HttpTransportOptions): Promise<void> {
    const { introduction } = this.#peer;
    const params = revision === undefined
      ? introduction
      : { ...introduction, protocolVersion: revision };
    const result = await this.request("initialize", params, { signal });
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
      throw readDraining(error, this.#wire);
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
    const { method, controller: { signal } } = exchange;
    const response = await this.#wire.post(text, { method, signal });
    if (method === "initialize") {
      this.#wire.sessionId = response.headers.get("mcp-session-id") ?? undefined;
    }
    return await readAnswer(response, exchange, {
      wire: this.#wire,
      onUnasked: (message) => this.#onUnasked(message),
      resumes: true,
    });
  }

  /** A message of the stream that belongs to no call. What is no message there harms nobody. */
  #onOther(text: string): void {
    const message = readIncoming(text);
    if (message.kind === "request" || message.kind === "notification") this.#onUnasked(message);
  }

  #onUnasked(message: Unasked): void {
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
