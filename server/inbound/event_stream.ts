/**
 * A mailbox as the body of a Server-Sent Events response. Pull-driven: a message leaves the mailbox
 * only when the connection has room for it, so a slow reader's memory is the mailbox's bound; and the
 * mailbox hears that it went out only when the connection has asked for what comes after its last byte.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { SSE_KEEP_ALIVE, sseText } from "../../protocol/sse.ts";
import type { Mailbox, MailboxReader } from "../exchange/mailbox.ts";

/** Options of {@linkcode eventStreamResponse}. */
export interface EventStreamOptions {
  mailbox: Mailbox;
  clock: Clock;
  /** More response headers. */
  headers?: Record<string, string>;
  /** Text sent before anything else. */
  greeting?: string;
  /** Gives events an id by their number, so that a client can name the last one it has seen. */
  eventId?: (seq: number) => string;
  /** Number of the last event the client has seen. */
  lastSeen?: number;
  /** The reader is gone, for whatever reason; called once. */
  onClose?: () => void;
  /** Milliseconds of silence between comments. Default 15,000. */
  keepAliveMs?: number;
}

/**
 * Bytes handed to the connection at once. Deno takes a piece of any size into its buffer and asks for
 * the next at once, so that a long message given whole would count as sent while nobody reads it.
 */
const PIECE = 64 * 1024;

/** Headers of every event stream. */
export const EVENT_STREAM_HEADERS: Record<string, string> = {
  "content-type": "text/event-stream",
  // No-transform also keeps older Deno from compressing, which would hold events back.
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/** The response that reads `mailbox` until it is finished or the client leaves. */
export function eventStreamResponse(options: EventStreamOptions): Response {
  return new Response(eventStream(options), {
    headers: { ...EVENT_STREAM_HEADERS, ...options.headers },
  });
}

function eventStream(options: EventStreamOptions): ReadableStream<Uint8Array> {
  const { mailbox, clock, greeting, eventId, lastSeen, onClose, keepAliveMs = 15_000 } = options;
  const encoder = new TextEncoder();
  let pending = greeting ?? "";
  /** What was taken from the mailbox and not handed to the connection yet. */
  let rest = new Uint8Array();
  let wake: PromiseWithResolvers<void> | undefined;
  let superseded = false;
  let closed = false;

  const reader: MailboxReader = {
    wake: () => wake?.resolve(),
    superseded() {
      superseded = true;
      wake?.resolve();
    },
  };

  function close(): void {
    if (closed) return;
    closed = true;
    wake?.resolve();
    mailbox.detach(reader);
    onClose?.();
  }

  return new ReadableStream<Uint8Array>({
    start() {
      mailbox.attach(reader, lastSeen);
    },
    async pull(controller) {
      while (!closed && !superseded) {
        if (rest.length > 0) {
          controller.enqueue(rest.subarray(0, PIECE));
          rest = rest.subarray(PIECE);
          return;
        }
        for (const { seq, text } of mailbox.take(reader)) {
          pending += sseText({ data: text, id: eventId?.(seq) });
        }
        if (pending !== "") {
          rest = encoder.encode(pending);
          pending = "";
          continue;
        }
        if (mailbox.done) break;
        wake = Promise.withResolvers();
        using _keepAlive = clock.after(keepAliveMs, () => {
          pending = SSE_KEEP_ALIVE;
          wake?.resolve();
        });
        await wake.promise;
        wake = undefined;
      }
      if (closed) return;
      close();
      controller.close();
    },
    cancel: close,
  }, { highWaterMark: 0 });
}
