/**
 * One request over HTTP and what is read until its answer: a JSON object, or a stream of events that
 * carries other messages before it. The same in every revision; only the legacy ones have streams that
 * can be taken up where they broke off.
 *
 * @module
 */

import { settlesWithin } from "../protocol/deadline.ts";
import { AichakuError, excerpt } from "./errors.ts";
import { type HttpWire, isEventStream } from "./http_wire.ts";
import { type Incoming, isObject, type JsonObject, readIncoming } from "./jsonrpc.ts";
import { delay } from "./scope.ts";
import { readServerSentEvents, type ServerSentEvent } from "./sse.ts";
import { NotSent, type Progress } from "./transport.ts";

/** A request under way. */
export interface Exchange {
  id: number;
  method: string;
  onProgress: ((progress: Progress) => void) | undefined;
  /** Breaks it off. */
  controller: AbortController;
}

/** What the server says beside answers. */
export type Unasked = Incoming & { kind: "request" | "notification" };

/** Options of {@linkcode readAnswer}. */
export interface ReadAnswerOptions {
  wire: HttpWire;
  /** Told what comes before the answer. Must not throw. */
  onUnasked(message: Unasked): void;
  /** Whether a stream that broke off is asked for again: in sessions only. */
  resumes: boolean;
}

/** Milliseconds in which a stream may end by itself after the answer, so that its connection can be
 * used again. */
const STREAM_END_MS = 100;
/** Milliseconds before a stream that broke off is asked for again; the server can set it. */
const DEFAULT_RETRY_MS = 500;
const MIN_RETRY_MS = 50;
const MAX_RETRY_MS = 10_000;

/**
 * Reads until the answer to a request.
 *
 * @throws {AichakuError} when it is an error, when it is none, or when the response breaks off.
 */
export async function readAnswer(
  response: Response,
  exchange: Exchange,
  options: ReadAnswerOptions,
): Promise<JsonObject> {
  if (isEventStream(response)) return await readStreams(response, exchange, options);
  const { wire } = options;
  const { method, id, controller: { signal } } = exchange;
  const type = response.headers.get("content-type") ?? "of no type";
  if (!type.startsWith("application/json")) {
    await response.body?.cancel();
    throw wire.protocolError(method, `it is ${type}, neither JSON nor an event stream`);
  }
  let body: string;
  try {
    body = await response.text();
  } catch (error) {
    throw wire.lost(error, { method, signal });
  }
  const result = onMessage(body, exchange, options);
  if (result !== undefined) return result;
  throw wire.protocolError(method, `no answer to request ${id}: ${excerpt(body)}`);
}

/** Reads a stream, and where it breaks off, what the server kept of it, until the answer. */
async function readStreams(
  first: Response,
  exchange: Exchange,
  options: ReadAnswerOptions,
): Promise<JsonObject> {
  const { wire, resumes } = options;
  const { method, controller: { signal } } = exchange;
  let response = first;
  let lastEventId = "";
  let retryMs = DEFAULT_RETRY_MS;
  while (true) {
    const events = readServerSentEvents(response.body ?? new Blob([]).stream(), {
      onRetry: (ms) => retryMs = Math.min(Math.max(ms, MIN_RETRY_MS), MAX_RETRY_MS),
      onId: (id) => lastEventId = id,
    });
    const result = await readEvents(events, exchange, options);
    if (result !== undefined) return result;
    // Without an id there is nothing to ask for ("Resumability and Redelivery").
    if (!resumes || lastEventId === "") throw wire.lost(undefined, { method, signal });
    await delay(retryMs, signal);
    response = await wire.resume(lastEventId, { method, signal });
  }
}

/** Reads a stream to the answer; undefined when it ends or breaks before. */
async function readEvents(
  events: AsyncGenerator<ServerSentEvent, void, void>,
  exchange: Exchange,
  options: ReadAnswerOptions,
): Promise<JsonObject | undefined> {
  const { method, controller } = exchange;
  while (true) {
    let next: IteratorResult<ServerSentEvent, void>;
    try {
      next = await events.next();
    } catch (error) {
      if (controller.signal.aborted) throw controller.signal.reason;
      if (error instanceof RangeError) throw options.wire.protocolError(method, error.message);
      return undefined;
    }
    if (next.done) return undefined;
    // An event without data only carries an id to resume from.
    if (next.value.type !== "message" || next.value.data === "") continue;
    let answered = true;
    try {
      const result = onMessage(next.value.data, exchange, options);
      answered = result !== undefined;
      if (answered) return result;
    } finally {
      if (answered) options.wire.inBackground(letEnd(events, controller));
    }
  }
}

/**
 * What one message means for a request: its result, or undefined when it is not the answer.
 *
 * @throws {AichakuError} when it is an error, or unreadable.
 */
function onMessage(
  text: string,
  { id, method }: Exchange,
  { wire, onUnasked }: ReadAnswerOptions,
): JsonObject | undefined {
  const message = readIncoming(text);
  switch (message.kind) {
    case "response":
      return message.id === id ? message.result : undefined;
    case "error":
      if (message.id === id || message.id === undefined) throw message.error;
      return undefined;
    case "invalid":
      throw wire.protocolError(method, message.why);
    default:
      onUnasked(message);
      return undefined;
  }
}

/** Lets a stream end by itself for a moment, then breaks it off. */
async function letEnd(
  events: AsyncGenerator<ServerSentEvent, void, void>,
  controller: AbortController,
): Promise<void> {
  const ended = (async () => {
    while (!(await events.next()).done);
  })();
  if (!(await settlesWithin(ended, STREAM_END_MS))) controller.abort();
}

/**
 * A daemon that says of a request that it stops, or that it restarted, says it of the connection: the next
 * call looks for it anew. Where it names a server, that one stops, and the session goes on: another one
 * would have lost what other servers keep for it.
 *
 * @returns what to throw: {@linkcode NotSent} where the request was refused and not executed.
 */
export function readDraining(error: unknown, wire: HttpWire): unknown {
  if (!(error instanceof AichakuError) || error.reason !== "draining") return error;
  const data = isObject(error.data) ? error.data : {};
  if (data.server === undefined) wire.ended ??= error;
  return data.retryable === true ? new NotSent(error) : error;
}
