/**
 * Waiting that can be given up.
 *
 * @module
 */

import type { Clock } from "../../../platform/clock.ts";

/** Resolves after `ms` milliseconds. @throws the signal's reason, as soon as it is aborted. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const giveUp = () => {
      timer[Symbol.dispose]();
      reject(signal.reason);
    };
    const timer = clock.after(ms, () => {
      signal.removeEventListener("abort", giveUp);
      resolve();
    });
    signal.addEventListener("abort", giveUp, { once: true });
  });
}

/** How waits between attempts grow. Milliseconds. */
export interface Backoff {
  firstMs: number;
  maxMs: number;
}

/**
 * Milliseconds before attempt `attempt` (the first repetition is 1): doubling, and each wait somewhere
 * between its half and its whole, so that those who failed together do not come back together.
 */
export function backoffMs(
  { firstMs, maxMs }: Backoff,
  attempt: number,
  random: () => number,
): number {
  return Math.min(maxMs, firstMs * 2 ** (attempt - 1)) * (0.5 + random() / 2);
}
