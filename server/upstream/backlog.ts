/**
 * What a server was sent and has not taken yet: counted, bounded, and told when there is room again.
 *
 * Guarantees: while there is room, a message of any length is taken; calls stop there, so that what is
 * about them (cancellations, answers) finds the other half free. It holds at most `maxOwed` or half of
 * that and one message, whichever is more.
 *
 * @module
 */

/** Options of {@linkcode Backlog}. */
export interface BacklogOptions {
  /** Most that may wait, characters. */
  maxOwed: number;
  /** There is room again, after there was none. Must not throw. */
  onRoom(): void;
}

/** One count, for one connection. */
export class Backlog {
  readonly #options: BacklogOptions;
  /** From here on calls have to wait. */
  readonly #mark: number;
  #owed = 0;
  #wasFull = false;

  constructor(options: BacklogOptions) {
    this.#options = options;
    this.#mark = options.maxOwed / 2;
  }

  /** Characters that the server has not taken yet. */
  get owed(): number {
    return this.#owed;
  }

  /** See {@linkcode Wire.room}. */
  get room(): number {
    return this.#mark - this.#owed;
  }

  /** Whether a message of this length may be sent now. */
  takes(length: number): boolean {
    return this.#owed < this.#mark || this.#owed + length <= this.#options.maxOwed;
  }

  /** So much was sent. */
  add(length: number): void {
    this.#owed += length;
    if (this.#owed >= this.#mark) this.#wasFull = true;
  }

  /** The server has taken so much. */
  done(length: number): void {
    this.#owed -= length;
    if (!this.#wasFull || this.#owed >= this.#mark) return;
    this.#wasFull = false;
    this.#options.onRoom();
  }

  /** The connection is over: nothing is owed to anybody, and nobody waits for room. */
  clear(): void {
    this.#owed = 0;
    this.#wasFull = false;
  }
}
