/**
 * How long to wait before trying again.
 *
 * @module
 */

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
