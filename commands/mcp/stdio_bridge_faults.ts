/**
 * What the stdio bridge says when a request could not be delivered or lost its answer, and what it reads
 * from an answer that says so.
 *
 * @module
 */

import { AichakuError, messageOf } from "../../client/errors.ts";
import { Fault, type Reason } from "../../protocol/errors.ts";
import { isObject, type JsonObject, parseJson } from "../../protocol/json.ts";

/** The daemon refused a request because it is stopping; the next one will take it. */
export class Drained extends Error {}

/** Whether the answer says that the call was refused, not executed, by a daemon that is stopping. */
export function wasRefusedByDraining(answer: string): boolean {
  if (!answer.includes('"draining"')) return false;
  const data = errorDataOf(answer);
  return data?.reason === "draining" && data.retryable === true;
}

/** Why a daemon takes no connection, whatever is said on it. Anything else is about a message. */
const CONNECTION_REFUSALS: ReadonlySet<unknown> = new Set<Reason>([
  "draining",
  "invalid_params",
  "not_permitted",
  "overloaded",
]);

/** Whether an error under no id refuses its connection as a whole, so that nothing on it was taken. */
export function refusesConnection(text: string): boolean {
  return CONNECTION_REFUSALS.has(errorDataOf(text)?.reason);
}

function errorDataOf(answer: string): JsonObject | undefined {
  let message: unknown;
  try {
    message = parseJson(answer);
  } catch {
    return undefined; // A server wrote it, and the daemon does not read answers: no word of the daemon's own.
  }
  const error = isObject(message) && isObject(message.error) ? message.error : undefined;
  return isObject(error?.data) ? error.data : undefined;
}

/** The answer to a request that could not be delivered: the daemon's own error where it gave one. */
export function errorText(error: unknown, id: string): string {
  if (error instanceof AichakuError && error.code !== undefined) {
    const { code, message, data } = error;
    return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code, message, data })}}`;
  }
  if (error instanceof Fault) return error.toResponseText(id);
  const fault = error instanceof Drained
    ? new Fault("draining", "The daemon is stopping, and no other was started in time")
    : new Fault("upstream_unavailable", `Cannot reach the daemon: ${messageOf(error)}`);
  return fault.toResponseText(id);
}

/**
 * Whether a text that cannot be read stands where the answer to request `id` would. The daemon passes on
 * what a server answers without reading it, and some servers write what is no JSON (`NaN`).
 */
export function seemsToAnswer(text: string, id: string): boolean {
  return text.startsWith(`{"jsonrpc":"2.0","id":${id},`) || text.endsWith(`,"id":${id}}`) ||
    text.endsWith(`,"id":${id},"jsonrpc":"2.0"}`);
}

/** What the server answered is no message. */
export function unreadableFault(method: string): Fault {
  return new Fault("upstream_invalid", `Cannot read the answer to ${method}`);
}

/**
 * What a server is told whose question was answered, where the daemon does not take the answer because it
 * is no good as a message: too long, mostly. Undefined for other failures: then the daemon is gone, and
 * the question with it.
 */
export function faultOfAnswer(error: unknown): Fault | undefined {
  if (!(error instanceof AichakuError && error.reason === "invalid_request")) return undefined;
  return new Fault("invalid_request", `Cannot take the client's answer: ${error.message}`);
}

/** Standard input ended, and with it the time that calls have. */
export function inputEnded(): Fault {
  return new Fault(
    "cancelled",
    "Standard input ended, and the call was not answered within 5 seconds after that",
  );
}

/** The daemon is gone, and may or may not have executed the call. */
export function lostFault(method: string): Fault {
  return new Fault(
    "draining",
    `Lost the daemon while waiting for ${method}: it stopped or was restarted; whether the call took ` +
      `effect is not known, so look before you repeat it`,
    { retryable: false },
  );
}

/** The process was told to end. */
export function endedBy(signal: string): Fault {
  return new Fault(
    "cancelled",
    `The bridge was ended by ${signal} before this was answered; whether a call took effect is not known`,
  );
}

/** Nothing more can be read from the client, or written to it. */
export function clientGone(): Fault {
  return new Fault("cancelled", "The client is gone");
}
