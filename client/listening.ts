/**
 * Hearing what a server says outside of calls, for as long as a session lasts.
 *
 * Guarantees: a stream that breaks is opened again where it broke off, with growing pauses; it ends when
 * the signal fires, when the daemon offers no stream, when it forgot the session, or when it stays away
 * (then the connection has ended). None of this keeps the process alive.
 *
 * @module
 */

import { backoff } from "./backoff.ts";
import type { HttpWire } from "./http_wire.ts";
import { quietDelay } from "./quiet.ts";
import { readServerSentEvents } from "./sse.ts";

/** Options of {@linkcode listen}. */
export interface ListenOptions {
  /** Told each message. Must not throw. */
  onMessage(text: string): void;
  /** Ends it. */
  signal: AbortSignal;
  /** Failures in a row after which the daemon counts as gone from its address. @default {6} */
  maxFailures?: number;
}

/** Milliseconds before a stream that ended is opened again; the server can set it. */
const DEFAULT_RETRY_MS = 500;
const MIN_RETRY_MS = 50;
/** A daemon restarts within a second; nobody else is worth waiting longer for. */
const MAX_RETRY_MS = 5_000;

/** Listens. Resolves when it is over; never rejects. */
export async function listen(
  wire: HttpWire,
  { onMessage, signal, maxFailures = 6 }: ListenOptions,
): Promise<void> {
  let lastEventId = "";
  let retryMs = DEFAULT_RETRY_MS;
  for (let failures = 0; !signal.aborted && wire.ended === undefined;) {
    try {
      const response = await wire.listenQuietly(lastEventId, signal);
      if (response === undefined) return;
      const events = readServerSentEvents(response.body ?? new Blob([]).stream(), {
        onId: (id) => lastEventId = id,
        onRetry: (ms) => retryMs = Math.min(Math.max(ms, MIN_RETRY_MS), MAX_RETRY_MS),
      });
      for await (const { type, data } of events) {
        failures = 0;
        if (type === "message" && data !== "") onMessage(data);
      }
    } catch (error) {
      if (signal.aborted || wire.ended !== undefined) return;
      if (++failures >= maxFailures) {
        wire.lost(error, { method: "its notifications", signal });
        return;
      }
    }
    const pause = backoff(failures + 1, { firstMs: retryMs, maxMs: MAX_RETRY_MS });
    await quietDelay(pause, signal);
  }
}
