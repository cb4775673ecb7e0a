/**
 * Whether this process is still the daemon of its home. The lock cannot be lost while the process
 * lives, but the folder it lies in can be deleted: then a second daemon could lock a new file of the
 * same name, and this one must give up. A mere announcement, or a token, that is gone or damaged is
 * written again.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";

/** Options of {@linkcode watchSelf}. */
export interface SelfCheckOptions {
  clock: Clock;
  /** Whether the lock file on disk is still the one this process holds. */
  holdsLock(): boolean;
  /** Whether what leads clients here stands on disk as this process wrote it. */
  isAnnounced(): boolean;
  /** Writes it again. */
  announce(): void;
  /** This process is not the daemon any more; called once. */
  onLost(): void;
  /** Something could not be looked at or written; it is tried again. */
  onError(error: unknown): void;
  /** Milliseconds between two looks. Default 2,000: well below what clients take for a hung daemon. */
  intervalMs?: number;
}

/** Looks again and again until disposed, or until the daemon is lost. */
export function watchSelf(options: SelfCheckOptions): Disposable {
  const { clock, holdsLock, isAnnounced, announce, onLost, onError, intervalMs = 2_000 } = options;
  let timer = clock.after(intervalMs, look);
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() };

  function look(): void {
    try {
      if (!holdsLock()) return onLost();
      if (!isAnnounced()) announce();
    } catch (error) {
      // A full disk, a folder without rights for a moment: not a reason to end.
      onError(error);
    }
    timer = clock.after(intervalMs, look);
  }
}
