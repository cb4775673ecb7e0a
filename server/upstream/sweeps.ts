/**
 * Looking at deadlines from time to time, as long as there are any: one timer for all calls of a server.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";

/** Options of {@linkcode Sweeps}. */
export interface SweepsOptions {
  clock: Clock;
  /** The time that the deadlines are about, milliseconds: they are looked at four times in it or more often. */
  callTimeoutMs: number;
  /**
   * Looks at the deadlines, and begins again if there are more to come.
   *
   * @param late Milliseconds this machine or process slept: they are nobody's fault.
   */
  onSweep(late: number): void;
}

/** Milliseconds between two looks, at most. */
export const SWEEP_MS = 1000;

/** One look after the other. */
export class Sweeps {
  readonly #options: SweepsOptions;
  #timer: Disposable | undefined;

  constructor(options: SweepsOptions) {
    this.#options = options;
  }

  /** There will be a look, if there would not be one anyway. */
  begin(): void {
    if (this.#timer !== undefined) return;
    const { clock, callTimeoutMs, onSweep } = this.#options;
    const interval = Math.min(SWEEP_MS, callTimeoutMs / 4);
    const due = clock.now() + interval;
    this.#timer = clock.after(interval, () => {
      this.#timer = undefined;
      onSweep(Math.max(0, clock.now() - due - interval));
    });
  }

  /** There will be none. */
  end(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }
}
