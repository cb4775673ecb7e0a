/**
 * Where the answer to one POST goes: into the POST's own response, as JSON, or as an event stream when
 * a notification comes first or the call is silent for long. One Reply, one Response.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import type { Fault } from "../../protocol/errors.ts";
import { sseText } from "../../protocol/sse.ts";
import type { Limits } from "../config/types.ts";
import type { Reply } from "../exchange/call.ts";
import { Mailbox } from "../exchange/mailbox.ts";
import { AgeWatch } from "./age_watch.ts";
import { EVENT_STREAM_HEADERS, eventStreamResponse } from "./event_stream.ts";
import type { LongAnswers } from "./long_answers.ts";
import type { ResumableStream } from "./resumable.ts";

/** What a client can take, by its `Accept`. */
export interface Accepts {
  readonly json: boolean;
  readonly eventStream: boolean;
  /** It names event streams before JSON. Clients of MCP must name both; which first, says which they like. */
  readonly streamFirst?: boolean;
}

let lastHeader: string | null | undefined;
let lastAccepts: Accepts = { json: true, eventStream: false };

/** Reads an `Accept` header. Without one everything plain is accepted. */
export function readAccept(header: string | null): Accepts {
  // A client says the same with every request, and most clients say the same.
  if (header !== lastHeader) {
    lastAccepts = parseAccept(header);
    lastHeader = header;
  }
  return lastAccepts;
}

function parseAccept(header: string | null): Accepts {
  if (header === null) return { json: true, eventStream: false };
  const any = header.includes("*/*");
  const [stream, json] = [header.indexOf("text/event-stream"), header.indexOf("application/json")];
  return {
    ...(stream >= 0 && stream < json ? { streamFirst: true } : {}),
    json: any || header.includes("application/json") || header.includes("application/*"),
    eventStream: header.includes("text/event-stream"),
  };
}

/** What all replies of one daemon share. */
export interface ReplyContext {
  clock: Clock;
  limits: Limits;
  silence: SilenceWatch;
  longAnswers: LongAnswers;
}

const JSON_HEADERS: Record<string, string> = { "content-type": "application/json" };

/** How long a call is silent before its response becomes a stream with keep-alives. Milliseconds. */
const SILENT_MS = 10_000;

/**
 * Turns the responses of long silent calls into streams: some clients give up on a response that does
 * not begin.
 */
export class SilenceWatch extends AgeWatch<PostReply> {
  constructor(clock: Clock) {
    super({ clock, ageMs: SILENT_MS, onAge: (reply) => reply.beginStream() });
  }
}

/** Options of {@linkcode PostReply}. */
export interface PostReplyOptions {
  /** JSON text of the id that is answered. */
  id: string;
  accepts: Accepts;
  /** More headers of the response. Default none. */
  headers?: Record<string, string>;
  /** HTTP status of a fault, for endpoints that use it. Default 200 always. */
  statusOf?: (fault: Fault) => number;
  /** HTTP status of an answer that a server gave to `id`. Default 200 always. */
  statusOfText?: (text: string, id: string) => number;
  /** The client closed the stream before its answer. */
  onLeft?: () => void;
  /** Headers in place of `headers` when the answer is a fault. Default the same. */
  headersOf?: (fault: Fault) => Record<string, string>;
  /** Number of answers, when the POST was a batch. */
  batch?: number;
  /** Makes the stream, where the client can come back to it. Default: whoever leaves it has left. */
  openStream?: () => ResumableStream | undefined;
}

/** The reply to one POST. */
export class PostReply implements Reply {
  readonly #context: ReplyContext;
  readonly #options: PostReplyOptions;
  readonly #response = Promise.withResolvers<Response>();
  #stream: ResumableStream | undefined;
  #canResume = false;
  /** Answers of a batch that wait for the others. */
  #answers: { text: string; id: string }[] | undefined;
  #missing: number;
  /** Watched over until the response begins. */
  readonly #silence: Disposable | undefined;

