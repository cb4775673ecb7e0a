/**
 * The errors of the contract: one table from reason to JSON-RPC code and HTTP status, one class that
 * carries them, one function that writes them. No other file writes an error code of the daemon's.
 *
 * @module
 */

/**
 * Every reason the daemon gives of its own accord: `data.reason` of the JSON-RPC error.
 *
 * `retryable` says that the call was certainly not executed, so that the same call may be made again,
 * and that this can help. Where a server may have done its work already, it is false.
 */
export const REASONS = {
  /** The server died with this call in flight. */
  upstream_exited: { code: -32010, http: 502, retryable: false },
  /** The server cannot be started, keeps crashing, or a remote one is unreachable. */
  upstream_unavailable: { code: -32011, http: 503, retryable: true },
  /** A deadline passed: starting, or answering. */
  upstream_timeout: { code: -32012, http: 504, retryable: false },
  /** A queue or a table is full. */
  overloaded: { code: -32013, http: 503, retryable: true },
  /** The daemon stopped or restarted under this call. */
  draining: { code: -32014, http: 503, retryable: true },
  /** A server's request that cannot be given to a client with certainty. */
  unattributable: { code: -32015, http: 200, retryable: false },
  /** A server that keeps state per client was called by a client without a name. */
  isolation_required: { code: -32016, http: 409, retryable: false },
  /** The server's answer is not JSON, or longer than the limit. Not in the first contract: see
   * docs/decisions/0002-upstream-invalid.md. */
  upstream_invalid: { code: -32018, http: 502, retryable: false },
  /** Policy forbids it. */
  not_permitted: { code: -32017, http: 403, retryable: false },
  /** The text is not JSON. */
  parse_error: { code: -32700, http: 400, retryable: false },
  /** The JSON is not a JSON-RPC message this endpoint takes. */
  invalid_request: { code: -32600, http: 400, retryable: false },
  /** No such method here. */
  method_not_found: { code: -32601, http: 404, retryable: false },
  /** The parameters are wrong: an unknown tool or server, a missing field. */
  invalid_params: { code: -32602, http: 400, retryable: false },
  /** No server offers the resource. Source: MCP 2025-11-25, server/resources, "Error Handling". */
  resource_not_found: { code: -32002, http: 404, retryable: false },
  /** The client asked for a protocol revision that is not spoken here. */
  unsupported_version: { code: -32022, http: 400, retryable: false },
  /** A header says something else than the body (MCP 2026-07-28). */
  header_mismatch: { code: -32020, http: 400, retryable: false },
  /** The client did not declare what the request needs (MCP 2026-07-28). */
  missing_capability: { code: -32021, http: 400, retryable: false },
  /** No such session: it ended, was never there, or belongs to another endpoint. */
  session_not_found: { code: -32001, http: 404, retryable: false },
  /** The client cancelled the call (the code LSP uses for it). */
  cancelled: { code: -32800, http: 200, retryable: false },
  /** A fault of the daemon's own. */
  internal: { code: -32603, http: 500, retryable: false },
} as const;

/** A key of {@linkcode REASONS}. */
export type Reason = keyof typeof REASONS;

/** What may stand in `data` of an error beside its reason. */
export interface FaultDetails {
  /** Name of the server concerned. */
  server?: string;
  /** More for a person to read: the last stderr lines, the command that was not found. */
  detail?: string;
  /** See {@linkcode REASONS}. Defaults to the reason's own. */
  retryable?: boolean;
  /** Fields a specification wants in `data` (`supported`, `requested`). */
  extra?: Record<string, unknown>;
  /** HTTP status, where a specification names another than the reason's own. */
  status?: number;
  /** What caused it. */
  cause?: unknown;
}

/** An error of the contract: something a client is told, with reason, code and status. */
export class Fault extends Error {
  override name = "Fault";
  readonly reason: Reason;
  readonly details: FaultDetails;

  constructor(reason: Reason, message: string, details: FaultDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.reason = reason;
    this.details = details;
  }

  /** JSON-RPC error code. */
  get code(): number {
    return REASONS[this.reason].code;
  }

  /** HTTP status where the endpoint uses one (`/rpc`, `/command`, the control plane). */
  get httpStatus(): number {
    return this.details.status ?? REASONS[this.reason].http;
  }

  /** Value of the JSON-RPC `error` member. */
  toErrorObject(): { code: number; message: string; data: Record<string, unknown> } {
    const { server, detail, retryable, extra } = this.details;
    return {
      code: this.code,
      message: this.message,
      data: {
        reason: this.reason,
        ...(server === undefined ? {} : { server }),
        retryable: retryable ?? REASONS[this.reason].retryable,
        ...(detail === undefined ? {} : { detail }),
        ...extra,
      },
    };
  }

  /**
   * The whole JSON-RPC error response as text.
   *
   * @param idText JSON text of the request's id; `"null"` when it could not be read.
   */
  toResponseText(idText: string): string {
    return `{"jsonrpc":"2.0","id":${idText},"error":${JSON.stringify(this.toErrorObject())}}`;
  }
}

/** Any thrown value as a {@linkcode Fault}: itself, or `internal`. */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Fault("internal", `Internal error: ${message}`, { cause: error });
}
