/**
 * A remote server over Streamable HTTP: each message a POST, its answer as JSON or on an event stream,
 * and one more stream for what the server says outside of calls. Source: MCP 2025-11-25 and 2026-07-28,
 * basic/transports. A server that turns out to speak the transport before this one is spoken to in that.
 *
 * Guarantees: every request that `send` took ends in exactly one line that answers it, one `onLost`, or
 * the end of the connection, unless it is cancelled. What happens when, is a table in docs/remote.md.
 *
 * Not guaranteed: that a call whose stream broke was not executed, or that one which was cancelled is
 * not.
 *
 * @module
 */

import { asFault } from "../../../protocol/errors.ts";
import { Backlog } from "../backlog.ts";
import type { CloseGrace, Wire, WireEnd, WireEvents } from "../wire.ts";
import { type HttpCall, type HttpCallEnd, runCall } from "./http_call.ts";
import { HttpSession } from "./http_session.ts";
import { answeredIds, linesOf } from "./incoming.ts";
import { listen } from "./listen_stream.ts";
import { MirroredTools } from "./mirrored_tools.ts";
import type { RemoteOptions } from "./options.ts";
import { type Outgoing, readOutgoing } from "./outgoing.ts";
import { readRefusal } from "./refusal.ts";
import { openSseWire, type SseWire } from "./sse_wire.ts";
import { type Trouble, troubleEnd, troubleFault } from "./trouble.ts";

/** Milliseconds for the other calls of a session that the server forgot. */
const DRAIN_MS = 2000;
/** Milliseconds for the news that a call is cancelled, before its stream is dropped. */
const CANCEL_MS = 2000;
/**
 * How many times `maxOwed` may be under way. Requests have no pipe in common here: one whose response has
 * not begun is slow, and says nothing of the next one. So `maxOwed`, which is made for a server that does
 * not read, would let a few long and slow calls of one client hold up everybody's. What is under way is
 * bounded by how many calls a server and a client may have in flight, and by how long a message may be;
 * this bounds what a server that takes nothing at all costs: eight times `maxOwed` (64 MiB by default),
 * twice that with what is not a call.
 */
const UNDER_WAY = 16;
const FORGOTTEN = "forgot the session";
const FORGETFUL: Trouble = {
  kind: "unavailable",
  how: "forgot one session after another before anything was done in them",
  remedy: "processes that stand behind one address must share their sessions",
};

/** Opens the connection: nothing is sent before the first message. */
export function openHttpWire(options: RemoteOptions, events: WireEvents): Wire {
  return new HttpWire(options, events);
}

