/**
 * Reading Server-Sent Events to the letter of WHATWG HTML, 9.2.6 ("Interpreting an event stream"): bytes
 * in any chunks to whole events, each as soon as the line end of its blank line is there.
 *
 * Guarantees: linear time, however the stream is cut; a peer that never ends its event costs at most the
 * cap, and an event beyond it is dropped alone, the ones after it are read. An event that no blank line
 * has finished is never told.
 *
 * @module
 */

import type { LineEnds } from "./ndjson.ts";

/** One event. */
export interface SseEvent {
  /** Its name; `message` when it has none. */
  type: string;
  data: string;
  /** The last id seen on this stream, this event's included; empty when there was none. */
  lastEventId: string;
}

/** Options of {@linkcode SseParser}. */
export interface SseParserOptions {
  /** Most data of one event, in UTF-16 code units. About twice as much is held at most. */
  maxLength: number;
  onEvent(event: SseEvent): void;
  /** Told at the end of every event that was too large: the first and last 200 characters of its data. */
  onOversize(ends: LineEnds): void;
  /** Told the last event id whenever a block ends that set it, with data or without. */
  onId?(lastEventId: string): void;
  /** Told the reconnection time in milliseconds whenever the stream sets it. */
  onRetry?(ms: number): void;
}

/** Characters kept at each end of a dropped event. */
const KEPT = 200;
/** How much longer than the cap an unfinished line may be: for its name, and so that its ends are whole. */
const LINE_SLACK = 1000;
/** Characters of `data: `, which are not part of the data. */
const PREFIX = "data: ".length;

/** The events of one stream. */
export class SseParser {
  // Deno 2.9.6 drops a byte order mark at the start of every chunk otherwise, not only of the first.
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #options: SseParserOptions;
  #atStart = true;
  /** Whether the last line ended in CR: an LF that follows belongs to that line end. */
  #afterCr = false;
  /** Pieces of the unfinished line: joined once, so that a long line costs linear time. */
  #pieces: string[] = [];
  #lineLength = 0;
  /** The ends of the unfinished line, once it is too long. */
  #longLine: LineEnds | undefined;
  #data: string[] = [];
  #dataLength = 0;
  #type = "";
  #id = "";
  #idIsNew = false;
  /** The ends of the event's data, once it is too large. */
  #dropped: LineEnds | undefined;

  constructor(options: SseParserOptions) {
    this.#options = options;
  }

  /** Takes the next bytes. They are not kept: the caller may reuse its buffer. */
  push(chunk: Uint8Array): void {
    let text = this.#decoder.decode(chunk, { stream: true });
    if (text === "") return;
    if (this.#atStart) {
      this.#atStart = false;
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    let start = this.#afterCr && text.charCodeAt(0) === 10 ? 1 : 0;
    if (text !== "") this.#afterCr = false;
    // Each is searched for once, not again for every line: most streams have no CR at all.
    let lf = text.indexOf("\n", start);
    let cr = text.indexOf("\r", start);
    while (lf !== -1 || cr !== -1) {
      const end = cr === -1 || (lf !== -1 && lf < cr) ? lf : cr;
      this.#endLine(text.slice(start, end));
      start = end + 1;
      if (end === cr) {
        if (start === text.length) this.#afterCr = true;
        else if (lf === start) start++;
        cr = text.indexOf("\r", start);
      }
      if (lf !== -1 && lf < start) lf = text.indexOf("\n", start);
    }
    if (start < text.length) this.#hold(text.slice(start));
  }

  #hold(piece: string): void {
    if (this.#longLine !== undefined) {
      this.#longLine.tail = last(this.#longLine.tail + piece);
      return;
    }
    this.#pieces.push(piece);
    this.#lineLength += piece.length;
    if (this.#lineLength <= this.#options.maxLength + LINE_SLACK) return;
    const line = this.#takeLine();
    this.#longLine = { head: line.slice(0, KEPT + PREFIX), tail: last(line) };
  }

  #endLine(rest: string): void {
    if (this.#longLine !== undefined) {
      const { head, tail } = this.#longLine;
      this.#longLine = undefined;
      return this.#endLongLine({ head, tail: last(tail + rest) });
    }
    const line = this.#pieces.length === 0 ? rest : this.#takeLine() + rest;
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return;
    if (colon === -1) return this.#field(line, "");
    const value = line.charCodeAt(colon + 1) === 32 ? colon + 2 : colon + 1;
    this.#field(line.slice(0, colon), line.slice(value));
  }

  /** A line beyond the cap: only its data is missed, not what it is called or was a comment. */
  #endLongLine({ head, tail }: LineEnds): void {
    const [prefix] = /^data: ?/.exec(head) ?? [];
    if (prefix === undefined) return;
    this.#drop({ head: head.slice(prefix.length, prefix.length + KEPT), tail });
  }

  #field(name: string, value: string): void {
    switch (name) {
      case "data":
        if (this.#dropped !== undefined) return this.#drop(endsOf(value));
        this.#data.push(value);
        this.#dataLength += value.length + 1;
        if (this.#dataLength - 1 > this.#options.maxLength) this.#drop({ head: "", tail: "" });
        return;
      case "event":
        this.#type = value;
        return;
      case "id":
        if (value.includes("\0")) return;
        this.#id = value;
        this.#idIsNew = true;
        return;
      case "retry":
        if (/^[0-9]+$/.test(value)) this.#options.onRetry?.(Number(value));
        return;
    }
  }

  #dispatch(): void {
    const { onId, onEvent, onOversize } = this.#options;
    const [type, data, dropped] = [this.#type, this.#data, this.#dropped];
    this.#type = "";
    this.#data = [];
    this.#dataLength = 0;
    this.#dropped = undefined;
    if (this.#idIsNew) {
      this.#idIsNew = false;
      onId?.(this.#id);
    }
    if (dropped !== undefined) return onOversize(dropped);
    if (data.length === 0) return;
    onEvent({ type: type || "message", data: data.join("\n"), lastEventId: this.#id });
  }

  /** Lets go of the event's data, all but the ends. @param more What comes after the data so far. */
  #drop(more: LineEnds): void {
    const before = this.#dropped ?? endsOf(this.#data.join("\n"));
    this.#data = [];
    this.#dataLength = 0;
    this.#dropped = {
      head: before.head === "" ? more.head : before.head,
      tail: more.tail === "" ? before.tail : last(`${before.tail}\n${more.tail}`),
    };
  }

  #takeLine(): string {
    const line = this.#pieces.join("");
    this.#pieces = [];
    this.#lineLength = 0;
    return line;
  }
}

function endsOf(text: string): LineEnds {
  return { head: text.slice(0, KEPT), tail: last(text) };
}

function last(text: string): string {
  return text.slice(-KEPT);
}
