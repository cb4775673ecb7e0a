/**
 * The calls a server has been given and not answered yet, by the integer id minted for each. An id is
 * used once in the life of an instance, so a late answer can never meet somebody else's call.
 *
 * A call whose client cancelled or left stays here, without its client, until the server answers it:
 * the server may still be working for it, and what it sends meanwhile must not be taken for another's.
 *
 * @module
 */

import { ChurningMap } from "../../platform/churning_map.ts";
import { DAEMON, type UpstreamCall } from "./call.ts";

/** One call given to the server. */
export interface Entry {
  readonly id: number;
  /** Undefined once abandoned. */
  call: UpstreamCall | undefined;
  /** JSON text of the client's progress token, when it has one. */
  readonly progressToken: string | undefined;
  /** Monotonic milliseconds after which the call has been silent for too long. */
  deadline: number;
  /** Whether its client has heard of it: progress, or a question. */
  heard: boolean;
  readonly counts: OwnerCounts;
}

interface OwnerCounts {
  readonly owner: string;
  /** Calls it waits for. */
  waiting: number;
  /** Calls the server has not answered, abandoned ones included. */
  unanswered: number;
}

/** What keeps a question of the server's from being given to one client. */
export type Doubt =
  /** Calls of several clients are unanswered. */
  | "several"
  /** No client has a call that is unanswered. */
  | "none";

/** Abandoned calls remembered. Beyond that, attribution is given up for this process. */
const MAX_ABANDONED = 10_000;

/** The table of calls in flight on one instance. */
export class InFlight {
  readonly #entries = new ChurningMap<number, Entry>();
  readonly #owners = new ChurningMap<string, OwnerCounts>();
  #waiting = 0;
  #attributionLost = false;
  #ever: { client: string } | "many" | undefined;

  /** Whether every call was answered, those that were given up as well. */
  get isQuiet(): boolean {
    return this.#entries.size === 0;
  }

  /** Whether the daemon's own calls are among those that are not answered. */
  get hasOwn(): boolean {
    return this.#owners.has(DAEMON);
  }

  /** Calls somebody waits for. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Calls `owner` waits for. */
  waitingFor(owner: string): number {
    return this.#owners.get(owner)?.waiting ?? 0;
  }

  /** Calls of `owner` that the server has not answered, abandoned ones included. */
  unansweredOf(owner: string): number {
    return this.#owners.get(owner)?.unanswered ?? 0;
  }

  /**
   * The only client this process has ever worked for, or undefined when there is none or more than one.
   * What it says of its own accord (logs, its last words) may come from work that went on after an
   * answer, so it may be given to nobody else.
   */
  get onlyClient(): string | undefined {
    return this.#ever === "many" ? undefined : this.#ever?.client;
  }

  /**
   * The only client with calls that are not answered, or undefined when there is none or more than one,
   * or when it has given up all of them. The daemon's own calls are work for nobody.
   */
  get soleOwner(): string | undefined {
    if (this.#attributionLost) return undefined;
    let sole: OwnerCounts | undefined;
    for (const counts of this.#owners.values()) {
      if (counts.owner === DAEMON) continue;
      if (sole !== undefined) return undefined;
      sole = counts;
    }
    return sole !== undefined && sole.waiting > 0 ? sole.owner : undefined;
  }

  /** Why there is no sole owner, when it is not that the only one has given up its calls. */
  get doubt(): Doubt | undefined {
    if (this.#attributionLost) return "several";
    let clients = 0;
    for (const { owner } of this.#owners.values()) if (owner !== DAEMON) clients++;
    if (clients === 0) return "none";
    return clients > 1 ? "several" : undefined;
  }

  /** Whether no client but `owner` has a call that is not answered, abandoned ones included. */
  isFreeFor(owner: string): boolean {
    if (this.#attributionLost) return false;
    for (const counts of this.#owners.values()) {
      if (counts.owner !== owner && counts.owner !== DAEMON) return false;
    }
    return true;
  }

  /** Whether a client other than `owner` waits for a call. */
  othersWait(owner: string): boolean {
    for (const counts of this.#owners.values()) {
      if (counts.waiting > 0 && counts.owner !== owner && counts.owner !== DAEMON) return true;
    }
    return false;
  }

  /** The calls somebody waits for, oldest first. */
  *live(): Generator<Entry & { call: UpstreamCall }> {
    for (const entry of this.#entries.values()) {
      if (entry.call !== undefined) yield entry as Entry & { call: UpstreamCall };
    }
  }

  add(
    call: UpstreamCall,
    { id, progressToken, deadline }: Pick<Entry, "id" | "progressToken" | "deadline">,
  ): void {
    if (call.owner !== DAEMON) this.workFor(call.owner);
    let counts = this.#owners.get(call.owner);
    if (counts === undefined) {
      counts = { owner: call.owner, waiting: 0, unanswered: 0 };
      this.#owners.set(call.owner, counts);
    }
    counts.waiting++;
    counts.unanswered++;
    this.#waiting++;
    this.#entries.set(id, { id, call, progressToken, deadline, counts, heard: false });
  }

  /** From now on the process works for `client` as well, whose call it is or on whose behalf it is made. */
  workFor(client: string): void {
    if (this.#ever === "many") return;
    this.#ever ??= { client };
    if (this.#ever.client !== client) this.#ever = "many";
  }

  get(id: number): Entry | undefined {
    return this.#entries.get(id);
  }

  /** Takes out the call that was answered. Undefined: no such call, or answered before. */
  take(id: number): Entry | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    this.#entries.delete(id);
    const { counts } = entry;
    counts.unanswered--;
    if (entry.call !== undefined) {
      counts.waiting--;
      this.#waiting--;
    }
    if (counts.unanswered === 0) this.#owners.delete(counts.owner);
    return entry;
  }

  /** Lets nobody wait for `call` any more. @returns its id, or undefined when it is not here. */
  abandon(call: UpstreamCall): number | undefined {
    for (const entry of this.#entries.values()) {
      if (entry.call !== call) continue;
      entry.call = undefined;
      entry.counts.waiting--;
      this.#waiting--;
      if (this.#entries.size - this.#waiting > MAX_ABANDONED) this.#forgetOldestAbandoned();
      return entry.id;
    }
    return undefined;
  }

  /** Takes everything out: the server is gone. @returns the calls somebody waits for. */
  clear(): (Entry & { call: UpstreamCall })[] {
    const calls = [...this.live()];
    this.#entries.clear();
    this.#owners.clear();
    this.#waiting = 0;
    this.#attributionLost = false;
    this.#ever = undefined;
    return calls;
  }

  #forgetOldestAbandoned(): void {
    this.#attributionLost = true;
    for (const entry of this.#entries.values()) {
      if (entry.call === undefined) return void this.take(entry.id);
    }
  }
}
