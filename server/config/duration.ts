/**
 * Durations as people write them. A text always names its unit; a bare number is milliseconds, and
 * nothing is ever guessed from its size.
 *
 * @module
 */

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** Longest duration, 24 days: a timer of JavaScript fires at once beyond 2^31 - 1 milliseconds. */
export const MAX_DURATION_MS = 24 * 24 * UNITS.h;

/** What a duration must be, for error messages. */
export const DURATION_FORM =
  'a duration such as "500ms", "30s", "15m" or "2h", or a number of milliseconds; more than 0, at most 24 days';

/**
 * A duration in milliseconds, rounded to whole ones.
 *
 * @param value A text of a number and one of the units `ms`, `s`, `m`, `h` (`"15m"`, `"1.5 s"`), or a
 * number of milliseconds.
 * @returns undefined when it cannot be read, is not more than zero, or exceeds
 * {@linkcode MAX_DURATION_MS}.
 */
export function parseDuration(value: string | number): number | undefined {
  if (typeof value === "number") return inRange(value);
  const match = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h)\s*$/.exec(value);
  if (!match) return undefined;
  return inRange(Number(match[1]) * UNITS[match[2] as keyof typeof UNITS]);
}

/** Milliseconds in the form that {@linkcode parseDuration} reads, in the largest unit that divides them. */
export function formatDuration(ms: number): string {
  for (const unit of ["h", "m", "s"] as const) {
    if (ms % UNITS[unit] === 0) return `${ms / UNITS[unit]}${unit}`;
  }
  return `${ms}ms`;
}

function inRange(ms: number): number | undefined {
  const rounded = Math.round(ms);
  return rounded >= 1 && rounded <= MAX_DURATION_MS ? rounded : undefined;
}
