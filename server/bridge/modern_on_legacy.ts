/**
 * A modern client's call at a legacy server. The server asks while it works; the client wants to be
 * asked by the end of an answer. So the server's call is parked while the client's is answered with the
 * questions, and goes on when the client calls again with the answers.
 *
 * Guarantees: each of the client's calls is settled once; a parked call is found again only by the same
 * principal, with the same method and params, under a name that nobody can guess, within its time; when
 * nobody comes back for it, the server is told. Not guaranteed: that a parked call survives the daemon.
 *
 * Source: MCP 2026-07-28, basic/patterns/mrtr.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { Fault } from "../../protocol/errors.ts";
import { isObject, type JsonObject, parseJson, stringifyJson } from "../../protocol/json.ts";
import { metaOf, MULTI_ROUND_METHODS, withoutModernMeta } from "../../protocol/modern.ts";
import type { UpstreamCall } from "../upstream/call.ts";
import type { Instance } from "../upstream/instance.ts";
import type { Answer, Askable, OpenQuestion, Question } from "../upstream/question.ts";
import type { ClientCall } from "./client_call.ts";
import { modernError, modernResult } from "./shapes.ts";

/** Milliseconds in which questions are collected before the client is asked all of them. */
const COLLECT_MS = 15;
/** Milliseconds that a client may take to come back with answers. */
const PARKED_MS = 600_000;
/** Calls parked at one server at once. */
const MAX_PARKED = 1_000;

/** Options of {@linkcode LegacyServer}. */
export interface LegacyServerOptions {
  instance: Instance;
  clock: Clock;
}

/** A legacy server, for modern clients. */
export class LegacyServer {
  readonly #options: LegacyServerOptions;
  readonly #parked = new Map<string, BridgedCall>();

  constructor(options: LegacyServerOptions) {
    this.#options = options;
  }

  /** Makes the call, or goes on with one that was parked; it will be settled. */
  request(call: ClientCall): void {
    const { inputResponses, requestState, ...params } = call.params ?? {};
    const isRetry = inputResponses !== undefined || requestState !== undefined;
    if (isRetry && MULTI_ROUND_METHODS.has(call.method)) {
      return this.#resume(call, { inputResponses, requestState, digest: digestOf(call, params) });
    }
    const bridged = new BridgedCall(call, {
      ...this.#options,
      params: withMeta(params, withoutModernMeta(metaOf(params))),
      digest: digestOf(call, params),
      park: (parked) => this.#park(parked),
      unpark: (state) => this.#parked.delete(state),
    });
    bridged.begin();
  }

  /** The process is gone: whatever was parked there is over. */
  clear(): void {
    for (const parked of [...this.#parked.values()]) parked.fail(gone());
  }

  #resume(
    call: ClientCall,
    { inputResponses, requestState, digest }: {
      inputResponses: unknown;
      requestState: unknown;
      digest: string;
    },
  ): void {
    const parked = typeof requestState === "string" ? this.#parked.get(requestState) : undefined;
    // One answer for all of it: whoever guesses learns nothing.
    if (parked === undefined || !parked.belongsTo(call, digest)) return call.fail(gone());
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
    return state;
  }
}

interface BridgedCallOptions extends LegacyServerOptions {
  params: JsonObject | undefined;
  digest: string;
  park(call: BridgedCall): string | undefined;
  unpark(state: string): void;
}

interface Asked {
  question: Question;
  settled: PromiseWithResolvers<Answer>;
}

/** One call at the server, and the client's calls that wait for it, one after the other. */
class BridgedCall implements UpstreamCall, Askable {
  readonly owner: string;
  readonly client: string;
  readonly id = "0";
  readonly method: string;
  readonly params: JsonObject | undefined;
  readonly capabilities: JsonObject;
  waitsUntil?: number;
  readonly #principal: string;
  readonly #options: BridgedCallOptions;
  /** The client's call that waits now; undefined while the client gathers answers. */
  #waiting: ClientCall | undefined;
  readonly #asked = new Map<string, Asked>();
  #lastKey = 0;
  #state: string | undefined;
  #collecting: Disposable | undefined;
  #expiry: Disposable | undefined;
  /** How it ended, while nobody waits for it. */
  #outcome: ((call: ClientCall) => void) | undefined;
  #over = false;
  readonly #onOver: (() => void)[] = [];

  constructor(call: ClientCall, options: BridgedCallOptions) {
    this.owner = call.owner;
    this.client = call.client;
    this.method = call.method;
    this.params = options.params;
    this.capabilities = call.capabilities;
    this.#principal = call.principal;
    this.#options = options;
    this.#wait(call);
  }

  begin(): void {
    this.#options.instance.submit(this);
  }

  /** Whether a client's call may go on with this one. */
  belongsTo(call: ClientCall, digest: string): boolean {
    return call.principal === this.#principal && digest === this.#options.digest &&
      this.#waiting === undefined;
  }

