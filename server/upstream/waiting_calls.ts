/**
 * The calls that wait for their turn at one server, each until its deadline, and how many they may be: a
 * bound in weight, because one call can be as much as ten thousand others. How many there may be of one
 * session is the exchange's business.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { Fault } from "../../protocol/errors.ts";
import type { UpstreamCall } from "./call.ts";
import { FairQueue } from "./fair_queue.ts";
import { weightOf } from "./weight.ts";

/** Options of {@linkcode WaitingCalls}. */
export interface WaitingCallsOptions {
  /** Name of the server. */
  name: string;
  clock: Clock;
  /** Milliseconds that a call waits. */
  callTimeoutMs: number;
  /** Most that all may weigh; see {@linkcode weightOf}. */
  maxQueued: number;
}

/** Part of `maxQueued` that one client's calls may be. */
const SHARE = 0.75;

/** A fair queue with deadlines and bounds. */
export class WaitingCalls {
  readonly #options: WaitingCallsOptions;
  readonly #queue = new FairQueue<UpstreamCall>();

  constructor(options: WaitingCallsOptions) {
    this.#options = options;
  }

  /** Calls waiting in all. */
  get size(): number {
    return this.#queue.size;
  }

  /** See {@linkcode FairQueue.next}. */
  get next(): string | undefined {
    return this.#queue.next;
  }

  /** Why `call` cannot wait, or undefined when it can. Where none waits, any call can. */
  refusalOf(call: UpstreamCall): Fault | undefined {
    if (this.#queue.size === 0) return undefined;
    const { name, maxQueued } = this.#options;
    const weight = weighed(call);
    const beside = this.#queue.weightBeside(call);
    const isOnes = beside + weight > maxQueued * SHARE;
    if (!isOnes && this.#queue.weight + weight <= maxQueued) return undefined;
    const waiting = Math.ceil((isOnes ? beside : this.#queue.weight) / 1024);
    return new Fault(
      "overloaded",
      `Server ${JSON.stringify(name)} is too busy to take ${call.method}: ${waiting} KiB of ` +
        `${isOnes ? "this client's " : ""}calls wait for it already; wait for answers`,
      { server: name },
    );
  }

  /** The call waits from now on, whatever the bounds. */
  push(call: UpstreamCall): void {
    this.#queue.push(this.#begun(call));
  }

  /** So it does, ahead of all others of its turn. */
  unshift(call: UpstreamCall): void {
    this.#queue.unshift(this.#begun(call));
  }

  /** See {@linkcode FairQueue.shift}. */
  shift(mayRun: (owner: string) => boolean): UpstreamCall | undefined {
    return this.#queue.shift(mayRun);
  }

  /** Takes `call` out. @returns whether it was waiting. */
  remove(call: UpstreamCall): boolean {
    return this.#queue.remove(call);
  }

  /** Takes everything out. */
  clear(): UpstreamCall[] {
    return this.#queue.clear();
  }

  /** All begin to wait now: what they have waited for until now was not their turn. */
  renew(): void {
    const until = this.#deadline();
    for (const call of this.#queue) call.waitsUntil = until;
  }

  /**
   * Takes those out that have waited for too long.
   *
   * @param late Milliseconds this machine or process slept: they are nobody's fault.
   */
  takeOverdue(now: number, late: number): UpstreamCall[] {
    const overdue: UpstreamCall[] = [];
    for (const call of [...this.#queue]) {
      call.waitsUntil = call.waitsUntil! + late;
      if (now < call.waitsUntil) continue;
      this.#queue.remove(call);
      overdue.push(call);
    }
    return overdue;
  }

  [Symbol.iterator](): IterableIterator<UpstreamCall> {
    return this.#queue[Symbol.iterator]();
  }

  #begun(call: UpstreamCall): UpstreamCall {
    weighed(call);
    call.waitsUntil = this.#deadline();
    return call;
  }

  #deadline(): number {
    return this.#options.clock.now() + this.#options.callTimeoutMs;
  }
}

/** Once, and the same as long as it waits. */
function weighed(call: UpstreamCall): number {
  return call.weight ??= weightOf(call.params);
}
