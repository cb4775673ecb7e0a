/**
 * When a daemon that nobody started by hand has nothing to do any more, it ends.
 *
 * Idle means: no lease is held, and none came and went, for `idleMs`. Time is monotonic. A timer that
 * fires late has slept, with the machine or with the process (a closed lid, SIGSTOP, a paused VM): that
 * time was nobody's to use, so a fresh period begins instead of an end.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";

/** What is watched. */
export interface Activity {
  /** Leases held now: open streams, calls in flight, clients heard of not long ago. */
  held: number;
  /** Counts up whenever a lease begins, is renewed or ends; so that what fell between two looks counts. */
  changes: number;
}

/** Options of {@linkcode watchIdle}. */
export interface IdleOptions {
  clock: Clock;
  /** Milliseconds without any lease until the end. */
  idleMs: number;
  /** Milliseconds that the first client may take to arrive. Default `idleMs`. */
  firstMs?: number;
  activity(): Activity;
  /** Called once. In the same turn as the last look, so that no lease can come between. */
  onIdle(): void;
}

/** Most milliseconds between two looks. */
const LOOK_MS = 5_000;

/** Watches until idle, or until disposed. */
export function watchIdle(options: IdleOptions): Disposable {
  const { clock, idleMs, activity, onIdle } = options;
  let patience = Math.max(idleMs, options.firstMs ?? 0);
  const interval = Math.min(LOOK_MS, Math.max(1, idleMs / 4));
  let idleSince = clock.now();
  let seen = activity().changes;
  let timer = clock.after(interval, () => look(clock.now()));
  let due = clock.now() + interval;
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() };

  function look(now: number): void {
    const { held, changes } = activity();
    const slept = now - due > interval;
    if (held > 0 || changes !== seen) patience = idleMs;
    if (held > 0 || changes !== seen || slept) idleSince = now;
    seen = changes;
    if (now - idleSince >= patience) return onIdle();
    due = now + interval;
    timer = clock.after(interval, () => look(clock.now()));
  }
}
