/**
 * Messages on their way out of a connection that takes them one after the other, as fast as its client
 * reads. What waits is bounded: a client that reads too slowly is given up, and nobody else waits for it.
 *
 * @module
 */

/** Options of {@linkcode Outgoing}. */
export interface OutgoingOptions {
  /**
   * Writes messages in order; resolves when the connection has room again. Rejects when the other end
   * is gone.
   */
  write(texts: readonly string[]): Promise<void>;
  /** Most characters that may wait. */
  maxLength: number;
  /** Too much waits: what waited is dropped, and nothing more is taken. Called once. */
  onOverflow(): void;
  /** Writing failed; nothing more is taken. Called once. */
  onError(error: unknown): void;
}

/** Characters given to one `write`, unless a single message is longer. */
const CHUNK = 64 * 1024;

/** A bounded queue with one writer. */
export class Outgoing {
  readonly #options: OutgoingOptions;
  #waiting: string[] = [];
  #length = 0;
  #pumping: Promise<void> | undefined;
  #stopped = false;

  constructor(options: OutgoingOptions) {
    this.#options = options;
  }

  /** Characters that wait. */
  get length(): number {
    return this.#length;
  }

  send(text: string): void {
    if (this.#stopped) return;
    this.#waiting.push(text);
    this.#length += text.length;
    if (this.#length > this.#options.maxLength && this.#waiting.length > 1) {
      this.stop();
      return this.#options.onOverflow();
    }
    this.#pumping ??= this.#pump();
  }

  /** Resolves when everything was handed over, or nothing more can be. */
  flushed(): Promise<void> {
    return this.#pumping ?? Promise.resolve();
  }

  /** Drops what waits, and takes nothing more. */
  stop(): void {
    this.#stopped = true;
    this.#waiting = [];
    this.#length = 0;
  }

  async #pump(): Promise<void> {
    // What is sent in one turn goes out together. Not at the end of the turn: each connection has a queue
    // of its own, to which a turn mostly gives one message, and waiting for more cost a tenth.
    await Promise.resolve();
    try {
      while (this.#waiting.length > 0) await this.#options.write(this.#take());
    } catch (error) {
      const first = !this.#stopped;
      this.stop();
      if (first) this.#options.onError(error);
    } finally {
      this.#pumping = undefined;
    }
  }

  #take(): string[] {
    let count = 0;
    let length = 0;
    while (count < this.#waiting.length) {
      const next = this.#waiting[count].length;
      if (count > 0 && length + next > CHUNK) break;
      length += next;
      count++;
    }
    this.#length -= length;
    // A queue that is emptied from its front piece by piece would cost the square of its length.
    return count === this.#waiting.length ? this.#takeAll() : this.#waiting.splice(0, count);
  }

  #takeAll(): string[] {
    const all = this.#waiting;
    this.#waiting = [];
    return all;
  }
}
