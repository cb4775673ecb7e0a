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

import type { Clock } from "../../platform/clock.ts";
import { asFault, Fault } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { type NotificationMessage, notificationText } from "../../protocol/message.ts";
import { modernMeta } from "../../protocol/modern.ts";
import type { Logger } from "../daemon/log.ts";
import type { UpstreamCall } from "./call.ts";
import type { Askable } from "./question.ts";
import { Conversation, type Listen, type ServerRequest, type Topic } from "./conversation.ts";
import { FairQueue } from "./fair_queue.ts";
import type { Doubt } from "./in_flight.ts";
import {
  Handshake,
  type HandshakeRequest,
  type InitializeResult,
  isModern,
  type KnownEra,
} from "./handshake.ts";
import { type Life, type LifeEvent, mayStart, newLife, nextLife } from "./life.ts";
import { weightOf } from "./weight.ts";
import { type CloseGrace, type OpenWire, UNHURRIED, type Wire, type WireEnd } from "./wire.ts";

/** What an instance tells those who share it. */
export interface InstanceListener {
  /** The server is initialized, for the first time or after a restart. */
  onReady(instance: Instance): void;
  /** A notification other than progress, with the text it came in. */
  onNotification(instance: Instance, message: NotificationMessage, text: string): void;
  /** Something the server asks; `request.respond` is to be called once. */
  onRequest(instance: Instance, request: ServerRequest): void;
  /**
   * The process is gone, and whatever it knew. `crashed`: not because nobody used it, or because it was
   * told to.
   */
  onGone(instance: Instance, gone: { crashed: boolean }): void;
  /** Whether a call may be made again that a process took with it before it said anything. */
  mayRepeat(call: UpstreamCall): boolean;
  /** Whether somebody needs the server to run although nobody calls it: a subscription. */
  isNeeded(): boolean;
}

/** Options of {@linkcode Instance}. */
export interface InstanceOptions {
  /** Name of the server. */
  name: string;
  open: OpenWire;
  listener: InstanceListener;
  clock: Clock;
  /** Random numbers in [0, 1). */
  random: () => number;
  log: Logger;
  /** Resolves when what the server is started with is known. Default at once. */
  prepare?: () => Promise<void>;
  /** This program's version, told to the server. */
  version: string;
  /** What the clients behind this instance can do, told to a legacy server. */
  capabilities: JsonObject;
  /** What is known of the server's era from before. Default nothing. */
  knownEra?: () => KnownEra | undefined;
  /** Told when that turned out. */
  onEra?: (era: KnownEra) => void;
  /** Milliseconds for starting, `initialize` included. */
  startTimeoutMs: number;
  /** Milliseconds a call may be silent: no answer, no progress. */
  callTimeoutMs: number;
  /** Milliseconds without use after which the process is ended; undefined: never. */
  idleTimeoutMs: number | undefined;
  /** Calls in flight at once. */
  maxCalls: number;
  /** Calls in flight at once for one owner. */
  maxCallsPerOwner: number;
  /** Most that calls may weigh that wait for their turn; see {@linkcode weightOf}. */
  maxQueued: number;
}

/** Part of `maxQueued` that one client's calls may be. */
const QUEUED_SHARE = 0.75;

/** Milliseconds that a server may take to answer a probe, at most. */
const PROBE_MS = 5000;

/**
 * Calls that a client may still make at once while another one waits for its turn, and one a second
 * beyond: without end the other would never have it, and with none a call could wait for another of its
 * own client's for ever.
 */
const MAX_PASSES = 2;

/** Milliseconds between two looks at deadlines, at most. */
const SWEEP_MS = 1000;

/** One server process or connection, and everything it owes. */
export class Instance {
  readonly name: string;
  readonly #options: InstanceOptions;
  readonly #queue = new FairQueue<UpstreamCall>();
  readonly #conversation: Conversation;
  /** Calls that were made a second time. */
  readonly #repeated = new WeakSet<UpstreamCall>();
  #life: Life = newLife();
  /** Settles when the last process has ended; the next one is not started before. */
  #lastEnd: Promise<void> = Promise.resolve();
  #initializeResult: InitializeResult | undefined;
  #waitingForReady: PromiseWithResolvers<InitializeResult>[] = [];
  #startTimer: Disposable | undefined;
  #retryTimer: Disposable | undefined;
  #sweepTimer: Disposable | undefined;
  #idleTimer: Disposable | undefined;
  #probeTimer: Disposable | undefined;
  #handshake: Handshake | undefined;
  /** Whether its process ended under a probe; the next one is not probed. */
  #diesOfProbes = false;
  #lastUsed = 0;
  /** Why it failed the last time, for people. */
  #lastError: string | undefined;
  /** Whether calls of different clients take turns, so that every question has one possible asker. */
  #takesTurns = false;
  /** Calls of whoever has the turn that were given out while the next one waited for it. */
  #passes = 0;

