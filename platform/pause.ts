/**
 * Waiting that can be given up.
 *
 * @module
 */

import type { Clock } from "./clock.ts";

/**
 * Resolves after `ms` milliseconds of `clock`.
 *
 * @throws the signal's reason, as soon as it is aborted.
 */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const giveUp = () => {
      timer[Symbol.dispose]();
      reject(signal?.reason);
    };
    const timer = clock.after(ms, () => {
      signal?.removeEventListener("abort", giveUp);
      resolve();
    });
    signal?.addEventListener("abort", giveUp, { once: true });
  });
}
