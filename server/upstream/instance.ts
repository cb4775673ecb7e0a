/**
 * One running server, shared by everybody who calls it: started on first use by whoever comes first,
 * initialized once, its answers brought back to exactly the call they belong to.
 *
 * Guarantees: every submitted call gets exactly one `answer` or `fail`, whatever the server does; a
 * call is given to at most one process, once. Not guaranteed: that a call which failed was not
 * executed.
 *
 * @module
 */

import { asFault, Fault } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { describe, notificationText } from "../../protocol/message.ts";
import { modernMeta } from "../../protocol/modern.ts";
import type { UpstreamCall } from "./call.ts";
import { Conversation, type Listen, type Topic } from "./conversation.ts";
import { Dispatcher } from "./dispatcher.ts";
import { openGuarded } from "./guarded_wire.ts";
import { type InitializeResult, isModern } from "./handshake.ts";
import { IdleRest } from "./idle_rest.ts";
import type { Doubt } from "./in_flight.ts";
import type { InstanceOptions } from "./instance_options.ts";
import { inShort, whyNoStart } from "./last_words.ts";
import { type Life, type LifeEvent, mayStart, newLife, nextLife } from "./life.ts";
import type { Askable } from "./question.ts";
import { type HandshakeDone, Startup } from "./startup.ts";
import { type CloseGrace, UNHURRIED, type WireEnd } from "./wire.ts";

export type { InstanceListener, InstanceOptions } from "./instance_options.ts";

/** One server process or connection, and everything it owes. */
export class Instance {
  readonly name: string;
  readonly #options: InstanceOptions;
  readonly #conversation: Conversation;
  readonly #calls: Dispatcher;
  readonly #startup: Startup;
  readonly #rest: IdleRest;
  #life: Life = newLife();
  /** Settles when the last process has ended; the next one is not started before. */
  #lastEnd: Promise<void> = Promise.resolve();
  #initializeResult: InitializeResult | undefined;
  #waitingForReady: PromiseWithResolvers<InitializeResult>[] = [];
  #retryTimer: Disposable | undefined;
  /** Whether its process ended under a probe; the next one is not probed. */
  #diesOfProbes = false;
  /** Why it failed the last time, for people. */
  #lastError: string | undefined;

