/**
 * A list on its way from a server, and who waits for it: several may, and when the last of them has
 * cancelled, the server is told.
 *
 * @module
 */

import type { ReadList } from "./read_list.ts";

/** One reading of one list. */
export class ListReading {
  /** Settles with the list, or the reason why there is none. */
  readonly done: Promise<ReadList>;
  /** Whether everybody is to hear of it when it is not what was known. */
  announces = false;
  readonly #controller = new AbortController();
  #waiting = 0;
  #kept = false;

  /** @param read Reads it; not called before the constructor has returned. */
  constructor(read: (reading: ListReading) => Promise<ReadList>) {
    this.done = Promise.resolve().then(() => read(this));
    // Whoever waits is told; without anybody there is nobody to tell.
    this.done.catch(() => {});
  }

  /** Aborted when nobody waits any more. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Somebody waits for it. @returns how many do now. */
  join(): number {
    return ++this.#waiting;
  }

  /** Somebody who waited does not any more. */
  leave(): void {
    this.#waiting--;
    if (this.#waiting === 0 && !this.#kept) this.#controller.abort();
  }

  /** It is wanted whoever waits. */
  keep(): void {
    this.#kept = true;
  }
}
