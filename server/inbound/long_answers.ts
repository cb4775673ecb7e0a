/**
 * Answers so long that a client which does not read them would cost much: given to the connection piece
 * by piece, as it is read, counted together, and bounded.
 *
 * A whole text is taken by the runtime at once, and it does not tell when it was read (Deno 2.9:
 * `info.completed` resolves before). Up to some megabytes the system takes it as well, and pieces take
 * twice the time at 1 MiB; from 8 MiB on they take none.
 *
 * Guarantees: what waits of such answers never exceeds twice the bound and one answer. Not guaranteed:
 * that an answer is read by whoever does not read; beyond the bound it is cut off after ten seconds
 * without reading, the one that was not read for longest first, and beyond twice the bound at once: those
 * that nobody has begun to read first, so that whoever leaves new answers unread takes none from those who
 * read theirs.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";

/** Options of {@linkcode LongAnswers}. */
export interface LongAnswersOptions {
  clock: Clock;
  /** Characters that may wait, of all such answers together. */
  maxLength: number;
  /** An answer of `length` characters was cut off. */
  onCutOff(length: number): void;
}

/** Characters from which an answer is a long one. */
export const LONG = 8 * 1024 * 1024;

/** Characters handed to the connection at once; see `event_stream.ts`. */
const PIECE = 64 * 1024;

/** Milliseconds without reading after which an answer may be cut off. */
const STALLED_MS = 10_000;

interface LongAnswer {
  readonly length: number;
  /** Monotonic milliseconds: when the connection last asked for more. */
  lastRead: number;
  cutOff(): void;
}

/** All long answers of one daemon that are under way. */
export class LongAnswers {
  readonly #options: LongAnswersOptions;
  /** Those that nobody has begun to read, oldest first. */
  readonly #unread = new Set<LongAnswer>();
  /** Those that somebody reads; the one that was not read for longest first. */
  readonly #read = new Set<LongAnswer>();
  #length = 0;

  constructor(options: LongAnswersOptions) {
    this.#options = options;
  }

  /** Characters of those that are under way. */
  get length(): number {
    return this.#length;
  }

  /** The body of a response. */
  bodyOf(text: string): string | ReadableStream<Uint8Array> {
    return text.length < LONG ? text : this.#inPieces(text);
  }

  #inPieces(text: string): ReadableStream<Uint8Array> {
    const { clock } = this.#options;
    this.#makeRoom(text.length);
    const encoder = new TextEncoder();
    let rest = text;
    let at = 0;
    let body: ReadableStreamDefaultController<Uint8Array>;
    const answer: LongAnswer = {
      length: text.length,
      lastRead: clock.now(),
      cutOff: () => {
        rest = "";
        body.error(new Error("The client did not read its answer"));
      },
    };
    this.#unread.add(answer);
    this.#length += answer.length;
    return new ReadableStream<Uint8Array>({
      start(controller) {
        body = controller;
      },
      pull: (controller) => {
        const end = pieceEnd(rest, at + PIECE);
        controller.enqueue(encoder.encode(rest.slice(at, end)));
        at = end;
        if (at < rest.length) return this.#wasRead(answer);
        controller.close();
        this.#forget(answer);
      },
      cancel: () => {
        rest = "";
        this.#forget(answer);
      },
    }, { highWaterMark: 0 });
  }

  #wasRead(answer: LongAnswer): void {
    answer.lastRead = this.#options.clock.now();
    this.#unread.delete(answer);
    this.#read.delete(answer);
    this.#read.add(answer);
  }

  #forget(answer: LongAnswer): void {
    if (this.#unread.delete(answer) || this.#read.delete(answer)) this.#length -= answer.length;
  }

  #makeRoom(length: number): void {
    const { clock, maxLength } = this.#options;
    const stalledAt = clock.now() - STALLED_MS;
    while (this.#length + length > maxLength) {
      const answer = this.#stalled();
      if (answer === undefined || answer.lastRead > stalledAt) break;
      this.#cutOff(answer);
    }
    while (this.#length + length > 2 * maxLength) {
      // A new answer counts as read when it is given: a burst of them must not outlast what is read.
      const answer = first(this.#unread) ?? first(this.#read);
      if (answer === undefined) break;
      this.#cutOff(answer);
    }
  }

  /** The one that was not read for longest, whether somebody has begun to or not. */
  #stalled(): LongAnswer | undefined {
    const [unread, read] = [first(this.#unread), first(this.#read)];
    if (unread === undefined || read === undefined) return unread ?? read;
    return unread.lastRead <= read.lastRead ? unread : read;
  }

  #cutOff(answer: LongAnswer): void {
    this.#forget(answer);
    answer.cutOff();
    this.#options.onCutOff(answer.length);
  }
}

function first<T>(set: ReadonlySet<T>): T | undefined {
  const [one] = set;
  return one;
}

/** Where a piece ends: not between the two halves of a character. */
function pieceEnd(text: string, end: number): number {
  if (end >= text.length) return text.length;
  const last = text.charCodeAt(end - 1);
  return last >= 0xd800 && last < 0xdc00 ? end - 1 : end;
}
