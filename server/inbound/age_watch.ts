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
  /** Milliseconds after which something counts as old; up to a second more. */
  ageMs: number;
  /** Called once for each that got old. */
  onAge(item: T): void;
}

/** Milliseconds between two looks. */
const LOOK_MS = 1000;

/** Watches over things that mostly go away by themselves. */
export class AgeWatch<T> {
  readonly #options: AgeWatchOptions<T>;
  /** When each gets old; in the order of their beginning, and so of their age. */
  readonly #waiting = new ChurningMap<T, number>();
  #timer: Disposable | undefined;

  constructor(options: AgeWatchOptions<T>) {
    this.#options = options;
  }

  add(item: T): void {
    const { clock, ageMs } = this.#options;
    this.#waiting.set(item, clock.now() + ageMs);
    this.#timer ??= clock.after(LOOK_MS, () => this.#look());
  }

  delete(item: T): void {
    this.#waiting.delete(item);
  }

  #look(): void {
    const { clock, onAge } = this.#options;
    this.#timer = undefined;
    const now = clock.now();
    for (const [item, due] of this.#waiting) {
      if (due > now) break;
      this.#waiting.delete(item);
      onAge(item);
    }
    if (this.#waiting.size > 0) this.#timer = clock.after(LOOK_MS, () => this.#look());
  }

  /** Stops watching. */
  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#waiting.clear();
  }
}
