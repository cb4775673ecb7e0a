/**
 * The seam between the modern era and the way its messages take. A wire carries requests that stand for
 * themselves; it knows nothing of rounds, of capabilities, or of what is listened to.
 *
 * @module
 */

import type { AichakuError } from "./errors.ts";
import type { JsonObject } from "./jsonrpc.ts";
import type { ServerNotification } from "./peer.ts";
import type { TransportRequestOptions } from "./transport.ts";

/** Options of {@linkcode ModernWire.listen}. */
export interface ListenOptions {
  /** Told what the subscription brings, its acknowledgement first. Must not throw. */
  onNotification(notification: ServerNotification): void;
  /** Ends it. */
  signal: AbortSignal;
}

/** A connection on which every request says for itself who makes it. */
export interface ModernWire {
  /** Name of the server, for errors. */
  readonly server: string;
  /** Why nothing can be asked any more; undefined while it can. */
  readonly ended: AichakuError | undefined;
  /** Told what comes along with an answer and is no progress. Must not throw. */
  onNotification: (notification: ServerNotification) => void;
  /** The server has introduced itself. */
  becomeReady(): void;
  /**
   * Makes one request with `params` as they are, `_meta` included; gives its result as it came.
   *
   * @throws {NotSent} when it was certainly not executed.
   * @throws {AichakuError} for everything else.
   */
  request(
    method: string,
    params: JsonObject,
    options: TransportRequestOptions,
  ): Promise<JsonObject>;
  /** Tells. @throws as `request`. */
  notify(method: string, params: JsonObject | undefined, signal: AbortSignal): Promise<void>;
  /**
   * Subscribes (`subscriptions/listen`); keeps no process alive. Resolves when the server ended the
   * subscription, or the signal did.
   *
   * @throws {AichakuError} `rpc` with a code when it is refused; else what broke it off.
   */
  listen(params: JsonObject, options: ListenOptions): Promise<void>;
  /** Nothing is heard over it any more, and it is of no use. */
  lose(cause: unknown): void;
  /** Ends the connection. Bounded; never rejects. */
  close(): Promise<void>;
}
