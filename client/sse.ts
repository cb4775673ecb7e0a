/**
 * Server-Sent Events of a response, one after the other. How they are read is
 * `protocol/sse_parser.ts`: to the letter of WHATWG HTML, 9.2.6.
 *
 * Guarantees: each event as soon as the line end of its blank line is there; one that no blank line
 * finished is none; a stream that never ends its event costs bounded memory.
 *
 * @module
 */

import { type SseEvent, SseParser } from "../protocol/sse_parser.ts";

/** One event. */
export type ServerSentEvent = SseEvent;

/** Options of {@linkcode readServerSentEvents}. */
export interface ReadOptions {
  /**
   * Largest event, in UTF-16 code units of its data.
   *
   * @default {67_108_864} (the largest message a server may send)
   */
  maxLength?: number;
  /** Told the reconnection time in milliseconds whenever the server sets it. */
  onRetry?: (ms: number) => void;
  /** Told the last event id whenever a block ends that set it, with data or without. */
  onId?: (lastEventId: string) => void;
}

const DEFAULT_MAX_LENGTH = 64 * 1024 * 1024;

/**
 * The events of a stream of bytes. Leaving the loop early cancels the stream; an error of the stream is
 * thrown as it is.
 *
 * @throws {RangeError} at the end of an event that is larger than `maxLength`.
 */
export async function* readServerSentEvents(
  body: ReadableStream<Uint8Array>,
  { maxLength = DEFAULT_MAX_LENGTH, onRetry, onId }: ReadOptions = {},
): AsyncGenerator<ServerSentEvent, void, void> {
  const ready: ServerSentEvent[] = [];
  let isTooLarge = false;
  const parser = new SseParser({
    maxLength,
    onEvent(event) {
      // After one that is lost, the order of the rest means nothing.
      if (!isTooLarge) ready.push(event);
    },
    onOversize: () => isTooLarge = true,
    onRetry,
    onId,
  });
  for await (const chunk of body) {
    parser.push(chunk);
    yield* ready.splice(0);
    if (isTooLarge) {
      throw new RangeError(
        `Cannot read the event stream: an event is larger than ${maxLength} characters`,
      );
    }
  }
}