  constructor(options: InstanceOptions) {
    this.name = options.name;
    this.#options = options;
    const { name, clock, log, callTimeoutMs, listener } = options;
    this.#rest = new IdleRest({
      clock,
      idleTimeoutMs: options.idleTimeoutMs,
      isInUse: () =>
        this.#conversation.waiting > 0 || this.#calls.queued.size > 0 || listener.isNeeded(),
      onIdle: () => this.#life.state === "ready" && this.#onIdle(),
    });
    this.#conversation = new Conversation({
      name,
      clock,
      log,
      callTimeoutMs,
      onHandshake: (method, answer) => this.#startup.onAnswer(method, answer),
      onAnswered: () => {
        this.#rest.used();
        if (this.#calls.queued.size > 0) this.#pump();
      },
      onRoom: () => this.#calls.queued.size > 0 && this.#pump(),
      onNotification: (message, text) => listener.onNotification(this, message, text),
      onRequest: (request) => listener.onRequest(this, request),
    });
    const isReady = () => this.#life.state === "ready";
    this.#calls = new Dispatcher(this.#conversation, options, isReady);
    this.#startup = new Startup(this.#conversation, {
      ...options,
      onDone: (done) => this.#onInitialized(done),
      onFailed: (fault) => {
        this.#closeWire();
        this.#onStartFailed(fault);
      },
    });
  }

  get life(): Life {
    return this.#life;
  }

  get pid(): number | undefined {
    return this.#conversation.wire?.pid;
  }

  /** Calls given to the server that somebody waits for. */
  get callsInFlight(): number {
    return this.#conversation.waiting;
  }

  /** See {@linkcode Conversation.topic}. */
  get topic(): Topic {
    return this.#conversation.topic;
  }

  /** See {@linkcode InFlight.isQuiet}. */
  get isQuiet(): boolean {
    return this.#conversation.isQuiet;
  }

  /** See {@linkcode InFlight.hasOwn}. */
  get hasOwnCalls(): boolean {
    return this.#conversation.hasOwnCalls;
  }

  /** Calls given to the server, in all. */
  get callsGiven(): number {
    return this.#conversation.given;
  }

  /** Those that wait for their turn. */
  get queued(): Iterable<UpstreamCall> {
    return this.#calls.queued;
  }

  /** Calls waiting for their turn. */
  get callsQueued(): number {
    return this.#calls.queued.size;
  }

  /** Those who wait for it to be ready, most of them for a call of theirs. */
  get waitingForStart(): number {
    return this.#waitingForReady.length;
  }

  /** See {@linkcode InFlight.onlyClient}. */
  get onlyClient(): string | undefined {
    return this.#conversation.onlyClient;
  }

  /** See {@linkcode InFlight.workFor}. */
  workFor(client: string): void {
    this.#conversation.workFor(client);
  }

  /** See {@linkcode InFlight.soleOwner}. */
  get soleOwner(): string | undefined {
    return this.#conversation.soleOwner;
  }

  /** See {@linkcode InFlight.doubt}. */
  get doubt(): Doubt | undefined {
    return this.#conversation.doubt;
  }

  /** See {@linkcode Dispatcher.isFreeFor}. */
  isFreeFor(owner: string): boolean {
    return this.#calls.isFreeFor(owner);
  }

  /** The calls in flight whose clients can be asked, oldest first. */
  askable(): (UpstreamCall & Askable)[] {
    return this.#conversation.askable();
  }

  /** The client of `owner` is being asked, or has answered: its calls are not silent. */
  heardOf(owner: string): void {
    this.#conversation.heardOf(owner);
  }

  /** See {@linkcode Dispatcher.takeTurns}. */
  takeTurns(): void {
    this.#calls.takeTurns();
  }

  /** What the server said of itself; undefined before it was ready once. */
  get initializeResult(): InitializeResult | undefined {
    return this.#initializeResult;
  }

  /** See {@linkcode Wire.mirrorsArguments}. */
  get mirrorsArguments(): boolean {
    return this.#conversation.wire?.mirrorsArguments ?? false;
  }

  /** Opens a stream of notifications at a modern server that runs. @returns its id. */
  listen(params: JsonObject, listen: Listen): number {
    return this.#conversation.listen(params, listen);
  }

  /** Ends such a stream. */
  endListen(id: number): void {
    this.#conversation.endListen(id);
  }

  /** Why it failed the last time; undefined when it never did. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /**
   * Starts the server if need be.
   *
   * @throws {Fault} when it cannot be started, or not in time.
   */
  ready(): Promise<InitializeResult> {
    if (this.#life.state === "ready") return Promise.resolve(this.#initializeResult!);
    const refusal = this.#refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    const waiter = Promise.withResolvers<InitializeResult>();
    this.#waitingForReady.push(waiter);
    this.#pump();
    return waiter.promise;
  }

  /** Takes a call; starts the server if need be. */
  submit(call: UpstreamCall): void {
    if (this.#calls.giveAtOnce(call)) return;
    const refusal = this.#refusal() ?? this.#calls.add(call);
    if (refusal !== undefined) return call.fail(refusal);
    this.#pump();
  }

  /**
   * Nobody waits for `call` any more: it cancelled or left. The server is told; its late answer is
   * dropped. The caller answers whoever is left.
   */
  abandon(call: UpstreamCall, reason: string): void {
    this.#calls.abandon(call, reason);
  }

  /** See {@linkcode Dispatcher.withdraw}. */
  withdraw(call: UpstreamCall): boolean {
    return this.#calls.withdraw(call);
  }

  /** Passes a notification on to the server, if it runs. */
  notify(method: string, params: JsonObject | undefined): void {
    if (this.#life.state !== "ready") return;
    if (this.#conversation.wire?.send(notificationText(method, params)) !== false) return;
    this.#options.log.warn(
      "a server does not read its input; a client's notification was dropped",
      {
        server: this.name,
        method: describe(method),
      },
    );
  }

  /**
   * Ends the server for good. Calls in flight fail with `fault`; those that wait fail with `draining`,
   * because they were certainly not executed.
   */
  async stop(fault: Fault, grace: CloseGrace = UNHURRIED): Promise<void> {
    this.#step({ type: "drain" });
    for (const { call } of this.#conversation.clear()) call.fail(fault);
    this.#failWaiting(this.#refusal()!);
    this.#calls.end();
    this.#rest.end();
    this.#options.listener.onGone(this, { crashed: false });
    await this.#closeWire(grace);
    // Also one that failed to start and is still being ended: it must not be left behind.
    await this.#lastEnd;
    this.#step({ type: "stopped" });
  }

  // ---- life

  #step(event: LifeEvent): void {
    const before = this.#life;
    this.#life = nextLife(before, event);
    if (before.state !== this.#life.state) {
      this.#options.log.debug("server state", {
        server: this.name,
        from: before.state,
        to: this.#life.state,
      });
    }
    this.#retryTimer?.[Symbol.dispose]();
    this.#retryTimer = undefined;
  }

  /** Why no call can be taken now, or undefined when it can. */
  #refusal(): Fault | undefined {
    const life = this.#life;
    if (life.state === "draining" || life.state === "stopped") {
      return new Fault("draining", `Server ${JSON.stringify(this.name)} is being stopped`, {
        server: this.name,
      });
    }
    const now = this.#options.clock.now();
    if (life.state === "failed" && now < life.until) {
      const seconds = Math.ceil((life.until - now) / 1000);
      return new Fault(
        "upstream_unavailable",
        `Server ${JSON.stringify(this.name)} keeps failing; it will be tried again in ` +
          `${seconds} s; the last time: ${inShort(life.reason)}; "aichaku mcp --logs" shows more`,
        { server: this.name, detail: life.reason },
      );
    }
    return undefined;
  }

  /** Does what can be done now: start, wait for the next start, or hand out waiting calls. */
  #pump(): void {
    if (this.#life.state === "ready") return this.#calls.giveOut();
    if (this.#calls.queued.size === 0 && this.#waitingForReady.length === 0) return;
    const now = this.#options.clock.now();
    if (mayStart(this.#life, now)) return void this.#start();
    if (this.#life.state === "backoff" && this.#retryTimer === undefined) {
      const wait = this.#life.until - now;
      this.#retryTimer = this.#options.clock.after(wait, () => {
        this.#retryTimer = undefined;
        this.#pump();
      });
    }
  }

  async #start(): Promise<void> {
    this.#step({ type: "start", now: this.#options.clock.now() });
    const starting = this.#life;
    this.#startup.begin();
    const ended = Promise.withResolvers<void>();
    try {
      await Promise.all([this.#lastEnd, this.#options.prepare?.()]);
      if (this.#life !== starting) return;
      this.#conversation.wire = openGuarded(this.#conversation, {
        open: this.#options.open,
        onEnd: (end) => this.#onEnd(end),
        onEnded: ended.resolve,
        onFault: (error) => this.#onReadingFault(error),
      });
      this.#lastEnd = ended.promise;
    } catch (error) {
      return this.#life === starting ? this.#onStartFailed(asFault(error)) : undefined;
    }
    const { pid } = this.#conversation.wire;
    this.#options.log.info("server starting", { server: this.name, pid });
    this.#startup.shakeHands(this.#diesOfProbes ? "silent" : this.#options.knownEra?.());
  }

  #onInitialized({ done: result, era, notify }: HandshakeDone): void {
    this.#options.onEra?.(era);
    this.#initializeResult = result;
    this.#conversation.defaultMeta = !isModern(result) ? undefined : modernMeta({
      protocolVersion: result.protocolVersion,
      clientInfo: { name: "aichaku", version: this.#options.version },
      capabilities: {},
    });
    this.#conversation.marksBoundaries = !isModern(result) &&
      result.capabilities.logging !== undefined;
    this.#conversation.wire!.agreed?.(result.protocolVersion);
    if (notify !== undefined) this.#conversation.wire!.send(notify);
    this.#step({ type: "started", now: this.#options.clock.now() });
    this.#options.log.info("server ready", { server: this.name, pid: this.pid });
    this.#options.listener.onReady(this);
    for (const waiter of this.#waitingForReady.splice(0)) waiter.resolve(result);
    this.#calls.renew();
    this.#rest.begin();
    this.#pump();
  }

  #onStartFailed(fault: Fault): void {
    this.#startup.end();
    this.#conversation.wire = undefined;
    this.#options.log.warn("server failed to start", {
      server: this.name,
      error: fault.message,
      detail: fault.details.detail,
    });
    this.#lastError = fault.details.detail ?? fault.message;
    this.#stepEnded(this.#lastError);
    this.#failWaiting(fault);
  }

  #onEnd(end: WireEnd): void {
    const lastWords = end.stderr === "" ? end.how : `${end.how}\n${end.stderr}`;
    if (this.#life.state === "starting" && this.#startup.isProbing) {
      // Some servers end at anything before `initialize`: this one may be one of those.
      this.#diesOfProbes = true;
      this.#startup.end();
      this.#conversation.wire = undefined;
      this.#step({ type: "probed" });
      return this.#pump();
    }
    if (this.#life.state === "starting") {
      return this.#onStartFailed(
        new Fault(
          "upstream_unavailable",
          `Cannot start server ${JSON.stringify(this.name)}: ${whyNoStart(end, this.pid)}`,
          { server: this.name, detail: lastWords },
        ),
      );
    }
    const { listener } = this.#options;
    // What it wrote may be about any of the clients it worked for; the log has it in any case.
    const isOnes = this.#conversation.onlyClient !== undefined;
    this.#calls.requeue([...end.notExecuted ?? [], ...this.#conversation.unsent]);
    this.#conversation.wire = undefined;
    this.#options.log.warn("server ended", { server: this.name, how: end.how });
    this.#lastError = end.how;
    this.#stepEnded(end.how);
    this.#rest.end();
    const fault = new Fault(
      "upstream_exited",
      `Server ${JSON.stringify(this.name)} ${end.how} with this call in flight; whether the call ` +
        `took effect is not known`,
      { server: this.name, detail: isOnes ? lastWords : end.how },
    );
    for (const { call, heard } of this.#conversation.clear()) {
      const again = !heard && listener.mayRepeat(call) && this.#calls.repeat(call);
      if (!again) call.fail(fault);
    }
    listener.onGone(this, { crashed: true });
    // Calls that were still waiting never reached the old process: they go to the next one, if there
    // is to be one soon.
    const refusal = this.#refusal();
    if (refusal === undefined) this.#pump();
    else this.#failWaiting(refusal);
  }

  /** Nobody has used it for long: its process is ended, until the next call. */
  #onIdle(): void {
    this.#options.log.info("server ended: nobody used it", { server: this.name, pid: this.pid });
    this.#step({ type: "rest" });
    this.#conversation.clear();
    this.#closeWire();
    this.#options.listener.onGone(this, { crashed: false });
  }

  #stepEnded(reason: string): void {
    const { clock, random } = this.#options;
    this.#step({ type: "ended", now: clock.now(), reason, jitter: random() });
  }

  /** Fails who waits for the server to be ready, or for a turn. */
  #failWaiting(fault: Fault): void {
    for (const waiter of this.#waitingForReady.splice(0)) waiter.reject(fault);
    this.#calls.failWaiting(fault);
  }

  async #closeWire(grace: CloseGrace = UNHURRIED): Promise<void> {
    const wire = this.#conversation.wire;
    this.#conversation.wire = undefined;
    this.#startup.end();
    await wire?.close(grace);
  }

  #onReadingFault(error: unknown): void {
    const { stack = String(error) } = error as Error;
    this.#options.log.error("fault while reading from a server", { server: this.name, stack });
  }
}