  constructor(options: InstanceOptions) {
    this.name = options.name;
    this.#options = options;
    const { name, clock, log, callTimeoutMs, listener } = options;
    this.#conversation = new Conversation({
      name,
      clock,
      log,
      callTimeoutMs,
      onHandshake: (method, answer) => this.#onHandshake(method, answer),
      onAnswered: () => {
        this.#lastUsed = clock.now();
        if (this.#queue.size > 0) this.#pump();
      },
      onRoom: () => this.#queue.size > 0 && this.#pump(),
      onNotification: (message, text) => listener.onNotification(this, message, text),
      onRequest: (request) => listener.onRequest(this, request),
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

  /** Calls waiting for their turn. */
  get callsQueued(): number {
    return this.#queue.size;
  }

  /** Those who wait for it to be ready, most of them for a call of theirs. */
  get waitingForStart(): number {
    return this.#waitingForReady.length;
  }

  /** See {@linkcode InFlight.onlyClient}. */
  get onlyClient(): string | undefined {
    return this.#conversation.onlyClient;
  }

  /** See {@linkcode InFlight.soleOwner}. */
  get soleOwner(): string | undefined {
    return this.#conversation.soleOwner;
  }

  /** See {@linkcode InFlight.doubt}. */
  get doubt(): Doubt | undefined {
    return this.#conversation.doubt;
  }

  /** Whether a call of `owner` would meet no other client's here, neither waiting nor in flight. */
  isFreeFor(owner: string): boolean {
    if (!this.#conversation.isFreeFor(owner)) return false;
    for (const call of this.#queue) if (call.owner !== owner) return false;
    return true;
  }

  /** The calls in flight whose clients can be asked, oldest first. */
  askable(): (UpstreamCall & Askable)[] {
    return this.#conversation.askable();
  }

  /** The client of `owner` is being asked, or has answered: its calls are not silent. */
  heardOf(owner: string): void {
    this.#conversation.heardOf(owner);
  }

  /** From now on, calls of different clients take turns. */
  takeTurns(): void {
    this.#takesTurns = true;
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
    if (this.#life.state === "ready" && this.#queue.size === 0 && this.#mayRun(call.owner)) {
      return this.#dispatch(call);
    }
    call.weight ??= weightOf(call.params);
    const refusal = this.#refusal() ?? this.#overload(call);
    if (refusal !== undefined) return call.fail(refusal);
    call.waitsUntil = this.#options.clock.now() + this.#options.callTimeoutMs;
    this.#queue.push(call);
    this.#watchDeadlines();
    this.#pump();
  }

  /** Why `call` cannot wait, or undefined when it can. An empty queue takes any. */
  #overload(call: UpstreamCall): Fault | undefined {
    if (this.#queue.size === 0) return undefined;
    const { maxQueued } = this.#options;
    const beside = this.#queue.weightBeside(call);
    const isOnes = beside + call.weight! > maxQueued * QUEUED_SHARE;
    if (!isOnes && this.#queue.weight + call.weight! <= maxQueued) return undefined;
    const waiting = Math.ceil((isOnes ? beside : this.#queue.weight) / 1024);
    return new Fault(
      "overloaded",
      `Server ${JSON.stringify(this.name)} is too busy to take ${call.method}: ${waiting} KiB of ` +
        `${isOnes ? "this client's " : ""}calls wait for it already; wait for answers`,
      { server: this.name },
    );
  }

  /**
   * Nobody waits for `call` any more: it cancelled or left. The server is told; its late answer is
   * dropped. The caller answers whoever is left.
   */
  abandon(call: UpstreamCall, reason: string): void {
    if (this.#queue.remove(call)) return;
    this.#conversation.abandon(call, reason);
    this.#pump();
  }

  /** Takes a call back that still waits for its turn. @returns whether it did. */
  withdraw(call: UpstreamCall): boolean {
    return this.#queue.remove(call);
  }

  /** Passes a notification on to the server, if it runs. */
  notify(method: string, params: JsonObject | undefined): void {
    if (this.#life.state === "ready") {
      this.#conversation.wire?.send(notificationText(method, params));
    }
  }

  /**
   * Ends the server for good. Calls in flight fail with `fault`; those that wait fail with `draining`,
   * because they were certainly not executed.
   */
  async stop(fault: Fault, grace: CloseGrace = UNHURRIED): Promise<void> {
    this.#step({ type: "drain" });
    for (const { call } of this.#conversation.clear()) call.fail(fault);
    this.#failWaiting(this.#refusal()!);
    this.#sweepTimer?.[Symbol.dispose]();
    this.#sweepTimer = undefined;
    this.#idleTimer?.[Symbol.dispose]();
    this.#idleTimer = undefined;
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
        `Server ${JSON.stringify(this.name)} keeps failing; it will be tried again in ${seconds} s`,
        { server: this.name, detail: life.reason },
      );
    }
    return undefined;
  }

  /** Does what can be done now: start, wait for the next start, or hand out waiting calls. */
  #pump(): void {
    if (this.#life.state === "ready") {
      const mayRun = (owner: string) => this.#mayRun(owner);
      while (this.#conversation.waiting < this.#options.maxCalls && this.#conversation.hasRoom) {
        const next = this.#queue.next;
        const isKept = this.#takesTurns && next !== undefined &&
          this.#conversation.othersWait(next);
        if (isKept && this.#passes >= MAX_PASSES) return;
        const call = this.#queue.shift(mayRun);
        if (call === undefined) return;
        this.#passes = isKept ? this.#passes + 1 : 0;
        this.#dispatch(call);
      }
      return;
    }
    if (this.#queue.size === 0 && this.#waitingForReady.length === 0) return;
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
    this.#watchStart(this.#options.startTimeoutMs);
    await Promise.all([this.#lastEnd, this.#options.prepare?.()]);
    if (this.#life !== starting) return;
    const { log } = this.#options;
    const ended = Promise.withResolvers<void>();
    try {
      const wire: Wire = this.#options.open({
        onLine: (line) => {
          if (this.#conversation.wire !== wire) return;
          try {
            this.#conversation.onLine(line);
          } catch (error) {
            this.#onReadingFault(error);
          }
        },
        onOversizeLine: (ends) =>
          this.#guard(() =>
            this.#conversation.wire === wire && this.#conversation.onOversize(ends)
          ),
        onLost: (id, fault) =>
          this.#guard(() =>
            this.#conversation.wire === wire && this.#conversation.onLost(id, fault)
          ),
        onRoom: () =>
          this.#guard(() => this.#conversation.wire === wire && this.#conversation.onRoom()),
        onEnd: (end) => {
          ended.resolve();
          if (this.#conversation.wire === wire) this.#guard(() => this.#onEnd(end));
        },
      });
      this.#conversation.wire = wire;
      this.#lastEnd = ended.promise;
    } catch (error) {
      return this.#onStartFailed(asFault(error));
    }
    log.info("server starting", { server: this.name, pid: this.#conversation.wire.pid });
    const known = this.#diesOfProbes ? "silent" : this.#options.knownEra?.();
    this.#handshake = new Handshake(this.name, { ...this.#options, known });
    this.#say(this.#handshake.begin());
  }

  /** Sends a request of the handshake. A legacy server may keep silent at a probe. */
  #say(request: HandshakeRequest): void {
    const handshake = this.#handshake!;
    this.#conversation.shakeHands(request);
    this.#probeTimer?.[Symbol.dispose]();
    if (request.method !== "server/discover") return;
    const { clock, startTimeoutMs } = this.#options;
    this.#probeTimer = clock.after(Math.min(PROBE_MS, startTimeoutMs / 4), () => {
      if (this.#handshake === handshake && handshake.isProbing) this.#say(handshake.onSilence());
    });
  }

  /** Fails the start that takes longer than `ms`; the end of the process before it counts as well. */
  #watchStart(ms: number): void {
    const { clock, startTimeoutMs } = this.#options;
    const due = clock.now() + ms;
    this.#startTimer = clock.after(ms, () => {
      const late = clock.now() - due;
      // Late by more than itself: this machine or process slept, and the server may have answered.
      if (late > ms) return this.#watchStart(ms);
      const fault = new Fault(
        "upstream_timeout",
        `Server ${JSON.stringify(this.name)} did not answer initialize within ` +
          `${startTimeoutMs / 1000} s; raise its "startTimeout" in config.json if it is just slow`,
        { server: this.name, retryable: true },
      );
      this.#closeWire();
      this.#onStartFailed(fault);
    });
  }

  #onHandshake(method: HandshakeRequest["method"], answer: JsonObject): void {
    let step;
    try {
      step = this.#handshake?.onAnswer(method, answer);
    } catch (error) {
      this.#closeWire();
      return this.#onStartFailed(asFault(error));
    }
    if (step === undefined) return;
    if ("send" in step) return this.#say(step.send);
    this.#endHandshake();
    this.#options.onEra?.(step.era);
    this.#onInitialized(step.done, step.notify);
  }

  #endHandshake(): void {
    this.#startTimer?.[Symbol.dispose]();
    this.#probeTimer?.[Symbol.dispose]();
    this.#handshake = undefined;
    this.#conversation.endHandshake();
  }

  #onInitialized(result: InitializeResult, notify: string | undefined): void {
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
    const { clock, callTimeoutMs } = this.#options;
    for (const call of this.#queue) call.waitsUntil = clock.now() + callTimeoutMs;
    this.#lastUsed = clock.now();
    this.#watchIdle();
    this.#pump();
  }

  #onStartFailed(fault: Fault): void {
    this.#endHandshake();
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
    if (this.#life.state === "starting" && (this.#handshake?.isProbing ?? false)) {
      // Some servers end at anything before `initialize`: this one may be one of those.
      this.#diesOfProbes = true;
      this.#endHandshake();
      this.#conversation.wire = undefined;
      this.#step({ type: "probed" });
      return this.#pump();
    }
    if (this.#life.state === "starting") {
      return this.#onStartFailed(
        new Fault(
          "upstream_unavailable",
          `Cannot start server ${JSON.stringify(this.name)}: it ${end.how} before it was ready`,
          { server: this.name, detail: lastWords },
        ),
      );
    }
    const { listener } = this.#options;
    // What it wrote may be about any of the clients it worked for; the log has it in any case.
    const isOnes = this.#conversation.onlyClient !== undefined;
    this.#requeue([...end.notExecuted ?? [], ...this.#conversation.unsent]);
    this.#conversation.wire = undefined;
    this.#options.log.warn("server ended", { server: this.name, how: end.how });
    this.#lastError = end.how;
    this.#stepEnded(end.how);
    this.#idleTimer?.[Symbol.dispose]();
    this.#idleTimer = undefined;
    const fault = new Fault(
      "upstream_exited",
      `Server ${JSON.stringify(this.name)} ${end.how} with this call in flight; whether the call ` +
        `took effect is not known`,
      { server: this.name, detail: isOnes ? lastWords : end.how },
    );
    for (const { call, heard } of this.#conversation.clear()) {
      const again = !heard && !this.#repeated.has(call) && listener.mayRepeat(call);
      if (again) this.#repeat(call);
      else call.fail(fault);
    }
    listener.onGone(this, { crashed: true });
    // Calls that were still waiting never reached the old process: they go to the next one, if there
    // is to be one soon.
    const refusal = this.#refusal();
    if (refusal === undefined) this.#pump();
    else this.#failWaiting(refusal);
  }

  /** Calls that the server never had go to its next connection, ahead of those that came later. */
  #requeue(ids: readonly number[]): void {
    for (const id of ids.toReversed()) {
      const call = this.#conversation.takeBack(id);
      if (call === undefined) continue;
      call.waitsUntil = this.#options.clock.now() + this.#options.callTimeoutMs;
      call.weight ??= weightOf(call.params);
      this.#queue.unshift(call);
    }
    if (this.#queue.size > 0) this.#watchDeadlines();
  }

  /** Makes a call once more that does no harm when it is made twice. */
  #repeat(call: UpstreamCall): void {
    this.#repeated.add(call);
    call.weight ??= weightOf(call.params);
    call.waitsUntil = this.#options.clock.now() + this.#options.callTimeoutMs;
    this.#queue.push(call);
    this.#watchDeadlines();
  }

  // ---- rest

  /** Ends the process once nobody has used it for long; the next call starts it again. */
  #watchIdle(): void {
    const { clock, idleTimeoutMs } = this.#options;
    if (idleTimeoutMs === undefined) return;
    this.#idleTimer?.[Symbol.dispose]();
    const wait = Math.max(1, this.#lastUsed + idleTimeoutMs - clock.now());
    const due = clock.now() + wait;
    this.#idleTimer = clock.after(wait, () => {
      this.#idleTimer = undefined;
      if (this.#life.state !== "ready") return;
      const now = clock.now();
      const inUse = this.#conversation.waiting > 0 || this.#queue.size > 0 ||
        this.#options.listener.isNeeded();
      // Late by more than itself, and than a busy machine makes it: it slept, and so did whoever would
      // have used the server.
      if (inUse || now - due > Math.max(wait, SWEEP_MS)) this.#lastUsed = now;
      if (now - this.#lastUsed < idleTimeoutMs) return this.#watchIdle();
      this.#rest();
    });
  }

  #rest(): void {
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
    for (const call of this.#queue.clear()) call.fail(fault);
  }

  async #closeWire(grace: CloseGrace = UNHURRIED): Promise<void> {
    const wire = this.#conversation.wire;
    this.#conversation.wire = undefined;
    this.#startTimer?.[Symbol.dispose]();
    await wire?.close(grace);
  }