class HttpWire implements Wire {
  readonly pid = undefined;
  readonly #options: RemoteOptions;
  readonly #events: WireEvents;
  readonly #session: HttpSession;
  /** Those that wait for their answer. */
  readonly #calls = new Map<number, HttpCall>();
  /** Everything under way, breakable; `close` waits for it. */
  readonly #tasks = new Map<Promise<void>, AbortController>();
  readonly #notExecuted: number[] = [];
  readonly #tools: MirroredTools;
  /** Whether calls that were not executed may be made in the next session. */
  #mayLast = true;
  #state: "open" | "draining" | "closing" | "ended" = "open";
  #drainTimer: Disposable | undefined;
  /** Requests whose response has not begun. */
  readonly #backlog: Backlog;
  /** Whether the last request was of the modern era: no session, no notifications to the server. */
  #isModern = false;
  /** Settles when the server has heard that it is initialized; calls wait for it. */
  #initialized: Promise<void> | undefined;
  /** The old transport, once the server turned out to be of it. */
  #old: SseWire | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: RemoteOptions, events: WireEvents) {
    this.#options = options;
    this.#events = events;
    this.#session = new HttpSession(options);
    this.#backlog = new Backlog({
      maxOwed: UNDER_WAY * options.maxOwed,
      onRoom: () => this.writable && events.onRoom(),
    });
    this.#tools = new MirroredTools(options);
  }

  get mirrorsArguments(): boolean {
    return this.#isModern;
  }

  get writable(): boolean {
    return this.#state === "open" && (this.#old?.writable ?? true);
  }

  get owed(): number {
    return this.#old?.owed ?? this.#backlog.owed;
  }

  get room(): number {
    return this.#old?.room ?? this.#backlog.room;
  }

  agreed(protocolVersion: string): void {
    this.#session.revision = protocolVersion;
    this.#old?.agreed(protocolVersion);
  }

  send(text: string): boolean {
    if (this.#old !== undefined) return this.#old.send(text);
    if (this.#state !== "open") return false;
    const message = readOutgoing(text);
    // What nobody waits for any more makes room.
    if (message.kind !== "cancelled" && !this.#backlog.takes(text.length)) return false;
    switch (message.kind) {
      case "request":
        this.#request(message, text);
        break;
      case "cancelled":
        this.#cancel(message.id, text);
        break;
      case "notification":
        this.#notify(message.method, text);
        break;
      case "response":
        this.#run((signal) => this.#tell(text, signal));
    }
    return true;
  }

  close(grace: CloseGrace): Promise<void> {
    return this.#closing ??= this.#close(grace);
  }

  // ---- to the server

  #request({ args, ...message }: Extract<Outgoing, { kind: "request" }>, text: string): void {
    this.#isModern = message.modern !== undefined;
    this.#backlog.add(text.length);
    const controller = new AbortController();
    const mirrored = this.#tools.headersFor(message.subject, args);
    const call: HttpCall = { ...message, mirrored, text, controller, sent: false, settled: false };
    this.#calls.set(call.id, call);
    this.#run(() => this.#call(call), controller);
  }

  async #call(call: HttpCall): Promise<void> {
    let isTaken = false;
    const onTaken = () => {
      if (isTaken) return;
      isTaken = true;
      this.#backlog.done(call.text.length);
    };
    try {
      // Sent beside it, the request may arrive first.
      if (call.modern === undefined) await this.#initialized;
      call.controller.signal.throwIfAborted();
      const end = await runCall(call, {
        ...this.#options,
        session: this.#session,
        onText: (text) => this.#onText(text),
        onTaken,
        onSent: () => {
          if (!call.sent && this.#state === "draining") this.#giveBack(call);
        },
      });
      if (!call.settled) this.#onCallEnd(call, end);
    } catch (error) {
      // Cancelled, given back, or the connection is over: it was told.
      if (call.controller.signal.aborted) return;
      if (!call.settled) this.#events.onLost(call.id, asFault(error));
      throw error;
    } finally {
      onTaken();
      this.#settle(call);
    }
  }

  #onCallEnd(call: HttpCall, end: HttpCallEnd): void {
    switch (end.type) {
      case "settled":
        return;
      case "lost":
        return this.#lose(call, end.trouble);
      case "old transport":
        return this.#becomeOld(call, end.trouble);
      case "forgotten":
        if (end.trouble !== undefined) this.#lose(call, end.trouble);
        this.#forget(call);
    }
  }

  /** Nobody waits for this call any more. */
  #cancel(id: number, text: string): void {
    const call = this.#calls.get(id);
    if (call !== undefined && (call.modern !== undefined || !call.sent)) {
      // In the modern era breaking the stream off is how to cancel; otherwise it was never sent.
      this.#lose(call, { kind: "unavailable", how: `was told to give up ${call.method}` });
      return call.controller.abort();
    }
    if (this.#isModern) return;
    this.#run(async (signal, controller) => {
      // A server that stalls must not hold the stream of what nobody waits for.
      using _bound = this.#options.clock.after(CANCEL_MS, () => controller.abort());
      await this.#tell(text, signal).finally(() => {
        if (call !== undefined) this.#settle(call);
        call?.controller.abort();
      });
    });
  }

  #notify(method: string, text: string): void {
    if (method !== "notifications/initialized") {
      return this.#run((signal) => this.#tell(text, signal));
    }
    const told = Promise.withResolvers<void>();
    this.#initialized = told.promise;
    this.#run(async (signal) => {
      await this.#tell(text, signal).finally(told.resolve);
      await this.#listen(signal);
    });
  }

  /** Sends what has no answer. */
  async #tell(text: string, signal: AbortSignal): Promise<void> {
    const { server, log } = this.#options;
    let why: string;
    try {
      const response = await this.#session.post({ text, signal });
      if (response.ok) return await response.body?.cancel();
      const refusal = await readRefusal(response, "a notification");
      if (this.#session.isForgotten(refusal)) return this.#forget();
      why = refusal.trouble.how;
    } catch (error) {
      signal.throwIfAborted();
      why = (error as Error).message;
    }
    log.warn("server did not take a message that has no answer", { server, why });
  }

  // ---- from the server

  async #listen(signal: AbortSignal): Promise<void> {
    const { server, clock, random, log, maxServerMessageBytes } = this.#options;
    const outcome = await listen({
      server,
      clock,
      random,
      log,
      signal,
      open: (lastEventId) => this.#session.get(lastEventId, signal),
      isForgotten: (refusal) => this.#session.isForgotten(refusal),
      parser: {
        maxLength: maxServerMessageBytes,
        onEvent: ({ type, data }) => type === "message" && this.#onText(data),
        onOversize: (ends) => this.#state !== "ended" && this.#events.onOversizeLine(ends),
      },
    });
    if (outcome === "forgotten") this.#forget();
  }

  #onText(text: string): void {
    for (const line of linesOf(text)) {
      if (this.#state === "ended") return;
      const calls = answeredIds(line).map((id) => this.#calls.get(id));
      const isList = calls.some((call) => call?.method === "tools/list" && call.modern);
      this.#events.onLine(isList ? this.#tools.onList(line) : line);
      for (const call of calls) if (call !== undefined) this.#settle(call);
    }
  }

  // ---- ends

  /** Nothing more is to be told of a call. */
  #settle(call: HttpCall): void {
    call.settled = true;
    this.#calls.delete(call.id);
    if (this.#state === "draining" && this.#calls.size === 0) this.#endForgotten();
  }

  #lose(call: HttpCall, trouble: Trouble): void {
    // Nobody waits for the first request by its id: without it there is no connection.
    if (call.method === "initialize" || call.method === "server/discover") {
      return this.#end(troubleEnd(trouble));
    }
    const isTold = call.settled || this.#state === "ended";
    if (!isTold) this.#events.onLost(call.id, troubleFault(trouble, this.#options.server));
    this.#settle(call);
  }

  /** The call goes to the next connection. */
  #giveBack(call: HttpCall): void {
    if (call.settled) return;
    this.#notExecuted.push(call.id);
    this.#settle(call);
    call.controller.abort();
  }

  /**
   * The server knows the session no more: nothing new is sent in it. Calls that wait to be sent go to the
   * next connection, and those the server has get a moment for their answers, or for the same news.
   *
   * @param call What was refused for that, and not executed.
   */
  #forget(call?: HttpCall): void {
    if (this.#state === "open") this.#startDraining();
    if (call === undefined || call.settled) return;
    if (this.#mayLast) this.#giveBack(call);
    else this.#lose(call, FORGETFUL);
  }

  #startDraining(): void {
    this.#state = "draining";
    this.#mayLast = this.#session.forget();
    this.#drainTimer = this.#options.clock.after(DRAIN_MS, () => this.#endForgotten());
    for (const call of [...this.#calls.values()]) if (!call.sent) this.#giveBack(call);
    if (this.#calls.size === 0) this.#endForgotten();
  }

  #endForgotten(): void {
    const notExecuted = this.#notExecuted.toSorted((a, b) => a - b);
    this.#end({ how: FORGOTTEN, stderr: "", notExecuted });
  }

  /** Goes on in the transport before this one, if the server is of it; otherwise `trouble` stands. */
  #becomeOld(call: HttpCall, trouble: Trouble): void {
    call.settled = true;
    const old = openSseWire(this.#options, {
      ...this.#events,
      onEnd: (end) => this.#end(old.isOpen ? end : troubleEnd(trouble)),
    });
    this.#old = old;
    old.send(call.text);
  }

  async #close(grace: CloseGrace): Promise<void> {
    if (this.#old !== undefined) await this.#old.close(grace);
    if (this.#state !== "ended") {
      this.#state = "closing";
      this.#abortAll();
      await this.#endSession(grace.eofMs);
      this.#end({ how: "was closed", stderr: "" });
    }
    await Promise.all(this.#tasks.keys());
  }

  /** Tells the server that the session is over, if it listens. */
  async #endSession(ms: number): Promise<void> {
    const controller = new AbortController();
    using _bound = this.#options.clock.after(ms, () => controller.abort());
    try {
      await this.#session.end(controller.signal);
    } catch {
      // Best effort: a server that cannot be told forgets it by itself.
    }
  }

  #end(end: WireEnd): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#drainTimer?.[Symbol.dispose]();
    this.#abortAll();
    void Promise.all(this.#tasks.keys()).then(() => this.#session[Symbol.dispose]());
    this.#events.onEnd(end);
  }

  #abortAll(): void {
    for (const controller of this.#tasks.values()) controller.abort();
  }

  /** Does something that ends when its controller is aborted. */
  #run(
    work: (signal: AbortSignal, controller: AbortController) => Promise<void>,
    controller = new AbortController(),
  ): void {
    const { server, log } = this.#options;
    const task = work(controller.signal, controller).catch((error) => {
      if (controller.signal.aborted) return;
      const { stack = String(error) } = error as Error;
      log.error("fault while talking to a server", { server, stack });
    });
    this.#tasks.set(task, controller);
    void task.then(() => this.#tasks.delete(task));
  }
}
