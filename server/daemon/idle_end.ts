/**
 * The end of a daemon that nobody uses, after the time that its configuration names at the moment.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { type Activity, watchIdle } from "./idle.ts";

/** Options of {@linkcode IdleEnd}. */
export interface IdleEndOptions {
  clock: Clock;
  /** Whether the daemon was started for a client, not by a person. */
  autostarted: boolean;
  activity(): Activity;
  requestShutdown(reason: string): void;
}

/** Milliseconds that the client for which a daemon was started may take to arrive. */
const FIRST_CLIENT_MS = 10_000;

/** Milliseconds without a client after which a daemon ends that was started for one. */
const AUTOSTARTED_IDLE_MS = 5 * 60_000;

/** See the module. */
export class IdleEnd implements Disposable {
  readonly #options: IdleEndOptions;
  #idleMs: number | undefined;
  #firstMs: number | undefined;
  #watch: Disposable | undefined;

  constructor(options: IdleEndOptions) {
    this.#options = options;
    // Whoever had it started is about to come.
    this.#firstMs = options.autostarted ? FIRST_CLIENT_MS : undefined;
  }

  /**
   * Watches from now on with the configured time. The same time again changes nothing.
   *
   * @param configured `server.idleTimeout`, milliseconds.
   */
  set(configured: number | undefined): void {
    const { clock, autostarted, activity, requestShutdown } = this.#options;
    const idleMs = configured ?? (autostarted ? AUTOSTARTED_IDLE_MS : undefined);
    if (idleMs === this.#idleMs) return;
    this[Symbol.dispose]();
    this.#idleMs = idleMs;
    if (idleMs === undefined) return;
    this.#watch = watchIdle({
      clock,
      idleMs,
      firstMs: this.#firstMs,
      activity,
      onIdle: () => requestShutdown(`nobody used it for ${idleMs / 1000} s`),
    });
    this.#firstMs = undefined;
  }

  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]();
    this.#watch = undefined;
  }
}