  // ---- calls

  #mayRun(owner: string): boolean {
    // A process that does not read is given nothing more, and one that is about to end never: what waits
    // goes to the next one.
    return this.#conversation.hasRoom &&
      this.#conversation.waiting < this.#options.maxCalls &&
      this.#conversation.waitingFor(owner) < this.#options.maxCallsPerOwner &&
      !(this.#takesTurns && this.#conversation.othersWait(owner));
  }

  #dispatch(call: UpstreamCall): void {
    this.#conversation.dispatch(call);
    this.#watchDeadlines();
  }

  #watchDeadlines(): void {
    if (this.#sweepTimer !== undefined) return;
    const { clock, callTimeoutMs } = this.#options;
    const interval = Math.min(SWEEP_MS, callTimeoutMs / 4);
    const due = clock.now() + interval;
    this.#sweepTimer = clock.after(interval, () => {
      this.#sweepTimer = undefined;
      this.#sweep(Math.max(0, clock.now() - due - interval));
    });
  }

  /** @param late Milliseconds this machine or process slept: they are nobody's fault. */
  #sweep(late: number): void {
    const { clock, callTimeoutMs } = this.#options;
    const now = clock.now();
    const silence = `${callTimeoutMs / 1000} s`;
    for (const call of this.#conversation.overdue(now, late)) {
      this.abandon(call, `no answer within ${silence}`);
      call.fail(
        new Fault(
          "upstream_timeout",
          `Server ${JSON.stringify(this.name)} did not answer ${call.method} within ${silence}`,
          { server: this.name },
        ),
      );
    }
    // While the server is being started, the time of the start counts, and nobody's own.
    const waiting = this.#life.state === "ready" ? [...this.#queue] : [];
    for (const call of waiting) {
      call.waitsUntil = call.waitsUntil! + late;
      if (now < call.waitsUntil) continue;
      this.#queue.remove(call);
      call.fail(
        new Fault(
          "upstream_timeout",
          `Server ${
            JSON.stringify(this.name)
          } was too busy to take ${call.method} within ${silence}`,
          { server: this.name, retryable: true },
        ),
      );
    }
    if (this.#passes >= MAX_PASSES && this.#life.state === "ready") {
      this.#passes = MAX_PASSES - 1;
      this.#pump();
    }
    if (this.#conversation.waiting > 0 || this.#queue.size > 0) this.#watchDeadlines();
  }

  // ---- lines from the server

  /** A fault in handling one line must not end the reading of all others. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#onReadingFault(error);
    }
  }

  #onReadingFault(error: unknown): void {
    const { stack = String(error) } = error as Error;
    this.#options.log.error("fault while reading from a server", { server: this.name, stack });
  }
}
