/**
 * Reading Server-Sent Events to the letter of the WHATWG HTML specification, section 9.2.6
 * ("Interpreting an event stream").
 *
 * The parsing of fields is `ServerSentEventParseStream`'s, from `@std/http`, which is lenient where the
 * specification is not. What is corrected here, before and after it:
 *
 * - It hands out a last event that no blank line has finished; such an event must be discarded.
 * - It holds back an event whose blank line is a lone CR until more bytes come: an answer would hang.
 * - It searches its whole buffer again with every chunk: quadratic for one large event.
 * - It hands out blocks without data; they set the last event id and the retry time, but are no events.
 * - The last event id is not carried from one event to the next.
 * - Where the runtime's `TextDecoder` drops every byte order mark that begins a chunk (Deno 2.9.6; not
 *   2.7.11, Node, Bun), so does it. Only the first one of the stream is to be dropped.
 *
 * So line ends become LF and only whole blocks are passed on to it, each in one piece.
 *
 * @module
 */

import { ServerSentEventParseStream } from "@std/http";

/** One event. */
export interface ServerSentEvent {
  /** Its name; `message` when it has none. */
  type: string;
  data: string;
  /** The last id seen on this stream, this event's included; empty when there was none. */
  lastEventId: string;
}

/** Options of {@linkcode readServerSentEvents}. */
export interface ReadOptions {
  /**
   * Largest event, in bytes with its field names.
   *
   * @default {67_108_864} (64 MiB, the largest message a server may send)
   */
  maxEventBytes?: number;
  /** Told the reconnection time in milliseconds whenever the server sets it. */
  onRetry?: (ms: number) => void;
  /** Told the last event id when a block without data changes it; events carry their own. */
  onId?: (lastEventId: string) => void;
}

const LF = 10;
const CR = 13;
/** A line that means nothing; keeps a byte order mark away from the beginning of a chunk. */
const EMPTY_COMMENT = new Uint8Array([0x3a, LF]);
const DEFAULT_MAX_EVENT_BYTES = 64 * 1024 * 1024;

/**
 * The events of a stream of bytes, each as soon as the line end of its blank line is there. Leaving the
 * loop early cancels the stream; an error of the stream is thrown as it is.
 *
 * @throws {RangeError} when an event is larger than `maxEventBytes`.
 */
export async function* readServerSentEvents(
  body: ReadableStream<Uint8Array>,
  options: ReadOptions = {},
): AsyncGenerator<ServerSentEvent, void, void> {
  const { maxEventBytes = DEFAULT_MAX_EVENT_BYTES, onRetry, onId } = options;
  // A name that no server can send: marks the block that the end of the stream cut off.
  const unfinished = crypto.randomUUID();
  const blocks = body
    .pipeThrough(wholeBlocks({ maxBytes: maxEventBytes, unfinished }))
    .pipeThrough(new ServerSentEventParseStream({ ignoreComments: true }));
  let lastEventId = "";
  for await (const block of blocks) {
    // "Set the reconnection time" happens line by line, finished block or not.
    if (block.retry !== undefined) onRetry?.(block.retry);
    if (block.event === unfinished) return;
    if (block.id !== undefined) {
      lastEventId = block.id;
      onId?.(lastEventId);
    }
    if (block.data === undefined) continue;
    yield { type: block.event || "message", data: block.data, lastEventId };
  }
}

interface WholeBlocksOptions {
  maxBytes: number;
  unfinished: string;
}

/** Bytes to whole blocks (blank line included), with every line end turned into LF. */
function wholeBlocks(
  { maxBytes, unfinished }: WholeBlocksOptions,
): TransformStream<Uint8Array, Uint8Array> {
  /** The block that has no blank line yet. */
  let held: Uint8Array[] = [];
  let heldLength = 0;
  let isFirst = true;
  let afterCr = false;
  // A byte order mark makes the first line look filled. That joins an empty first block to the next
  // one, which changes nothing: the parser sees the blank line between them.
  let lineIsEmpty = true;

  return new TransformStream({
    transform(chunk, controller) {
      const bytes = new Uint8Array(chunk.length);
      let length = 0;
      let finished = 0;
      for (const byte of chunk) {
        if (byte === LF && afterCr) {
          afterCr = false;
          continue;
        }
        afterCr = byte === CR;
        if (byte !== LF && byte !== CR) {
          bytes[length++] = byte;
          lineIsEmpty = false;
          continue;
        }
        bytes[length++] = LF;
        if (lineIsEmpty) finished = length;
        lineIsEmpty = true;
      }
      if (finished > 0) {
        hold(bytes.subarray(0, finished));
        controller.enqueue(takeHeld());
        hold(bytes.subarray(finished, length));
      } else {
        hold(bytes.subarray(0, length));
      }
      if (heldLength > maxBytes) {
        throw new RangeError(
          `Cannot read the event stream: an event is larger than ${maxBytes} bytes`,
        );
      }
    },
    flush(controller) {
      const rest = takeHeld();
      const lines = rest.subarray(0, rest.lastIndexOf(LF) + 1);
      if (lines.length === 0) return;
      controller.enqueue(lines);
      controller.enqueue(new TextEncoder().encode(`event: ${unfinished}\n\n`));
    },
  });

  function hold(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    held.push(bytes);
    heldLength += bytes.length;
  }

  function takeHeld(): Uint8Array {
    const pieces = isFirst || !startsWithBom(held) ? held : [EMPTY_COMMENT, ...held];
    const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let offset = 0;
    for (const piece of pieces) {
      all.set(piece, offset);
      offset += piece.length;
    }
    held = [];
    heldLength = 0;
    isFirst = false;
    return all;
  }
}

/** Whether the bytes begin with a byte order mark, wherever they were cut. */
function startsWithBom(pieces: readonly Uint8Array[]): boolean {
  const head: number[] = [];
  for (const piece of pieces) {
    head.push(...piece.subarray(0, 3));
    if (head.length >= 3) break;
  }
  return head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf;
}
