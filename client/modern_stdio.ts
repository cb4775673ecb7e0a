/**
 * The modern era on stdio: everything on one channel, cancelled by a message, and what a subscription
 * brings told by its id. Source: MCP 2026-07-28, basic/transports/stdio.
 *
 * @module
 */

import type { AichakuError } from "./errors.ts";
import type { JsonObject } from "./jsonrpc.ts";
import type { ListenOptions, ModernWire } from "./modern_wire.ts";
import type { ServerNotification } from "./peer.ts";
import type { StdioWire } from "./stdio_wire.ts";
import type { TransportRequestOptions } from "./transport.ts";

/** See the module. */
export class ModernStdio implements ModernWire {
  readonly #wire: StdioWire;
  onNotification: (notification: ServerNotification) => void = () => {};

  constructor(wire: StdioWire) {
    this.#wire = wire;
    wire.receiveWith({
      // A modern server asks nothing on its own, and must not be answered when it does.
      onRequest: () => Promise.resolve(),
      onNotification: (notification) => this.onNotification(notification),
      onEnd: () => {}, // Each request that waits is told.
    });
  }

  get server(): string {
    return this.#wire.server;
  }

  get ended(): AichakuError | undefined {
    return this.#wire.ended;
  }

  becomeReady(): void {
    this.#wire.becomeReady();
  }

  request(
    method: string,
    params: JsonObject,
    options: TransportRequestOptions,
  ): Promise<JsonObject> {
    return this.#wire.request(method, params, options);
  }

  notify(method: string, params: JsonObject | undefined, signal: AbortSignal): Promise<void> {
    return this.#wire.notify(method, params, signal);
  }

  async listen(params: JsonObject, { onNotification, signal }: ListenOptions): Promise<void> {
    const options = { signal, onSubscribed: onNotification, isQuiet: true };
    try {
      await this.#wire.request("subscriptions/listen", params, options);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  lose(): void {
    // The end of a process is seen by itself; one that only does not tell can still be asked.
  }

  close(): Promise<void> {
    return this.#wire.close();
  }
}
