/**
 * A remote server over HTTP+SSE, the transport before Streamable HTTP: one event stream for everything
 * the server says, and the address to post to as its first event.
 * Source: MCP 2024-11-05, basic/transports, "HTTP with SSE".
 *
 * Guarantees: every request that `send` took ends in a line that answers it, one `onLost`, or the end of
 * the connection, which is the end of the stream: it cannot be taken up again. Messages go to the origin
 * of the entry only, whatever address the server names.
 *
 * @module
 */

import type { SseEvent } from "../../../protocol/sse_parser.ts";
import { Backlog } from "../backlog.ts";
import type { CloseGrace, Wire, WireEnd, WireEvents } from "../wire.ts";
import { ask } from "./attempts.ts";
import { Endpoint, isEventStream } from "./endpoint.ts";
import { readEventStream } from "./event_stream.ts";
import { answeredIds, linesOf } from "./incoming.ts";
import type { RemoteOptions } from "./options.ts";
import { type Outgoing, readOutgoing } from "./outgoing.ts";
import { namesLostSession, readRefusal } from "./refusal.ts";
import { statusText, type Trouble, troubleEnd, troubleFault } from "./trouble.ts";

/** Such a connection. */
export interface SseWire extends Wire {
  /** Whether the server has named the address to post to. */
  readonly isOpen: boolean;
  agreed(protocolVersion: string): void;
}

/** A message that the server has not taken yet. */
interface Posting {
  message: Outgoing;
  text: string;
  controller: AbortController;
  /** Whether the server may have it. */
  sent: boolean;
  /** Whether it counts among what the server has not taken. */
  owed: boolean;
  /** Whether nothing is to be told of it any more: its answer came on the stream before. */
  settled: boolean;
}

/** Opens the stream; messages wait until the server has named the address. */
export function openSseWire(options: RemoteOptions, events: WireEvents): SseWire {
  return new EventStreamWire(options, events);
}

class EventStreamWire implements SseWire {
  readonly pid = undefined;
  readonly #options: RemoteOptions;
  readonly #events: WireEvents;
  readonly #endpoint: Endpoint;
  readonly #postings = new Set<Posting>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #stream = new AbortController();
  readonly #opened = Promise.withResolvers<void>();
  #address: string | undefined;
  #state: "open" | "ended" = "open";
  readonly #backlog: Backlog;
  #revision: string | undefined;
  /** Settles when the server has heard that it is initialized; calls wait for it. */
  #initialized: Promise<void> | undefined;

