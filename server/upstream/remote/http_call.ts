/**
 * One request over Streamable HTTP, from its POST to its answer: as JSON, on an event stream, or on the
 * streams that continue it. Source: MCP 2025-11-25, basic/transports, "Sending Messages to the Server",
 * "Resumability and Redelivery".
 *
 * Guarantees: the request is sent again only when the server certainly did not execute it.
 *
 * @module
 */

import { pause } from "../../../platform/pause.ts";
import { ask } from "./attempts.ts";
import { isEventStream, NoResponse } from "./endpoint.ts";
import { readEventStream, readText } from "./event_stream.ts";
import type { HttpSession } from "./http_session.ts";
import { errorLine } from "./incoming.ts";
import type { RemoteContext } from "./options.ts";
import type { Outgoing } from "./outgoing.ts";
import { type Backoff, backoffMs } from "./backoff.ts";
import { readRefusal, type Refusal } from "./refusal.ts";
import { statusText, type Trouble } from "./trouble.ts";

/** A request that has no answer yet. */
export interface HttpCall extends Extract<Outgoing, { kind: "request" }> {
  readonly text: string;
  /** Headers with arguments of the tool that it calls. */
  readonly mirrored?: Record<string, string>;
  /** Breaks it off. */
  readonly controller: AbortController;
  /** Whether the server may have it. */
  sent: boolean;
  /** Whether nothing is to be told of it any more: it was answered, lost or given back. */
  settled: boolean;
}

/** Options of {@linkcode runCall}. */
export interface HttpCallOptions extends RemoteContext {
  session: HttpSession;
  /** Takes what the server says; settles the calls that it answers. */
  onText(text: string): void;
  /** The server has taken the request, or refused it. */
  onTaken(): void;
  /** Whether the server may have the request has changed. */
  onSent(): void;
}

/** How a call ended. */
export type HttpCallEnd =
  | { type: "settled" }
  | { type: "lost"; trouble: Trouble }
  /** The server knows the session no more. `trouble`: and the call may have been executed before. */
  | { type: "forgotten"; trouble: Trouble | undefined }
  /** The server may be one of the transport before this one. */
  | { type: "old transport"; trouble: Trouble };

/** Statuses upon which it may be ("Backwards Compatibility"). */
const OLD_TRANSPORT: readonly number[] = [400, 404, 405];
/** Statuses that concern the way to the server, whatever error stands in the body. */
const OF_THE_WAY: readonly number[] = [401, 403, 407, 429, 503];
/** Milliseconds in which a stream may end by itself after the answer. */
const LINGER_MS = 1000;
/** Attempts in a row to take a stream up again. */
const MAX_RESUMES = 5;
const RESUME: Backoff = { firstMs: 500, maxMs: 10_000 };

/** Makes a request. @throws when its controller is aborted. */
export async function runCall(call: HttpCall, options: HttpCallOptions): Promise<HttpCallEnd> {
  const { session, clock, random } = options;
  const { text, method, modern, controller: { signal } } = call;
  let response: Response | Trouble;
  try {
    const post = { text, signal, modern: modern === undefined ? undefined : { ...call, modern } };
    response = await ask(() => session.post(post), {
      clock,
      random,
      signal,
      what: method,
      origin: session.origin,
      onSent: (sent) => {
        call.sent = sent;
        options.onSent();
      },
    });
  } finally {
    options.onTaken();
  }
  if (!(response instanceof Response)) return { type: "lost", trouble: response };
  if (!response.ok) {
    const refusal = await readRefusal(response, method);
    signal.throwIfAborted();
    return onRefusal(call, { refusal, options });
  }
  if (method === "initialize") session.begin(response);
  else session.served();
  return isEventStream(response)
    ? await readStreams(call, { first: response, options })
    : await readAnswer(call, { response, options });
}

interface Answering {
  response: Response;
  options: HttpCallOptions;
}

/** An answer in one piece. */
async function readAnswer(call: HttpCall, { response, options }: Answering): Promise<HttpCallEnd> {
  const { method } = call;
  const type = response.headers.get("content-type");
  const body = await readText(response, options.maxServerMessageBytes);
  call.controller.signal.throwIfAborted();
  if (body.text === undefined) {
    return body.why === "too long"
      ? invalid(call, "a message that is longer than the limit")
      : lost(`broke off its answer to ${method}`);
  }
  if (type !== null && !/^application\/json\s*(?:;|$)/i.test(type)) {
    return invalid(call, `${statusText(response)} and a body that is not JSON`);
  }
  options.onText(body.text);
  return call.settled
    ? { type: "settled" }
    : invalid(call, `${statusText(response)} and no JSON-RPC response to it`);
}

