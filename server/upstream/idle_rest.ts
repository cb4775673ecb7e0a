/**
 * When nobody has used a server for long: time that the machine slept is nobody's.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { SWEEP_MS } from "./sweeps.ts";

/** Options of {@linkcode IdleRest}. */
export interface IdleRestOptions {
  clock: Clock;
  /** Milliseconds without use; undefined: it never rests. */
  idleTimeoutMs: number | undefined;
  /** Whether it is in use now, whenever it was used last. */
  isInUse(): boolean;
  /** Nobody has used it for so long. Told once, until it begins anew. */
  onIdle(): void;
}

/** Watches one server while it runs. */
export class IdleRest {
  readonly #options: IdleRestOptions;
  #lastUsed = 0;
  #timer: Disposable | undefined;

  constructor(options: IdleRestOptions) {
    this.#options = options;
  }

  /** It was used just now. */
  used(): void {
    this.#lastUsed = this.#options.clock.now();
  }

  /** It runs, and counts as used just now. */
  begin(): void {
    this.used();
    this.#watch();
  }

  /** It does not run any more. */
  end(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  #watch(): void {
    const { clock, idleTimeoutMs, isInUse, onIdle } = this.#options;
    if (idleTimeoutMs === undefined) return;
    this.#timer?.[Symbol.dispose]();
    const wait = Math.max(1, this.#lastUsed + idleTimeoutMs - clock.now());
    const due = clock.now() + wait;
    this.#timer = clock.after(wait, () => {
      this.#timer = undefined;
      const now = clock.now();
      // Late by more than itself, and than a busy machine makes it: it slept, and so did whoever would
      // have used the server.
      if (isInUse() || now - due > Math.max(wait, SWEEP_MS)) this.#lastUsed = now;
      if (now - this.#lastUsed < idleTimeoutMs) return this.#watch();
      onIdle();
    });
  }
}