  constructor(context: ReplyContext, options: PostReplyOptions) {
    this.#context = context;
    this.#options = options;
    this.#missing = options.batch ?? 1;
    if (options.batch !== undefined) this.#answers = [];
    if (options.accepts.eventStream) this.#silence = context.silence.add(this);
  }

  /** Resolves once: with the whole answer, or with a stream that will carry it. */
  get response(): Promise<Response> {
    return this.#response.promise;
  }

  /** @param id Of a batch, the id that is answered. */
  answer(text: string, fault: Fault | undefined, id = this.#options.id): void {
    this.#missing--;
    if (this.#stream !== undefined) {
      this.#stream.mailbox.post(text, id);
      if (this.#missing === 0) this.#stream.finish();
      return;
    }
    this.#answers?.push({ text, id });
    if (this.#missing > 0) return;
    this.#silence?.[Symbol.dispose]();
    this.#respond(text, fault);
  }

  notify(text: string): boolean {
    if (!this.#options.accepts.eventStream) return false;
    this.beginStream();
    if (!this.#canResume && !this.#stream!.mailbox.attached) return false;
    this.#stream!.mailbox.post(text);
    return true;
  }

  /** Makes the response a stream from now on. */
  beginStream(): void {
    if (this.#stream !== undefined) return;
    const { clock } = this.#context;
    const { headers, openStream } = this.#options;
    this.#silence?.[Symbol.dispose]();
    const resumable = openStream?.();
    this.#canResume = resumable !== undefined;
    const stream = resumable ?? this.#plainStream();
    this.#stream = stream;
    const { mailbox, greeting } = stream;
    const eventId = resumable?.eventId;
    const onClose = () => {
      if (this.#missing > 0) this.#options.onLeft?.();
    };
    this.#response.resolve(
      eventStreamResponse({ mailbox, clock, headers, greeting, eventId, onClose }),
    );
    // Of a batch, what was answered before.
    for (const { text, id } of this.#answers ?? []) mailbox.post(text, id);
  }

  /** The request was refused: nothing will be answered here, and nobody was given the response. */
  drop(): void {
    this.#silence?.[Symbol.dispose]();
    this.#stream?.finish();
  }

  /** A stream that cannot be opened again. */
  #plainStream(): ResumableStream {
    const { limits } = this.#context;
    const mailbox = new Mailbox({
      maxEvents: limits.maxStreamEvents,
      // The answer itself may be as long as a server's message may be.
      maxBytes: limits.maxStreamBytes + limits.maxServerMessageBytes,
      keep: false,
    });
    return { mailbox, eventId: String, finish: () => mailbox.finish() };
  }

  #respond(text: string, fault: Fault | undefined): void {
    const { accepts, headersOf } = this.#options;
    const status = this.#statusOf(text, fault);
    const asStream = accepts.eventStream && (!accepts.json || accepts.streamFirst === true);
    const type = asStream ? EVENT_STREAM_HEADERS : JSON_HEADERS;
    const more = fault === undefined || headersOf === undefined
      ? this.#options.headers
      : headersOf(fault);
    const headers = more === undefined ? type : { ...type, ...more };
    const body = this.#context.longAnswers.bodyOf(this.#body(text, asStream));
    this.#response.resolve(new Response(body, { status, headers }));
  }

  #statusOf(text: string, fault: Fault | undefined): number {
    const { statusOf, statusOfText } = this.#options;
    if (fault === undefined) return statusOfText?.(text, this.#options.id) ?? 200;
    return statusOf?.(fault) ?? 200;
  }

  #body(text: string, asStream: boolean): string {
    const answers = this.#answers;
    if (answers === undefined) return asStream ? sseText({ data: text }) : text;
    const texts = answers.map((answer) => answer.text);
    return asStream ? texts.map((data) => sseText({ data })).join("") : `[${texts.join(",")}]`;
  }
}
