/**
 * The one error that the SDK throws.
 *
 * @module
 */

import { Fault, type FaultDetails, type Reason } from "../protocol/errors.ts";

/**
 * What went wrong, as far as a program has to know it:
 *
 * - `rpc`: the server or the daemon answered with an error, or the server's process failed. `code`,
 *   `data` and, for the daemon's own errors and failed processes, `reason` are set.
 * - `timeout`: the SDK's own deadline passed (`timeoutMs`, `connectTimeoutMs`). Whether a tool call
 *   took effect is not known.
 * - `aborted`: the caller's `AbortSignal` fired; `cause` is its reason.
 * - `not_running`: no daemon was found and nothing could be spawned. Nothing was sent.
 * - `connection_lost`: the daemon went away with this call in flight. Whether the call took effect is
 *   not known; the SDK never repeats it by itself.
 * - `protocol`: what came back is not MCP, or is refused without a JSON-RPC error.
 * - `closed`: `close()` was called.
 */
export type ErrorKind =
  | "rpc"
  | "timeout"
  | "aborted"
  | "not_running"
  | "connection_lost"
  | "protocol"
  | "closed";

/** What an {@linkcode AichakuError} carries beside its message. */
export interface AichakuErrorDetails {
  /** JSON-RPC error code. */
  code?: number;
  /** JSON-RPC error data. */
  data?: unknown;
  /** What caused it. */
  cause?: unknown;
}

/**
 * Every failure of the SDK. The message says what was tried, with which value, and what to do next;
 * for a JSON-RPC error it is the server's own message, unchanged.
 */
export class AichakuError extends Error {
  override readonly name = "AichakuError";
  /** What went wrong; see {@linkcode ErrorKind}. */
  readonly kind: ErrorKind;
  /** JSON-RPC error code, where there is one. */
  readonly code: number | undefined;
  /** JSON-RPC error data, as received. */
  readonly data: unknown;

  constructor(kind: ErrorKind, message: string, details: AichakuErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = kind;
    this.code = details.code;
    this.data = details.data;
  }

  /**
   * `data.reason`: which of the daemon's errors this is (`upstream_exited`, `draining` …), the same
   * whether the server was reached through the daemon or spawned. Undefined for a server's own errors.
   */
  get reason(): string | undefined {
    const { data } = this;
    if (typeof data !== "object" || data === null || !("reason" in data)) return undefined;
    return typeof data.reason === "string" ? data.reason : undefined;
  }
}

/** A failure that the daemon would have reported under `reason`, so that both modes look the same. */
export function faultError(
  kind: ErrorKind,
  fault: { reason: Reason; message: string; details?: FaultDetails },
): AichakuError {
  const { reason, message, details } = fault;
  const { code, data } = new Fault(reason, message, details).toErrorObject();
  return new AichakuError(kind, message, { code, data, cause: details?.cause });
}

/** The error member of a JSON-RPC response. Tolerates one that is not shaped as JSON-RPC says. */
export function rpcError(error: unknown): AichakuError {
  if (typeof error !== "object" || error === null || !("code" in error)) {
    return new AichakuError("protocol", `Cannot read the server's error: ${excerpt(error)}`);
  }
  const { code, message, data } = error as { code: unknown; message?: unknown; data?: unknown };
  return new AichakuError("rpc", typeof message === "string" ? message : excerpt(error), {
    code: typeof code === "number" ? code : undefined,
    data,
  });
}

/** Any value, short enough to stand in an error. */
export function excerpt(value: unknown): string {
  const text = (typeof value === "string" ? value : JSON.stringify(value) ?? "undefined").trim();
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
