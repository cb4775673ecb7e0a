/**
 * One writer for a stream that many callers share: the lines of one turn of the event loop go out in one
 * write, and those that are queued while it is under way in the next one. At most one write is ever
 * pending, so what a stalled reader owes is known and bounded, and so is the moment when it reads on.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { Backlog } from "./backlog.ts";

/** Options of {@linkcode LineWriter}. */
export interface LineWriterOptions {
  /** Most bytes (of UTF-16 code units, near enough) that may wait. */
  maxOwed: number;
  /** See {@linkcode WireEvents.onRoom}. Must not throw. Default: nobody waits. */
  onRoom?(): void;
  /** Told once when the stream cannot be written any more. */
  onError(error: unknown): void;
  /** Calls back at the end of this turn. Default `setImmediate`. */
  atEndOfTurn?: (callback: () => void) => void;
}

/** About how much goes into one write. */
const BATCH = 64 * 1024;

/** Writes lines to a byte stream, coalesced. */
export class LineWriter {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #options: LineWriterOptions;
  readonly #encoder = new TextEncoder();
  readonly #buffer = new Uint8Array(2 * BATCH);
  readonly #backlog: Backlog;
  #queue: string[] = [];
  #writing = false;
  #closed = false;

  constructor(stream: WritableStream<Uint8Array>, options: LineWriterOptions) {
    this.#writer = stream.getWriter();
    this.#options = options;
    this.#backlog = new Backlog({
      maxOwed: options.maxOwed,
      onRoom: () => this.#closed || options.onRoom?.(),
    });
    // A rejected `closed` is the same news as a rejected write, which is reported.
    this.#writer.closed.catch(() => {});
  }

  /** What was accepted and not written yet. */
  get owed(): number {
    return this.#backlog.owed;
  }

  /** See {@linkcode Wire.room}. */
  get room(): number {
    return this.#backlog.room;
  }

  /** Whether nothing can be written any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Queues a line. @returns false when that would exceed the cap, or the stream is closed. */
  write(line: string): boolean {
    if (this.#closed || !this.#backlog.takes(line.length)) return false;
    this.#queue.push(line);
    this.#backlog.add(line.length + 1);
    if (!this.#writing) {
      this.#writing = true;
      // Not in a microtask: each request of a turn has its own, and would wake the server by itself.
      // With 32 clients a write carries about 12 lines, and a call costs a fourth less.
      (this.#options.atEndOfTurn ?? setImmediate)(() => void this.#flush());
    }
    return true;
  }

  /** Closes the stream. What is still queued is dropped: nobody waits for its answer any more. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = [];
    try {
      await this.#writer.close();
    } catch {
      // The reader is gone already: that is what closing wanted.
    }
  }

  async #flush(): Promise<void> {
    try {
      while (this.#queue.length > 0 && !this.#closed) {
        const { lines, count } = this.#nextBatch();
        await this.#writer.write(this.#encode(lines));
        this.#backlog.done(count);
      }
    } catch (error) {
      const wasClosed = this.#closed;
      this.#closed = true;
      this.#queue = [];
      this.#backlog.clear();
      if (!wasClosed) this.#options.onError(error);
    } finally {
      this.#writing = false;
      // What was queued when it was closed is owed to nobody.
      if (this.#closed) this.#backlog.clear();
    }
  }

  #nextBatch(): { lines: string[]; count: number } {
    const queue = this.#queue;
    let count = 0;
    let taken = 0;
    while (taken < queue.length && (taken === 0 || count + queue[taken].length < BATCH)) {
      count += queue[taken].length + 1;
      taken++;
    }
    if (taken < queue.length) return { lines: queue.splice(0, taken), count };
    this.#queue = [];
    return { lines: queue, count };
  }

  /** The bytes are good until the next call. */
  #encode(lines: string[]): Uint8Array {
    const [line] = lines;
    if (lines.length > 1 || line.length < BATCH / 8 || line.length >= this.#buffer.length) {
      return this.#encoder.encode(lines.join("\n") + "\n");
    }
    // A long one, by itself: neither copied to get its line end, nor given new memory.
    const { read, written } = this.#encoder.encodeInto(line, this.#buffer);
    if (read < line.length || written === this.#buffer.length) {
      return this.#encoder.encode(line + "\n");
    }
    this.#buffer[written] = LINE_END;
    return this.#buffer.subarray(0, written + 1);
  }
}

const LINE_END = 10;
