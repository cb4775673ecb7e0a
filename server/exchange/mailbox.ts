/**
 * Messages on their way to one client's event stream. A stream may be away, slow, or lost in the
 * middle of a message; what was not handed to it is kept, within bounds, for the next one.
 *
 * Guarantees: an answer is never dropped without a trace. When the bounds are exceeded, messages that
 * were sent go first, then notifications, then the longest-kept answers shrink to an error that says
 * so. Not guaranteed: a message that was handed to the operating system for a client that died at that
 * moment; a client that names the last event it saw (`Last-Event-ID`) gets that one again, too.
 *
 * @module
 */

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
  /** In characters, near enough to bytes. */
  maxBytes: number;
  /** Whether messages wait when there is no reader. Otherwise they are dropped. */
  keep: boolean;
}

interface Kept {
  seq: number;
  text: string;
  /** JSON text of the id this answers; undefined for a notification. */
  answerTo: string | undefined;
  sent: boolean;
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
  #finished = false;

  constructor(options: MailboxOptions) {
    this.#options = options;
  }

  /** Whether somebody reads. */
  get attached(): boolean {
    return this.#reader !== undefined;
  }

  /** Whether nothing more will come and everything was taken. */
  get done(): boolean {
    return this.#finished && !this.#events.some((event) => !event.sent);
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
    if (this.#finished || (this.#reader === undefined && !this.#options.keep)) return;
    this.#events.push({ seq: ++this.#lastSeq, text, answerTo, sent: false });
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
    if (lastSeen !== undefined) {
      for (const event of this.#events) event.sent = event.seq <= lastSeen;
    }
    this.#reader = reader;
    if (this.#events.some((event) => !event.sent) || this.#finished) reader.wake();
  }

  /** Ends the reading. What was taken last may not have arrived: it is sent again to the next reader. */
  detach(reader: MailboxReader): void {
    if (this.#reader !== reader) return;
    this.#reader = undefined;
    this.#takeBack();
    if (!this.#options.keep) this.#clear();
  }

  /** Takes everything not taken yet. Asking again says that what was taken before went out. */
  take(reader: MailboxReader): MailboxEvent[] {
    if (this.#reader !== reader) return [];
    const fresh = this.#events.filter((event) => !event.sent);
    this.#unconfirmedFrom = fresh[0]?.seq;
    for (const event of fresh) event.sent = true;
    if (!this.#options.keep) this.#clear();
    return fresh;
  }

  #takeBack(): void {
    const from = this.#unconfirmedFrom;
    this.#unconfirmedFrom = undefined;
    if (from === undefined) return;
    for (const event of this.#events) if (event.seq >= from) event.sent = false;
  }

  #clear(): void {
    this.#events = [];
    this.#bytes = 0;
  }

  #enforceBounds(): void {
    const { maxEvents, maxBytes } = this.#options;
    let count = this.#events.length;
    const tooMuch = () => count > maxEvents || this.#bytes > maxBytes;
    const drop = (mayDrop: (event: Kept) => boolean) => {
      this.#events = this.#events.filter((event) => {
        if (!tooMuch() || !mayDrop(event)) return true;
        this.#bytes -= event.text.length;
        count--;
        return false;
      });
    };
    if (!tooMuch()) return;
    drop((event) => event.sent);
    drop((event) => event.answerTo === undefined);
    for (const event of this.#events) {
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
