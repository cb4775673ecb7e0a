/**
 * Time as a parameter, so that tests need no sleeps. Monotonic: a change of the wall clock moves
 * nothing.
 *
 * @module
 */

/** A clock with timers. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /** Calls `callback` once after `ms` milliseconds, unless disposed before. */
  after(ms: number, callback: () => void): Disposable;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};
