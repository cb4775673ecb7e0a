/**
 * The seam between the client and the way its server is reached. A transport is one initialized MCP
 * connection; it never reconnects and never repeats a call: that is decided above it.
 *
 * @module
 */

import type { AichakuError } from "./errors.ts";
import type { JsonObject } from "./jsonrpc.ts";

/** What a server says of itself: `serverInfo` of its answer to `initialize`. */
export interface ServerInfo {
  name: string;
  version: string;
  [key: string]: unknown;
}

/** What a client says of itself: `clientInfo` of `initialize`. */
export interface ClientInfo {
  name: string;
  version: string;
  [key: string]: unknown;
}

/** `params` of `notifications/progress`, without the token. */
export interface Progress {
  /** Rises with every notification. */
  progress: number;
  /** What `progress` will reach, where the server knows. */
  total?: number;
  message?: string;
  [key: string]: unknown;
}

/** Options of one request. */
export interface TransportRequestOptions {
  /** Ends the call: the server is told, and the promise rejects with the signal's reason. */
  signal: AbortSignal;
  /** Told the progress of this call. Must not throw. */
  onProgress?: (progress: Progress) => void;
}

/** One initialized connection. */
export interface Transport {
  readonly serverInfo: ServerInfo;
  /** The server's whole answer to `initialize`. */
  readonly initializeResult: JsonObject;
  /** MCP session id, where the transport has one. */
  readonly sessionId: string | undefined;
  /** Nothing can be asked over it any more. */
  readonly ended: boolean;
  /**
   * Asks, and gives the result.
   *
   * @throws {NotSent} when the request was certainly not executed.
   * @throws {AichakuError} for everything else.
   */
  request(
    method: string,
    params: JsonObject | undefined,
    options: TransportRequestOptions,
  ): Promise<JsonObject>;
  /** Tells. Resolves when the message is on its way. @throws as `request`. */
  notify(method: string, params: JsonObject | undefined, signal: AbortSignal): Promise<void>;
  /** Ends the connection; calls in flight reject with `closed`. Bounded; never rejects. */
  close(): Promise<void>;
}

/**
 * The request was certainly not executed (the connection was refused, the session is gone): asking once
 * more over a new connection is safe. Never leaves the SDK: `error` is what the caller is told.
 */
export class NotSent extends Error {
  override readonly name = "NotSent";
  readonly error: AichakuError;

  constructor(error: AichakuError) {
    super(error.message, { cause: error });
    this.error = error;
  }
}

/** Passes a progress notification on to the one who asked for it. */
export function readProgress(params: JsonObject): Progress {
  const { progressToken: _token, ...rest } = params;
  return rest as Progress;
}
