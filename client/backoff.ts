/**
 * How long to wait before the next try: longer each time, and never the same for two clients, because
 * all clients of a daemon lose it at the same moment.
 *
 * @module
 */

/** Options of {@linkcode backoff}. All in milliseconds. */
export interface BackoffOptions {
  /** Upper bound of the first wait. */
  firstMs: number;
  /** Upper bound of every wait. */
  maxMs: number;
  /** From 0 to 1. Replaced in tests. */
  random?: () => number;
}

/**
 * Milliseconds to wait after `failures` failures in a row: from half to all of `firstMs`, doubled with
 * each failure up to `maxMs`.
 *
 * @param failures At least 1.
 */
export function backoff(
  failures: number,
  { firstMs, maxMs, random = Math.random }: BackoffOptions,
): number {
  // 2 ** 1024 is Infinity, which Math.min still understands.
  const bound = Math.min(maxMs, firstMs * 2 ** (failures - 1));
  return bound * (0.5 + random() / 2);
}
