/**
 * MCP of the legacy era over the stdio of a process that belongs to this client alone. Source: MCP
 * 2025-11-25, basic/transports. What is guaranteed of the process is said in `stdio_wire.ts`.
 *
 * @module
 */

import { Answering, type ServerRequest } from "./answering.ts";
import type { AichakuError } from "./errors.ts";
import { type Agreement, readAgreement } from "./handshake.ts";
import type { JsonObject } from "./jsonrpc.ts";
import type { Peer, ServerNotification } from "./peer.ts";
import { type StdioReceiver, StdioWire, type StdioWireOptions } from "./stdio_wire.ts";
import {
  NotSent,
  type ServerInfo,
  type Transport,
  type TransportRequestOptions,
} from "./transport.ts";

/** Options of {@linkcode initializeOverStdio}. */
export interface StdioSessionOptions {
  /** Whose connection it is. */
  peer: Peer;
  /** Ends the opening. */
  signal: AbortSignal;
  /** Revision to ask for. Default: that of the peer's introduction. */
  revision?: string;
}

/** Options of {@linkcode openStdioTransport}. */
export interface StdioTransportOptions extends StdioWireOptions, StdioSessionOptions {
  /** Told when a failed opening has ended the process, so that somebody can wait for it. */
  onCleanup?: (cleanup: Promise<void>) => void;
}

/**
 * Initializes a connection over a started process, which is ended when that fails.
 *
 * @throws {AichakuError} `upstream_unavailable` when the process ends or refuses; else the signal's
 * reason.
 */
export async function openStdioTransport(options: StdioTransportOptions): Promise<Transport> {
  const wire = new StdioWire(options);
  try {
    return await initializeOverStdio(wire, options);
  } catch (error) {
    const closed = wire.close();
    if (options.onCleanup === undefined) await closed;
    else options.onCleanup(closed);
    throw error;
  }
}

/** The same over a wire that stands. It is left as it is when it fails. */
export async function initializeOverStdio(
  wire: StdioWire,
  options: StdioSessionOptions,
): Promise<Transport> {
  const transport = new StdioTransport(wire, options.peer);
  await transport.initialize(options);
  return transport;
}

class StdioTransport implements Transport, StdioReceiver {
  readonly #wire: StdioWire;
  readonly #peer: Peer;
  readonly #answering: Answering;
  #agreement: Agreement | undefined;

  constructor(wire: StdioWire, peer: Peer) {
    this.#wire = wire;
    this.#peer = peer;
    this.#answering = new Answering(peer, (text) => wire.send(text));
    wire.receiveWith(this);
  }

  get serverInfo(): ServerInfo {
    return this.#agreement!.serverInfo; // A transport is handed out only after `initialize`.
  }

  get initializeResult(): JsonObject {
    return this.#agreement!.result;
  }

  get sessionId(): undefined {
    return undefined;
  }

  get ended(): boolean {
    return this.#wire.ended !== undefined;
  }

  async initialize({ signal, revision }: StdioSessionOptions): Promise<void> {
    const { introduction } = this.#peer;
    const params = revision === undefined
      ? introduction
      : { ...introduction, protocolVersion: revision };
    const result = await this.request("initialize", params, { signal }).catch((error) => {
      // The process can be gone before the first word.
      throw error instanceof NotSent ? error.error : error;
    });
    this.#agreement = readAgreement(result, this.#wire.server);
    this.#wire.becomeReady();
    await this.notify("notifications/initialized", undefined, signal);
  }

  request(
    method: string,
    params: JsonObject | undefined,
    options: TransportRequestOptions,
  ): Promise<JsonObject> {
    return this.#wire.request(method, params, options);
  }

  notify(method: string, params: JsonObject | undefined, signal: AbortSignal): Promise<void> {
    return this.#wire.notify(method, params, signal);
  }

  close(): Promise<void> {
    return this.#wire.close();
  }

  onRequest(request: ServerRequest): Promise<void> {
    return this.#answering.take(request);
  }

  onNotification(notification: ServerNotification): void {
    if (notification.method === "notifications/cancelled") {
      return this.#answering.cancel(notification.params);
    }
    this.#peer.onNotification(notification);
  }

  onEnd(error: AichakuError): void {
    this.#answering.end(error);
  }
}