/** A stream, and where it breaks off, what the server kept of it, until the answer. */
async function readStreams(
  call: HttpCall,
  { first, options }: { first: Response; options: HttpCallOptions },
): Promise<HttpCallEnd> {
  let response = first;
  const place: Place = { lastEventId: "", retryMs: undefined };
  while (true) {
    const isTooLong = await readStream(call, { response, options, place });
    if (call.settled) return { type: "settled" };
    if (isTooLong) return invalid(call, "a message that is longer than the limit");
    call.controller.signal.throwIfAborted();
    const dropped = lost(`dropped the stream of ${call.method} before its answer`);
    // Without an id there is nothing to ask for, and in the modern era nobody to ask.
    if (place.lastEventId === "" || call.modern !== undefined) return dropped;
    const next = await resume(call, { place, options });
    if (call.settled) return { type: "settled" };
    if (next === undefined) return dropped;
    if (next === "forgotten") return { ...dropped, type: "forgotten" };
    response = next;
  }
}

/** Where to go on in a stream that breaks off. */
interface Place {
  lastEventId: string;
  /** Milliseconds to wait before that, where the server says so. */
  retryMs: number | undefined;
}

/** Reads one stream, its end after the answer included. @returns whether a message was too long. */
async function readStream(
  call: HttpCall,
  { response, options, place }: Answering & { place: Place },
): Promise<boolean> {
  const { controller } = call;
  let isTooLong = false;
  let linger: Disposable | undefined;
  try {
    await readEventStream(response, {
      maxLength: options.maxServerMessageBytes,
      onId: (id) => place.lastEventId = id,
      onRetry: (ms) => place.retryMs = ms,
      onEvent: ({ type, data }) => {
        if (type !== "message" || controller.signal.aborted) return;
        options.onText(data);
        if (call.settled) linger ??= options.clock.after(LINGER_MS, () => controller.abort());
      },
      onOversize: () => {
        isTooLong = true;
        controller.abort();
      },
    });
  } finally {
    linger?.[Symbol.dispose]();
  }
  return isTooLong;
}

/** Asks for the rest of a stream; undefined when there is none to be had. */
async function resume(
  call: HttpCall,
  { place: { lastEventId, retryMs }, options }: { place: Place; options: HttpCallOptions },
): Promise<Response | "forgotten" | undefined> {
  const { session, clock, random } = options;
  const { signal } = call.controller;
  for (let attempt = 1; attempt <= MAX_RESUMES; attempt++) {
    const backoff = attempt === 1 && retryMs !== undefined ? 0 : backoffMs(RESUME, attempt, random);
    await pause(clock, Math.max(retryMs ?? 0, backoff), signal);
    // Its answer may have come on another stream meanwhile.
    if (call.settled) return undefined;
    let response: Response;
    try {
      response = await session.get(lastEventId, signal);
    } catch (error) {
      if (error instanceof NoResponse) continue;
      throw error;
    }
    if (response.ok && isEventStream(response)) return response;
    const refusal = await readRefusal(response, call.method);
    if (session.isForgotten(refusal)) return "forgotten";
    if (refusal.status !== 429 && refusal.status < 500) return undefined;
  }
  return undefined;
}

/** A status that says no: the server's own error where there is one, else what the status means. */
function onRefusal(
  call: HttpCall,
  { refusal, options }: { refusal: Refusal; options: HttpCallOptions },
): HttpCallEnd {
  const { id, method, modern } = call;
  const { status, error, trouble } = refusal;
  const isFirst = method === "initialize" || method === "server/discover";
  if (modern === undefined && !isFirst && options.session.isForgotten(refusal)) {
    return { type: "forgotten", trouble: undefined };
  }
  // An error without an id is not known to be about this request; the first one, and those that have a
  // response of their own and no session, can be meant only.
  const isAnswer = error !== undefined && !OF_THE_WAY.includes(status) &&
    (error.id === id || (error.id ?? null) === null && (isFirst || modern !== undefined));
  if (isAnswer) {
    options.onText(errorLine(id, error.error));
    return { type: "settled" };
  }
  if (isFirst && OLD_TRANSPORT.includes(status)) {
    if (method === "initialize") return { type: "old transport", trouble };
    // Not of the modern era: whoever asks reads that from this.
    options.onText(errorLine(id, { code: -32601, message: `it ${trouble.how}` }));
    return { type: "settled" };
  }
  return { type: "lost", trouble };
}

function lost(how: string): HttpCallEnd & { type: "lost" } {
  return { type: "lost", trouble: { kind: "lost", how } };
}

function invalid({ method }: HttpCall, what: string): HttpCallEnd {
  return { type: "lost", trouble: { kind: "invalid", how: `answered ${method} with ${what}` } };
}
