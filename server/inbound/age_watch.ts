/**
 * What is done for calls that have been under way for a while. One timer for all of them, because almost
 * every call is over before it fires.
 *
 * @module
 */

import { ChurningMap } from "../../platform/churning_map.ts";
import type { Clock } from "../../platform/clock.ts";

/** Options of {@linkcode AgeWatch}. */
export interface AgeWatchOptions<T> {
  clock: Clock;
  /** Milliseconds after which something counts as old; up to as much more, and at most a second. */
  ageMs: number;
  /** Called once for each that got old. */
  onAge(item: T): void;
}

/** Milliseconds between two looks, at most. */
const LOOK_MS = 1000;

/**
 * Watches over things that mostly go away by themselves. Their age is counted in looks: time that the
 * machine slept is nobody's, and no call has to ask the clock.
 */
export class AgeWatch<T> {
  readonly #options: AgeWatchOptions<T>;
  readonly #lookMs: number;
  /** Looks that something is watched for: one more than fill its time, since it begins between two. */
  readonly #patience: number;
  /** At which look each gets old; in the order of their beginning, and so of their age. */
  readonly #waiting = new ChurningMap<T, number>();
  #looks = 0;
  #timer: Disposable | undefined;

  constructor(options: AgeWatchOptions<T>) {
    this.#options = options;
    this.#lookMs = Math.min(LOOK_MS, options.ageMs);
    this.#patience = Math.ceil(options.ageMs / this.#lookMs) + 1;
  }

  add(item: T): void {
    this.#waiting.set(item, this.#looks + this.#patience);
    if (this.#timer === undefined) this.#watch();
  }

  delete(item: T): void {
    this.#waiting.delete(item);
  }

  #watch(): void {
    this.#timer = this.#options.clock.after(this.#lookMs, () => {
      this.#timer = undefined;
      this.#look();
      if (this.#waiting.size > 0) this.#watch();
    });
  }

  #look(): void {
    this.#looks++;
    for (const [item, due] of this.#waiting) {
      if (due > this.#looks) break;
      this.#waiting.delete(item);
      this.#options.onAge(item);
    }
  }

  /** Stops watching. */
  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#waiting.clear();
  }
}
