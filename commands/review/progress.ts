/**
 * How far a review is, for a person who waits: one line on a terminal, rewritten in place and gone at the
 * end. Nothing where there is no terminal.
 *
 * @module
 */

/** Told whenever a file is done. */
export type OnDone = (done: number, total: number) => void;

/** A line of progress. `[Symbol.dispose]` takes it away. */
export class ProgressLine implements Disposable {
  readonly #write: (text: string) => void;
  readonly #now: () => number;
  #isShown = false;
  #last = -Infinity;

  /** @param write Writes to the terminal. @param now Milliseconds. */
  constructor(write: (text: string) => void, now: () => number = () => performance.now()) {
    this.#write = write;
    this.#now = now;
  }

  /** Shows the numbers, at most ten times a second. */
  readonly onDone: OnDone = (done, total) => {
    const now = this.#now();
    if (now - this.#last < 100) return;
    this.#last = now;
    this.#isShown = true;
    this.#write(`\r\x1b[KReviewing ${done} of ${total} files`);
  };

  [Symbol.dispose](): void {
    if (this.#isShown) this.#write("\r\x1b[K");
  }
}
