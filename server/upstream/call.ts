/**
 * A call as the upstream side sees it: who waits, what is asked, and where the one answer goes.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";

import { type JsonObject, parseJson } from "../../protocol/json.ts";
import type { Askable } from "./question.ts";

/** One call to a server. Exactly one of `answer` and `fail` is called, exactly once. */
export interface UpstreamCall {
  /** Who waits: attribution goes by it. */
  readonly owner: string;
  /** With whom it takes turns: fairness goes by it. Default the owner. */
  readonly turn?: string;
  /** JSON text of the id the answer must carry. */
  readonly id: string;
  readonly method: string;
  readonly params: JsonObject | undefined;
  /** Monotonic milliseconds; set by the instance while the call waits for its turn. */
  waitsUntil?: number;
  /** See {@linkcode weightOf}; set by the instance when the call has to wait. */
  weight?: number;
  /** Takes the text of the whole response, `id` in place: a result or the server's own error. */
  answer(text: string): void;
  /** Takes the reason why there is no answer from the server. */
  fail(fault: Fault): void;
  /** Takes the text of a `notifications/progress` that carries the client's own token. */
  progress(text: string): void;
}

/** Whether the client behind a call can be asked. */
export function isAskable(call: UpstreamCall): call is UpstreamCall & Askable {
  return "ask" in call;
}

/** What can be called. */
export interface Callee {
  submit(call: UpstreamCall): void;
}

/** Owner of calls the daemon makes of its own accord. No session has such an id. */
export const DAEMON = "daemon";

/** A JSON-RPC error that the server itself answered, kept as it is. */
export class UpstreamError extends Error {
  override name = "UpstreamError";
  /** The `error` member. */
  readonly error: unknown;

  constructor(error: unknown) {
    super(`The server answered with an error: ${JSON.stringify(error)}`);
    this.error = error;
  }
}

/**
 * Makes a call for the daemon's own use and reads its result.
 *
 * @throws {UpstreamError} when the server answered with an error.
 * @throws {Fault} when it did not answer.
 */
export function callUpstream(
  callee: Callee,
  { owner = DAEMON, method, params, progress = () => {} }: {
    owner?: string;
    method: string;
    params?: JsonObject;
    progress?: UpstreamCall["progress"];
  },
): Promise<JsonObject> {
  return new Promise((resolve, reject) => {
    callee.submit({
      owner,
      id: "0",
      method,
      params,
      fail: reject,
      progress,
      answer(text) {
        try {
          const { result, error } = parseJson(text) as JsonObject;
          if (error !== undefined) reject(new UpstreamError(error));
          else resolve((result ?? {}) as JsonObject);
        } catch (cause) {
          reject(new Fault("upstream_invalid", `Cannot read the answer to ${method}`, { cause }));
        }
      },
    });
  });
}
