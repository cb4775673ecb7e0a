/**
 * A modern client's call at a legacy server. The server asks while it works; the client wants to be
 * asked by the end of an answer. So the server's call is parked while the client's is answered with the
 * questions, and goes on when the client calls again with the answers.
 *
 * Guarantees: each of the client's calls is settled once; a parked call is found again only by the same
 * principal, with the same method and params, under a name that nobody can guess, once, within its time;
 * when nobody comes back for it, the server is told. Not guaranteed: that a parked call survives the
 * daemon.
 *
 * Source: MCP 2026-07-28, basic/patterns/mrtr.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Clock } from "../../platform/clock.ts";
import { Fault } from "../../protocol/errors.ts";
import { isObject, stringifyJson } from "../../protocol/json.ts";
import { metaOf, MULTI_ROUND_METHODS, withoutModernMeta } from "../../protocol/modern.ts";
import type { Instance } from "../upstream/instance.ts";
import { BridgedCall, type BridgedCallKeeper, stateUnknown } from "./bridged_call.ts";
import type { ClientCall } from "./client_call.ts";

/** Calls parked at one server at once. */
const MAX_PARKED = 1_000;

/** Options of {@linkcode LegacyServer}. */
export interface LegacyServerOptions {
  instance: Instance;
  clock: Clock;
  /** A call has been parked: whoever waits for its turn behind it may wait for long. */
  onParked?(): void;
}

/** A legacy server, for modern clients. */
export class LegacyServer {
  readonly #options: LegacyServerOptions;
  readonly #keeper: BridgedCallKeeper;
  readonly #parked = new Map<string, BridgedCall>();

  constructor(options: LegacyServerOptions) {
    this.#options = options;
    this.#keeper = {
      ...options,
      digest: digestOf,
      park: (call) => this.#park(call),
      unpark: (state) => this.#parked.delete(state),
    };
  }

  /** Calls that wait for their clients to come back. */
  get parked(): number {
    return this.#parked.size;
  }

  /** Whether a call is parked here under this name. */
  holds(requestState: string): boolean {
    return this.#parked.has(requestState);
  }

  /** Makes the call, or goes on with one that was parked; it will be settled. */
  request(call: ClientCall): void {
    const params = call.params ?? {};
    const { inputResponses, requestState } = params;
    // Answers without the state belong to nothing that was asked here: the server asks again.
    if (requestState !== undefined && MULTI_ROUND_METHODS.has(call.method)) {
      return this.#resume(call, { inputResponses, requestState });
    }
    const { inputResponses: _, requestState: __, _meta, ...rest } = params;
    const meta = withoutModernMeta(metaOf(params));
    const forServer = meta === undefined ? rest : { ...rest, _meta: meta };
    new BridgedCall(call, forServer, this.#keeper).begin();
  }

  /** Takes the calls back that the server has not had yet. */
  withdrawWaiting(isMeant: (call: ClientCall) => boolean): ClientCall[] {
    return [...this.#options.instance.queued].filter((call) => call instanceof BridgedCall)
      .map((bridged) => bridged.withdraw(isMeant)).filter((call) => call !== undefined);
  }

  /** The process is gone: whatever was parked there is over. */
  clear(): void {
    for (const parked of [...this.#parked.values()]) parked.lose();
  }

  #resume(
    call: ClientCall,
    { inputResponses, requestState }: { inputResponses: unknown; requestState: unknown },
  ): void {
    const parked = typeof requestState === "string" ? this.#parked.get(requestState) : undefined;
    // One answer for all of it: whoever guesses learns nothing.
    if (parked === undefined || !parked.belongsTo(call, digestOf(call))) {
      return call.fail(stateUnknown());
    }
    if (inputResponses !== undefined && !isObject(inputResponses)) {
      return call.fail(new Fault("invalid_params", `"inputResponses" must be an object`));
    }
    parked.resume(call, inputResponses ?? {});
  }

  /** @returns the `requestState` to find it by; undefined when there are too many. */
  #park(call: BridgedCall): string | undefined {
    if (this.#parked.size >= MAX_PARKED) return undefined;
    const state = `${crypto.randomUUID()}${crypto.randomUUID()}`;
    this.#parked.set(state, call);
    this.#options.onParked?.();
    return state;
  }
}

/** What a call is about, whoever makes it and however often. Short, whatever it is about. */
function digestOf({ method, params: all = {} }: Pick<ClientCall, "method" | "params">): string {
  const { _meta: _, inputResponses: __, requestState: ___, ...params } = all;
  return createHash("sha256").update(stringifyJson([method, sorted(params)])).digest("base64");
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([key, part]) => [
      key,
      sorted(part),
    ]),
  );
}
