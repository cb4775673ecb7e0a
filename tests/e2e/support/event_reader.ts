/**
 * Reading a stream of Server-Sent Events one event at a time.
 *
 * @module
 */

import { ServerSentEventParseStream } from "@std/http";
import { within } from "./within.ts";

/** One event; comments are left out. */
export interface ReceivedEvent {
  event?: string;
  id?: string;
  data: string;
}

/** Reads the body of one response. */
export class EventReader implements AsyncDisposable {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<{ event?: string; id?: string; data?: string }>;
  /** A read under way that nobody waits for any more. */
  #pending: Promise<ReceivedEvent | undefined> | undefined;

  constructor(response: Response) {
    this.response = response;
    this.#reader = response.body!.pipeThrough(new ServerSentEventParseStream()).getReader();
  }

  /** The next event; undefined when the stream ended. Fails when neither happens in time. */
  async next(what = "the next event"): Promise<ReceivedEvent | undefined> {
    const reading = this.#pending ?? this.#read();
    this.#pending = reading;
    // When this wait is over without it, nobody may be left to hear that it failed.
    reading.catch(() => {});
    const event = await within(reading, what);
    this.#pending = undefined;
    return event;
  }

  /** The next event's JSON-RPC message. */
  // deno-lint-ignore no-explicit-any
  async nextMessage(what = "the next message"): Promise<any> {
    const event = await this.next(what);
    if (event === undefined) throw new Error(`The stream ended before ${what}`);
    return JSON.parse(event.data);
  }

  /** Every message until the end. */
  // deno-lint-ignore no-explicit-any
  async rest(): Promise<any[]> {
    const messages = [];
    for (let event = await this.next(); event !== undefined; event = await this.next()) {
      messages.push(JSON.parse(event.data));
    }
    return messages;
  }

  /** Cuts the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel();
  }

  async #read(): Promise<ReceivedEvent | undefined> {
    while (true) {
      const { value, done } = await this.#reader.read();
      if (done) return undefined;
      const { event, id, data } = value;
      // One without data only says where to resume.
      if (data) return { event, id, data };
    }
  }
}
