/**
 * Which calls a server is given, and when: at once while there is room, else each in its turn, until its
 * deadline. Whether the server runs is for the instance to know.
 *
 * Guarantees: a call that was taken is given to the server, fails, or is taken back, once; no client has
 * more of the server than its part while others wait.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { Fault } from "../../protocol/errors.ts";
import type { UpstreamCall } from "./call.ts";
import type { Conversation } from "./conversation.ts";
import { Sweeps } from "./sweeps.ts";
import { WaitingCalls } from "./waiting_calls.ts";

/** Options of {@linkcode Dispatcher}; the bounds may be others at any time. */
export interface DispatcherOptions {
  /** Name of the server. */
  name: string;
  clock: Clock;
  /** Milliseconds that a call may be silent, and that it may wait for its turn. */
  callTimeoutMs: number;
  /** Calls given to the server at once. */
  maxCalls: number;
  /** Calls of one client given to the server at once. */
  maxCallsPerOwner: number;
  /** See `WaitingCallsOptions`. */
  maxQueued: number;
}

/**
 * Calls that a client may still make at once while another one waits for its turn, and one a second
 * beyond: without end the other would never have it, and with none a call could wait for another of its
 * own client's for ever.
 */
const MAX_PASSES = 2;

/** The calls at one server, whichever process it has. */
export class Dispatcher {
  readonly #conversation: Conversation;
  readonly #options: DispatcherOptions;
  readonly #isReady: () => boolean;
  readonly #waiting: WaitingCalls;
  readonly #sweeps: Sweeps;
  /** Calls that were made a second time. */
  readonly #repeated = new WeakSet<UpstreamCall>();
  /** Whether calls of different clients take turns, so that every question has one possible asker. */
  #takesTurns = false;
  /** Calls of whoever has the turn that were given out while the next one waited for it. */
  #passes = 0;

  /** @param isReady Whether the server runs, and takes calls. */
  constructor(
    conversation: Conversation,
    options: DispatcherOptions,
    isReady: () => boolean,
  ) {
    this.#conversation = conversation;
    this.#options = options;
    this.#isReady = isReady;
    const { clock, callTimeoutMs } = options;
    this.#waiting = new WaitingCalls(options);
    this.#sweeps = new Sweeps({ clock, callTimeoutMs, onSweep: (late) => this.#sweep(late) });
  }

  /** Those that wait for their turn. */
  get queued(): WaitingCalls {
    return this.#waiting;
  }

  /** Whether a call of `owner` would meet no other client's here, neither waiting nor in flight. */
  isFreeFor(owner: string): boolean {
    if (!this.#conversation.isFreeFor(owner)) return false;
    for (const call of this.#waiting) if (call.owner !== owner) return false;
    return true;
  }

  /** From now on, calls of different clients take turns. */
  takeTurns(): void {
    this.#takesTurns = true;
  }

  /** Gives a call to the server, where nothing is before it. @returns whether it did. */
  giveAtOnce(call: UpstreamCall): boolean {
    if (!this.#isReady() || this.#waiting.size > 0 || !this.#mayRun(call.owner)) return false;
    this.#give(call);
    return true;
  }

  /** The call waits for its turn from now on. @returns why it cannot, where it is too much. */
  add(call: UpstreamCall): Fault | undefined {
    const refusal = this.#waiting.refusalOf(call);
    if (refusal !== undefined) return refusal;
    this.#waiting.push(call);
    this.#sweeps.begin();
    return undefined;
  }

  /** Gives out what waits, as far as there is room; the server must run. */
  giveOut(): void {
    const mayRun = (owner: string) => this.#mayRun(owner);
    while (this.#conversation.waiting < this.#options.maxCalls && this.#conversation.hasRoom) {
      const next = this.#waiting.next;
      const isKept = this.#takesTurns && next !== undefined && this.#conversation.othersWait(next);
      if (isKept && this.#passes >= MAX_PASSES) return;
      const call = this.#waiting.shift(mayRun);
      if (call === undefined) return;
      this.#passes = isKept ? this.#passes + 1 : 0;
      this.#give(call);
    }
  }

  /** Nobody waits for `call` any more. The server is told, if it has it. */
  abandon(call: UpstreamCall, reason: string): void {
    if (this.#waiting.remove(call)) return;
    this.#conversation.abandon(call, reason);
    if (this.#isReady()) this.giveOut();
  }

  /** Takes a call back that still waits for its turn. @returns whether it did. */
  withdraw(call: UpstreamCall): boolean {
    return this.#waiting.remove(call);
  }

  /** The process is gone, and calls that it never had go to the next one, ahead of those that came later. */
  requeue(ids: readonly number[]): void {
    for (const id of ids.toReversed()) {
      const call = this.#conversation.takeBack(id);
      if (call !== undefined) this.#waiting.unshift(call);
    }
    if (this.#waiting.size > 0) this.#sweeps.begin();
  }

  /** Makes a call once more that does no harm when it is made twice. @returns whether it may be. */
  repeat(call: UpstreamCall): boolean {
    if (this.#repeated.has(call)) return false;
    this.#repeated.add(call);
    this.#waiting.push(call);
    this.#sweeps.begin();
    return true;
  }

  /** The server runs: all begin to wait now. */
  renew(): void {
    this.#waiting.renew();
  }

  /** Fails all that wait. */
  failWaiting(fault: Fault): void {
    for (const call of this.#waiting.clear()) call.fail(fault);
  }

  /** No deadline matters any more. */
  end(): void {
    this.#sweeps.end();
  }

  #mayRun(owner: string): boolean {
    // A process that does not read is given nothing more, and one that is about to end never: what waits
    // goes to the next one.
    return this.#conversation.hasRoom &&
      this.#conversation.waiting < this.#options.maxCalls &&
      this.#conversation.waitingFor(owner) < this.#options.maxCallsPerOwner &&
      !(this.#takesTurns && this.#conversation.othersWait(owner));
  }

  #give(call: UpstreamCall): void {
    this.#conversation.dispatch(call);
    this.#sweeps.begin();
  }

  /** @param late Milliseconds this machine or process slept: they are nobody's fault. */
  #sweep(late: number): void {
    const { name, clock, callTimeoutMs } = this.#options;
    const server = JSON.stringify(name);
    const now = clock.now();
    const silence = `${callTimeoutMs / 1000} s`;
    for (const call of this.#conversation.overdue(now, late)) {
      this.abandon(call, `no answer within ${silence}`);
      call.fail(
        new Fault(
          "upstream_timeout",
          `Server ${server} did not answer ${call.method} within ${silence}; raise its "callTimeout" in ` +
            "config.json if it is just slow",
          { server: name },
        ),
      );
    }
    // While the server is being started, the time of the start counts, and nobody's own.
    for (const call of this.#isReady() ? this.#waiting.takeOverdue(now, late) : []) {
      call.fail(
        new Fault(
          "upstream_timeout",
          `Server ${server} was too busy to take ${call.method} within ${silence}; make fewer calls at ` +
            `once, or raise its "callTimeout" in config.json`,
          { server: name, retryable: true },
        ),
      );
    }
    if (this.#passes >= MAX_PASSES && this.#isReady()) {
      this.#passes = MAX_PASSES - 1;
      this.giveOut();
    }
    if (this.#conversation.waiting > 0 || this.#waiting.size > 0) this.#sweeps.begin();
  }
}
