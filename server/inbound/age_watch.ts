/**
 * What is done for calls that have been under way for a while. One timer for all of them, because almost
 * every call is over before it fires.
 *
 * @module
 */

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

/** One that is watched, in the order of their beginning, and so of their age. Disposed of, it is not. */
class Watched<T> implements Disposable {
  readonly item: T;
  /** At which look it gets old. */
  readonly due: number;
  before: Watched<T>;
  after: Watched<T>;

  constructor(item: T, due: number) {
    this.item = item;
    this.due = due;
    this.before = this.after = this;
  }

  get isAlone(): boolean {
    return this.after === this;
  }

  /** Goes before `next`. */
  enter(next: Watched<T>): void {
    this.after = next;
    this.before = next.before;
    this.before.after = next.before = this;
  }

  [Symbol.dispose](): void {
    this.before.after = this.after;
    this.after.before = this.before;
    // Nor does it keep the next one alive.
    this.before = this.after = this;
  }
}

/**
 * Watches over things that mostly go away by themselves. Their age is counted in looks: time that the
 * machine slept is nobody's, and no call has to ask the clock. They know their places, so that none is
 * ever looked for: a table would cost each call 0.2 µs.
 */
export class AgeWatch<T> {
  readonly #options: AgeWatchOptions<T>;
  readonly #lookMs: number;
  /** Looks that something is watched for: one more than fill its time, since it begins between two. */
  readonly #patience: number;
  /** Both ends: the oldest is behind it, the youngest before. */
  readonly #ends = new Watched<T | undefined>(undefined, Infinity);
  #looks = 0;
  #timer: Disposable | undefined;

  constructor(options: AgeWatchOptions<T>) {
    this.#options = options;
    this.#lookMs = Math.min(LOOK_MS, options.ageMs);
    this.#patience = Math.ceil(options.ageMs / this.#lookMs) + 1;
  }

  /** Watches over something until the end of what is returned, which may end twice. */
  add(item: T): Disposable {
    const watched = new Watched<T | undefined>(item, this.#looks + this.#patience);
    watched.enter(this.#ends);
    if (this.#timer === undefined) this.#watch();
    return watched;
  }

  #watch(): void {
    this.#timer = this.#options.clock.after(this.#lookMs, () => {
      this.#timer = undefined;
      try {
        this.#look();
      } finally {
        // One that fails keeps nobody else from being told, with the next look.
        if (!this.#ends.isAlone && this.#timer === undefined) this.#watch();
      }
    });
  }

  #look(): void {
    this.#looks++;
    // One at a time: what is done about one may end others.
    for (;;) {
      const oldest = this.#ends.after;
      if (oldest === this.#ends || oldest.due > this.#looks) return;
      oldest[Symbol.dispose]();
      this.#options.onAge(oldest.item as T);
    }
  }

  /** Stops watching. */
  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#ends[Symbol.dispose]();
  }
}
