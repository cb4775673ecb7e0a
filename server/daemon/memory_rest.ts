/**
 * A daemon that rests gives back what a burst of large messages left: V8 collects garbage when memory is
 * wanted, and who rests wants none.
 *
 * Guarantees: none is collected while anything happens, and again in one rest only as long as it was
 * worth it. Not guaranteed: that the system sees all of it again; the C library keeps some for the next
 * burst.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";

/** Options of {@linkcode giveMemoryBack}. */
export interface MemoryRestOptions {
  clock: Clock;
  /** Counts up with everything that happens. */
  changes(): number;
  /** Resident memory, bytes. */
  resident(): number;
  /** Collects garbage. @returns false where that is not possible. */
  collect(): Promise<boolean>;
  /** Told of the resident memory before and after, bytes. */
  onCollected(before: number, after: number): void;
  /** It failed; it is not tried again. */
  onError(error: unknown): void;
}

/** Milliseconds between two looks; a daemon rests when nothing happened from one to the next. */
const LOOK_MS = 2_000;

/** How much more than after the last rest is worth a collection. Bytes. */
const GROWTH = 64 * 1024 * 1024;

/** What a collection must have given back to be followed by another one. Bytes. */
const WORTH = 8 * 1024 * 1024;

/** Looks until disposed, or until it turns out to be impossible. */
export function giveMemoryBack(options: MemoryRestOptions): Disposable {
  const { clock, changes, resident, collect, onCollected, onError } = options;
  let seen = changes();
  let settled = resident();
  /** Whether there is nothing more to be had in this rest. */
  let isDone = true;
  let isOver = false;
  let timer = clock.after(LOOK_MS, look);
  return {
    [Symbol.dispose]() {
      isOver = true;
      timer[Symbol.dispose]();
    },
  };

  function look(): void {
    const wasQuiet = changes() === seen;
    seen = changes();
    if (!wasQuiet) isDone = false;
    else if (!isDone) {
      const before = resident();
      if (before - settled > GROWTH) return void collectOnce(before).catch(onError);
      isDone = true;
      settled = Math.min(settled, before);
    }
    timer = clock.after(LOOK_MS, look);
  }

  async function collectOnce(before: number): Promise<void> {
    if (!await collect() || isOver) return;
    const after = resident();
    onCollected(before, after);
    // What is finalized by one collection, the next one frees.
    if (before - after < WORTH) {
      settled = after;
      isDone = true;
    }
    timer = clock.after(LOOK_MS, look);
  }
}