  /** The client comes back with answers. */
  resume(call: ClientCall, responses: JsonObject): void {
    this.#options.unpark(this.#state!);
    this.#state = undefined;
    this.#expiry?.[Symbol.dispose]();
    this.#wait(call);
    for (const [key, { settled }] of [...this.#asked]) {
      if (!Object.hasOwn(responses, key)) continue;
      this.#asked.delete(key);
      settled.resolve({ result: responses[key] });
    }
    if (this.#outcome !== undefined) return this.#deliver(this.#outcome);
    // What was not answered is asked again.
    if (this.#asked.size > 0) this.#collect();
  }

  // ---- as the server's side sees it

  answer(text: string): void {
    const { result, error } = parseJson(text) as JsonObject;
    const { initializeResult } = this.#options.instance;
    this.#deliver((call) =>
      error === undefined
        ? call.succeed(modernResult(this.method, result, initializeResult?.serverInfo))
        : call.failWith(modernError(error))
    );
  }

  fail(fault: Fault): void {
    this.#deliver((call) => call.fail(fault));
  }

  progress(text: string): void {
    this.#waiting?.notify(text);
  }

  ask(question: Question): OpenQuestion {
    const key = `q${++this.#lastKey}`;
    const settled = Promise.withResolvers<Answer>();
    // Whoever asked may have lost interest, and then nobody looks at the outcome.
    settled.promise.catch(() => {});
    this.#asked.set(key, { question, settled });
    this.#collect();
    return {
      answer: settled.promise,
      cancel: (reason) => {
        if (!this.#asked.delete(key)) return;
        settled.reject(new Fault("cancelled", `${question.method}: ${reason}`));
      },
    };
  }

  whenSettled(callback: () => void): void {
    if (this.#over) callback();
    else this.#onOver.push(callback);
  }

  /** A log message of the server's that belongs to this call. */
  notify(text: string): boolean {
    return this.#waiting?.notify(text) ?? false;
  }

  get logLevel(): string | null {
    return this.#waiting?.logLevel ?? null;
  }

  // ---- as the client's side sees it

  #wait(call: ClientCall): void {
    this.#waiting = call;
    call.whenCancelled((reason) => {
      if (this.#waiting !== call) return;
      this.#waiting = undefined;
      this.#giveUp(reason);
    });
  }

  /** A short while, so that questions asked together are answered together. */
  #collect(): void {
    this.#collecting ??= this.#options.clock.after(COLLECT_MS, () => {
      this.#collecting = undefined;
      this.#answerWithQuestions();
    });
  }

  #answerWithQuestions(): void {
    const call = this.#waiting;
    if (call === undefined || this.#asked.size === 0) return;
    const state = this.#options.park(this);
    if (state === undefined) {
      this.#giveUp("too many calls are parked");
      return call.fail(new Fault("overloaded", "Too many calls wait for answers of clients"));
    }
    this.#state = state;
    this.#waiting = undefined;
    this.#expiry = this.#options.clock.after(PARKED_MS, () => {
      this.#giveUp("nobody came back");
      this.#forget();
    });
    call.succeed({
      resultType: "input_required",
      inputRequests: Object.fromEntries(
        [...this.#asked].map(([key, { question }]) => [key, modernQuestion(question)]),
      ),
      requestState: state,
    });
  }

  /** Nobody wants the answer any more. */
  #giveUp(reason: string): void {
    if (this.#over) return;
    this.#options.instance.abandon(this, reason);
    this.#end();
  }

  #deliver(outcome: (call: ClientCall) => void): void {
    this.#end();
    const call = this.#waiting;
    if (call !== undefined) {
      this.#forget();
      outcome(call);
    } else this.#outcome = outcome;
  }

  /** The server has nothing more to do with it. */
  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#collecting?.[Symbol.dispose]();
    for (const { question, settled } of this.#asked.values()) {
      settled.reject(new Fault("cancelled", `${question.method}: the call it belonged to is over`));
    }
    this.#asked.clear();
    for (const callback of this.#onOver.splice(0)) callback();
    if (this.#waiting === undefined && this.#state === undefined) this.#forget();
  }

  #forget(): void {
    this.#expiry?.[Symbol.dispose]();
    if (this.#state !== undefined) this.#options.unpark(this.#state);
    this.#state = undefined;
  }
}

/** A question as a modern client is asked it. */
function modernQuestion({ method, params }: Question): JsonObject {
  const { _meta: _, elicitationId: __, ...rest } = params ?? {};
  return params === undefined ? { method } : { method, params: rest };
}

function withMeta(params: JsonObject, meta: JsonObject | undefined): JsonObject | undefined {
  const { _meta: _, ...rest } = params;
  if (meta !== undefined) return { ...rest, _meta: meta };
  return rest;
}

/** What a call is about, whoever makes it and however often. */
function digestOf({ method }: ClientCall, { _meta: _, ...params }: JsonObject): string {
  return `${method} ${stringifyJson(sorted(params))}`;
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

function gone(): Fault {
  return new Fault(
    "invalid_params",
    `Cannot go on: this "requestState" is not known here, has expired, or belongs to another call; ` +
      `make the call anew without it`,
  );
}
