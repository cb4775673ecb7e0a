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
 * without reading, and beyond twice the bound at once, the one that was not read for longest first.
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
  /** The one that was not read for longest first. */
  readonly #open = new Set<LongAnswer>();
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
    this.#open.add(answer);
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
    this.#open.delete(answer);
    this.#open.add(answer);
  }

  #forget(answer: LongAnswer): void {
    if (this.#open.delete(answer)) this.#length -= answer.length;
  }

  #makeRoom(length: number): void {
    const { clock, maxLength, onCutOff } = this.#options;
    const now = clock.now();
    for (const answer of this.#open) {
      const wanted = this.#length + length;
      const isStalled = now - answer.lastRead >= STALLED_MS;
      if (wanted <= maxLength || (!isStalled && wanted <= 2 * maxLength)) return;
      this.#forget(answer);
      answer.cutOff();
      onCutOff(answer.length);
    }
  }
}

/** Where a piece ends: not between the two halves of a character. */
function pieceEnd(text: string, end: number): number {
  if (end >= text.length) return text.length;
  const last = text.charCodeAt(end - 1);
  return last >= 0xd800 && last < 0xdc00 ? end - 1 : end;
}
