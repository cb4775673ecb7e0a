/**
 * Messages on their way to one client's event stream. A stream may be away, slow, or lost in the
 * middle of a message; what was not handed to it is kept, within bounds, for the next one.
 *
 * Guarantees: an answer is never dropped without a trace. When the bounds are exceeded, messages that
 * went out go first, then notifications, then the longest-kept answers shrink to an error that says so;
 * whoever posts answers asks {@linkcode Mailbox.full} before there are more of them than the bounds
 * allow. Not guaranteed: a message that was handed to the operating system for a client that died at
 * that moment; a client that names the last event it saw (`Last-Event-ID`) gets that one again, too.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { Fault } from "../../protocol/errors.ts";

/** One message of a stream. */
export interface MailboxEvent {
  /** Counts up from 1 within the mailbox. */
  readonly seq: number;
  readonly text: string;
}

/** Who reads a mailbox; at most one at a time. */
export interface MailboxReader {
  /** There is something to take, or the mailbox is finished. */
  wake(): void;
  /** Another reader has taken over; nothing more will come. */
  superseded(): void;
}

/** Bounds of a mailbox. */
export interface MailboxOptions {
  maxEvents: number;
  /** In characters, near enough to bytes. A reader that is there is given a longer message as well. */
  maxBytes: number;
  /** The same for what is kept while there is no reader, or was sent already. Default `maxBytes`. */
  maxBytesAway?: number;
  /** Whether messages wait when there is no reader. Otherwise they are dropped. */
  keep: boolean;
  /**
   * How long before the end of a reader what it took counts as not arrived, by this clock. A connection
   * whose other end has died takes messages for a moment. Default: only what it took last.
   */
  doubt?: { clock: Clock; ms: number };
}

interface Kept {
  seq: number;
  text: string;
  /** JSON text of the id this answers; undefined for a notification. */
  answerTo: string | undefined;
  sent: boolean;
  /** When it was taken last; 0 without a clock. */
  takenAt: number;
}

/** A bounded queue of messages for one client. */
export class Mailbox {
  readonly #options: MailboxOptions;
  #events: Kept[] = [];
  #bytes = 0;
  #lastSeq = 0;
  #reader: MailboxReader | undefined;
  /** First event of the last `take`, until the next one proves that it went out. */
  #unconfirmedFrom: number | undefined;
  /** The highest number ever handed out. */
  #lastTaken = 0;
  #finished = false;
  #keep: boolean;
  /** Told when somebody begins to read. */
  onAttached: (() => void) | undefined;
  /** Told when nobody reads any more. */
  onDetached: (() => void) | undefined;

  constructor(options: MailboxOptions) {
    this.#options = options;
    this.#keep = options.keep;
  }

  /** From now on, messages wait while there is no reader. */
  keepFromNow(): void {
    this.#keep = true;
  }

  /** Whether somebody reads. */
  get attached(): boolean {
    return this.#reader !== undefined;
  }

  /** Whether nothing more will come and everything was taken. */
  get done(): boolean {
    return this.#finished && !this.#events.some((event) => !event.sent);
  }

  /** Messages that nobody has taken. */
  get waiting(): number {
    return this.#waiting().length;
  }

  /** Whether an answer waits that nobody has taken. */
  get keepsAnswer(): boolean {
    return this.#events.some(({ sent, answerTo }) => !sent && answerTo !== undefined);
  }

  /** Whether so much waits that whoever asks for more answers should be refused. */
  get full(): boolean {
    const { maxEvents, maxBytes } = this.#options;
    const waiting = this.#waiting();
    return waiting.length >= maxEvents || lengthOf(waiting) >= maxBytes;
  }