  constructor(options: RemoteOptions, events: WireEvents) {
    this.#options = options;
    this.#events = events;
    this.#endpoint = new Endpoint(options);
    this.#backlog = new Backlog({
      maxOwed: options.maxOwed,
      onRoom: () => this.writable && events.onRoom(),
    });
    this.#run(() => this.#listen(), this.#stream.signal);
  }

  get isOpen(): boolean {
    return this.#address !== undefined;
  }

  get writable(): boolean {
    return this.#state === "open";
  }

  get owed(): number {
    return this.#backlog.owed;
  }

  get room(): number {
    return this.#backlog.room;
  }

  agreed(protocolVersion: string): void {
    this.#revision = protocolVersion;
  }

  send(text: string): boolean {
    if (this.#state !== "open") return false;
    const message = readOutgoing(text);
    if (message.kind === "cancelled" && this.#takeBack(message.id)) return true;
    if (!this.#backlog.takes(text.length)) return false;
    const posting = {
      message,
      text,
      controller: new AbortController(),
      sent: false,
      owed: true,
      settled: false,
    };
    const posted = this.#run(() => this.#post(posting), posting.controller.signal);
    if (message.kind === "notification" && message.method === "notifications/initialized") {
      this.#initialized = posted;
    }
    return true;
  }

  async close(_grace: CloseGrace): Promise<void> {
    this.#end({ how: "was closed", stderr: "" });
    await Promise.all(this.#tasks);
  }

  // ---- to the server

  async #post(posting: Posting): Promise<void> {
    const { message, controller: { signal } } = posting;
    this.#postings.add(posting);
    this.#backlog.add(posting.text.length);
    try {
      await this.#opened.promise;
      // Sent beside it, a call may arrive first.
      if (message.kind === "request") await this.#initialized;
      signal.throwIfAborted();
      const response = await this.#ask(posting);
      if (!(response instanceof Response)) return this.#lose(posting, response);
      if (response.ok) return await response.body?.cancel();
      const refusal = await readRefusal(response, nameOf(message));
      signal.throwIfAborted();
      if (message.kind === "request" && message.method === "initialize") {
        return this.#end(troubleEnd(refusal.trouble));
      }
      if (!namesLostSession(refusal)) return this.#lose(posting, refusal.trouble);
      posting.sent = false;
      this.#end({ how: "forgot the session", stderr: "" });
    } finally {
      this.#release(posting);
      this.#postings.delete(posting);
    }
  }

  #ask(posting: Posting): Promise<Response | Trouble> {
    const { clock, random } = this.#options;
    const { message, text, controller: { signal } } = posting;
    const revision: Record<string, string> = this.#revision === undefined
      ? {}
      : { "mcp-protocol-version": this.#revision };
    const headers = { "content-type": "application/json", ...revision };
    const url = this.#address;
    return ask(
      () => this.#endpoint.request({ method: "POST", url, headers, body: text, signal }),
      {
        clock,
        random,
        signal,
        what: nameOf(message),
        origin: this.#endpoint.origin,
        onSent: (sent) => posting.sent = sent,
      },
    );
  }

  /** Whether a request was still waiting to be sent: then it never is. */
  #takeBack(id: number): boolean {
    for (const posting of this.#postings) {
      const { message, sent, controller } = posting;
      if (message.kind !== "request" || message.id !== id || sent) continue;
      this.#lose(posting, { kind: "unavailable", how: `was told to give up ${message.method}` });
      controller.abort();
      return true;
    }
    return false;
  }

  #lose(posting: Posting, trouble: Trouble): void {
    const { server, log } = this.#options;
    const { message } = posting;
    if (posting.settled || this.#state !== "open") return;
    posting.settled = true;
    if (message.kind !== "request") {
      const why = trouble.how;
      return log.warn("server did not take a message that has no answer", { server, why });
    }
    if (message.method === "initialize") return this.#end(troubleEnd(trouble));
    this.#events.onLost(message.id, troubleFault(trouble, server));
  }

  // ---- from the server

  async #listen(): Promise<void> {
    const { clock, random, maxServerMessageBytes } = this.#options;
    const { signal } = this.#stream;
    const headers = { accept: "text/event-stream" };
    const response = await ask(
      () => this.#endpoint.request({ method: "GET", headers, signal }),
      { clock, random, signal, what: "GET", origin: this.#endpoint.origin },
    );
    if (!(response instanceof Response)) return this.#end(troubleEnd(response));
    if (!response.ok || !isEventStream(response)) {
      const { trouble } = await readRefusal(response, "GET");
      return this.#end(troubleEnd(response.ok ? noStream(response) : trouble));
    }
    const how = await readEventStream(response, {
      maxLength: maxServerMessageBytes,
      onEvent: (event) => this.#onEvent(event),
      onOversize: (ends) => this.#state === "open" && this.#events.onOversizeLine(ends),
    });
    this.#end({
      how: how === "ended" ? "ended its event stream" : "broke off its event stream",
      stderr: "",
    });
  }

  #onEvent({ type, data }: SseEvent): void {
    if (type === "endpoint") return this.#onAddress(data);
    if (type !== "message") return;
    for (const line of linesOf(data)) {
      if (this.#state !== "open") return;
      this.#settle(answeredIds(line));
      this.#events.onLine(line);
    }
  }

  #onAddress(data: string): void {
    if (this.#address !== undefined) return;
    const address = URL.parse(data, this.#endpoint.url);
    if (address?.origin !== this.#endpoint.origin) {
      return this.#end({
        how: "named an address of another origin to post to",
        stderr: `messages and credentials go to ${this.#endpoint.origin} only`,
      });
    }
    this.#address = address.href;
    this.#opened.resolve();
  }

  /** The calls with these ids are answered, whatever becomes of the posting of them. */
  #settle(ids: readonly number[]): void {
    for (const posting of this.#postings) {
      const { message } = posting;
      if (message.kind !== "request" || !ids.includes(message.id)) continue;
      posting.settled = true;
      this.#release(posting);
    }
  }

  /** The server has the message, or never will: it is not owed any more. */
  #release(posting: Posting): void {
    if (!posting.owed) return;
    posting.owed = false;
    this.#backlog.done(posting.text.length);
  }

  // ---- ends

  #end(end: WireEnd): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    const notExecuted: number[] = [];
    for (const { message, sent, settled, controller } of this.#postings) {
      if (message.kind === "request" && !sent && !settled) notExecuted.push(message.id);
      controller.abort();
    }
    this.#stream.abort();
    // Whoever waited for the address finds the connection over.
    this.#opened.resolve();
    void Promise.all(this.#tasks).then(() => this.#endpoint[Symbol.dispose]());
    this.#events.onEnd({ ...end, notExecuted });
  }

  /** Does something that ends when `signal` is aborted. */
  #run(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const { server, log } = this.#options;
    const task = work().catch((error) => {
      if (signal.aborted) return;
      const { stack = String(error) } = error as Error;
      log.error("fault while talking to a server", { server, stack });
      this.#end({
        how: "could not be talked to: a fault of the daemon's own, see its log",
        stderr: "",
      });
    });
    this.#tasks.add(task);
    void task.then(() => this.#tasks.delete(task));
    return task;
  }
}

function nameOf(message: Outgoing): string {
  switch (message.kind) {
    case "request":
    case "notification":
      return message.method;
    case "cancelled":
      return "notifications/cancelled";
    case "response":
      return "a response";
  }
}

function noStream(response: Response): Trouble {
  return {
    kind: "invalid",
    how: `answered GET with ${statusText(response)} and no event stream`,
    remedy: `check "url" and "type" of this server in config.json`,
  };
}
