/**
 * Asking until the server takes the question: again when it was certainly not executed and the wait is
 * short, never otherwise.
 *
 * @module
 */

import type { Clock } from "../../../platform/clock.ts";
import { pause } from "../../../platform/pause.ts";
import { NoResponse } from "./endpoint.ts";
import { type Backoff, backoffMs } from "./backoff.ts";
import type { Trouble } from "./trouble.ts";

/** Options of {@linkcode ask}. */
export interface AskOptions {
  clock: Clock;
  /** Random numbers in [0, 1). */
  random: () => number;
  signal: AbortSignal;
  /** The method, or what else is asked, for errors. */
  what: string;
  /** Where, without anything secret. */
  origin: string;
  /** Told whether the server may have the question from now on, or certainly has not. */
  onSent?(sent: boolean): void;
}

/** A server that is restarting is back in seconds: six repetitions, 3 to 6 seconds in all. */
const REFUSED: Backoff = { firstMs: 100, maxMs: 3200 };
const MAX_REFUSED = 6;
/** Longest wait that a server may ask for, milliseconds. */
const MAX_RETRY_AFTER_MS = 30_000;

/**
 * The response to a question, whatever its status, or why there is none.
 *
 * @param send Asks once.
 * @throws the signal's reason.
 */
export async function ask(
  send: () => Promise<Response>,
  options: AskOptions,
): Promise<Response | Trouble> {
  const { clock, random, signal, onSent } = options;
  let refused = 0;
  let postponed = false;
  while (true) {
    let response: Response;
    onSent?.(true);
    try {
      response = await send();
    } catch (error) {
      if (!(error instanceof NoResponse)) throw error;
      if (error.sent) return broken(error, options);
      onSent?.(false);
      if (refused === MAX_REFUSED || !error.mayPass) return unreachable(error, options);
      await pause(clock, backoffMs(REFUSED, ++refused, random), signal);
      continue;
    }
    const wait = postponed ? undefined : retryAfterMs(response);
    if (wait === undefined || wait > MAX_RETRY_AFTER_MS) return response;
    postponed = true;
    onSent?.(false);
    await response.body?.cancel();
    await pause(clock, wait, signal);
  }
}

/** The server could not be asked at all. */
function unreachable({ message }: NoResponse, { origin }: AskOptions): Trouble {
  return {
    kind: "unavailable",
    how: `cannot be reached at ${origin} (${message})`,
    remedy: `check that it runs, and the "url" of this server in config.json`,
    retryable: true,
  };
}

function broken({ message }: NoResponse, { what }: AskOptions): Trouble {
  return { kind: "lost", how: `broke off ${what} before its answer (${message})` };
}

/**
 * Milliseconds that a server which did not execute the request asks to wait; undefined when the response
 * is another. Source: RFC 9110, 10.2.3, and RFC 6585, 4.
 */
export function retryAfterMs({ status, headers }: Response): number | undefined {
  if (status !== 429 && status !== 503) return undefined;
  const value = headers.get("retry-after")?.trim();
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  // A date is meant by the server's own clock, which it usually tells.
  const now = Date.parse(headers.get("date") ?? "");
  const wait = Date.parse(value) - (Number.isNaN(now) ? Date.now() : now);
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}