  /** Characters held. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Adds a message.
   *
   * @param answerTo JSON text of the id it answers; leave out for notifications.
   */
  post(text: string, answerTo?: string): void {
    if (this.#finished || (this.#reader === undefined && !this.#keep)) return;
    this.#events.push({ seq: ++this.#lastSeq, text, answerTo, sent: false, takenAt: 0 });
    this.#bytes += text.length;
    this.#enforceBounds();
    this.#reader?.wake();
  }

  /** Nothing more will be posted; the reader ends when it has taken everything. */
  finish(): void {
    this.#finished = true;
    this.#reader?.wake();
  }

  /**
   * Begins to read; a reader before it is superseded.
   *
   * @param lastSeen Sequence number of the last event the client has seen, when it says so: everything
   * after it is sent again.
   */
  attach(reader: MailboxReader, lastSeen?: number): void {
    const before = this.#reader;
    this.#reader = undefined;
    if (before !== undefined) {
      this.#takeBack();
      before.superseded();
    }
    // A number that was never handed out is of another mailbox: a session that ended and began again
    // under the client's own id.
    if (lastSeen !== undefined && lastSeen <= this.#lastTaken) {
      for (const event of this.#events) event.sent = event.seq <= lastSeen;
    }
    this.#reader = reader;
    if (this.#events.some((event) => !event.sent) || this.#finished) reader.wake();
    this.onAttached?.();
  }

  /** Ends the reading. What was taken last may not have arrived: it is sent again to the next reader. */
  detach(reader: MailboxReader): void {
    if (this.#reader !== reader) return;
    this.#reader = undefined;
    this.#takeBack();
    if (this.#keep) this.#enforceBounds();
    else this.#clear();
    this.onDetached?.();
  }

  /** Takes everything not taken yet. Asking again says that what was taken before went out. */
  take(reader: MailboxReader): MailboxEvent[] {
    if (this.#reader !== reader) return [];
    const fresh = this.#waiting();
    this.#unconfirmedFrom = fresh[0]?.seq;
    const now = this.#now();
    for (const event of fresh) {
      event.sent = true;
      event.takenAt = now;
      this.#lastTaken = Math.max(this.#lastTaken, event.seq);
    }
    if (this.#keep) this.#enforceBounds();
    else this.#clear();
    return fresh;
  }

  #waiting(): Kept[] {
    return this.#events.filter((event) => !event.sent);
  }

  #takeBack(): void {
    const from = this.#unconfirmedFrom;
    this.#unconfirmedFrom = undefined;
    const sure = this.#now() - (this.#options.doubt?.ms ?? 0);
    for (const event of this.#events) {
      const isInDoubt = this.#options.doubt !== undefined && event.takenAt > sure;
      if (isInDoubt || (from !== undefined && event.seq >= from)) event.sent = false;
    }
  }

  #now(): number {
    return this.#options.doubt?.clock.now() ?? 0;
  }

  #clear(): void {
    this.#events = [];
    this.#bytes = 0;
  }

  #enforceBounds(): void {
    const { maxEvents, maxBytes, maxBytesAway = maxBytes } = this.#options;
    const from = this.#unconfirmedFrom ?? Infinity;
    const isInTransit = (event: Kept) => event.sent && event.seq >= from;
    // What is on its way is not counted: it cannot be had back by dropping it.
    const inTransit = this.#events.filter(isInTransit);
    const bytesInTransit = lengthOf(inTransit);
    let count = this.#events.length - inTransit.length;
    let limit = maxBytesAway;
    const tooMuch = () => count > maxEvents || this.#bytes - bytesInTransit > limit;
    const drop = (mayDrop: (event: Kept) => boolean) => {
      this.#events = this.#events.filter((event) => {
        if (!tooMuch() || !mayDrop(event)) return true;
        this.#bytes -= event.text.length;
        count--;
        return false;
      });
    };
    if (!tooMuch()) return;
    drop((event) => event.sent && !isInTransit(event));
    if (this.#reader !== undefined) limit = maxBytes;
    const waiting = this.#waiting();
    // The bounds are for what piles up, not for how long one message is.
    if (this.#reader !== undefined && waiting.length === 1) return;
    drop((event) => !event.sent && event.answerTo === undefined);
    for (const event of waiting) {
      if (!tooMuch()) return;
      if (event.answerTo !== undefined) this.#shrink(event, event.answerTo);
    }
  }

  #shrink(event: Kept, answerTo: string): void {
    const fault = new Fault(
      "overloaded",
      `An answer of ${event.text.length} characters was dropped: its event stream was away or too ` +
        `slow, and too much was waiting for it`,
      { retryable: false },
    );
    const text = fault.toResponseText(answerTo);
    if (text.length >= event.text.length) return;
    this.#bytes += text.length - event.text.length;
    event.text = text;
  }
}

function lengthOf(events: readonly Kept[]): number {
  return events.reduce((sum, event) => sum + event.text.length, 0);
}
