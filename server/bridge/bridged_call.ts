/**
 * One call at a legacy server for a modern client: the server's side goes on from its beginning to its
 * answer, while the client's side is several calls, one after the other, each with the answers to what
 * the one before was told to ask.
 *
 * One state at a time: a client's call waits; or nobody does and the call is parked, perhaps with its
 * outcome; or it is over. See `modern_on_legacy.ts` for what is guaranteed.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import { isObject, type JsonObject, parseJson, stringifyJson } from "../../protocol/json.ts";
import { CACHEABLE_METHODS, metaOf, MULTI_ROUND_METHODS } from "../../protocol/modern.ts";
import type { Clock } from "../../platform/clock.ts";
import type { UpstreamCall } from "../upstream/call.ts";
import type { Instance } from "../upstream/instance.ts";
import type { Answer, Askable, OpenQuestion, Question } from "../upstream/question.ts";
import type { ClientCall } from "./client_call.ts";
import { missingCapability } from "./needed_capability.ts";
import { withMembers } from "./result_text.ts";
import { modernError, modernMembers, modernResult, readRequiredUrls } from "./shapes.ts";

/** Milliseconds in which questions are collected before the client is asked all of them. */
const COLLECT_MS = 15;
/** Milliseconds that a client may take to come back with answers. */
const PARKED_MS = 600_000;
/** The same, when others wait for their turn at the server meanwhile. */
const PARKED_WHILE_OTHERS_WAIT_MS = 60_000;

/** Where a call is made, and kept while its client gathers answers. */
export interface BridgedCallKeeper {
  readonly instance: Instance;
  readonly clock: Clock;
  /** Sums up what a call is about; a client must ask for the same again. */
  digest(call: Pick<ClientCall, "method" | "params">): string;
  /** Keeps it. @returns under which name; undefined when that cannot be. */
  park(call: BridgedCall): string | undefined;
  unpark(state: string): void;
}

interface Asked {
  question: Question;
  settled: PromiseWithResolvers<Answer>;
}

type Outcome = (call: ClientCall) => void;

/** One call at the server, and the client's calls that wait for it, one after the other. */
export class BridgedCall implements UpstreamCall, Askable {
  readonly owner: string;
  readonly turn: string;
  /** That of the client's call that began it. */
  readonly id: string;
  readonly method: string;
  /** As the server is to see them. */
  readonly params: JsonObject | undefined;
  readonly inRounds: boolean;
  capabilities: JsonObject;
  waitsUntil?: number;
  readonly #principal: string;
  readonly #keeper: BridgedCallKeeper;
  /** As the client gave them first. */
  readonly #clientParams: JsonObject | undefined;
  /** The client's call that waits now; undefined while the client gathers answers. */
  #waiting: ClientCall | undefined;
  #asked: Map<string, Asked> | undefined;
  #lastKey = 0;
  /** Under which name it is parked. */
  #state: string | undefined;
  #wasParked = false;
  #collecting: Disposable | undefined;
  #expiry: Disposable | undefined;
  /** How it ended, while nobody waits for it. */
  #outcome: Outcome | undefined;
  /** What the server wanted and its client cannot do. */
  #missing: JsonObject | undefined;
  #over = false;
  #onOver: (() => void)[] | undefined;

  /** @param params As the server is to see them. */
  constructor(call: ClientCall, params: JsonObject, keeper: BridgedCallKeeper) {
    this.owner = call.owner;
    this.turn = call.turn;
    this.id = call.id;
    this.method = call.method;
    this.params = params;
    this.#clientParams = call.params;
    this.inRounds = MULTI_ROUND_METHODS.has(call.method);
    this.capabilities = call.capabilities;
    this.#principal = call.principal;
    this.#keeper = keeper;
    this.#wait(call);
  }

  begin(): void {
    this.#keeper.instance.submit(this);
  }

  /** Whether a client's call may go on with this one. */
  belongsTo(call: ClientCall, digest: string): boolean {
    return call.principal === this.#principal && this.#waiting === undefined &&
      digest === this.#keeper.digest({ method: this.method, params: this.#clientParams });
  }

  /** Takes it back while the server has not had it. @returns the client's call, to be made elsewhere. */
  withdraw(isMeant: (call: ClientCall) => boolean): ClientCall | undefined {
    const call = this.#waiting;
    // One that was parked before is known here and nowhere else.
    if (call === undefined || this.#wasParked || !isMeant(call)) return undefined;
    if (!this.#keeper.instance.withdraw(this)) return undefined;
    this.#waiting = undefined;
    this.#end();
    return call;
  }

  /** The client comes back with answers. */
  resume(call: ClientCall, responses: JsonObject): void {
    this.#forget();
    // Every request says for itself what its client can do.
    this.capabilities = call.capabilities;
    this.#wait(call);
    const asked = this.#asked ?? [];
    for (const [key, { settled }] of [...asked]) {
      // What is no result at all is asked for again, as what is missing.
      if (!Object.hasOwn(responses, key) || !isObject(responses[key])) continue;
      this.#asked?.delete(key);
      settled.resolve({ result: responses[key] });
    }
    if (this.#outcome !== undefined) return this.#deliver(this.#outcome);
    if (this.#openQuestions > 0) this.#collect();
  }

  /** The process is gone: whoever comes back is told how it ended, or that nothing is known of it. */
  lose(): void {
    if (this.#outcome !== undefined) return;
    this.#end();
    this.#forget();
  }

  // ---- as the server's side sees it

  answer(text: string): void {
    const plain = this.#isPlain() ? withMembers(text, this.#members()) : undefined;
    try {
      if (plain !== undefined) {
        // Not read, but looked at: what is no JSON is told, and nobody waits for it for ever.
        JSON.parse(text);
        return this.#deliver((call) => call.answer(plain));
      }
      this.#onAnswer(parseJson(text) as JsonObject);
    } catch (cause) {
      // Its text was not read on the way here: it may be no JSON (Python writes NaN), or nest too deeply.
      this.fail(
        new Fault("upstream_invalid", `Cannot read the answer to ${this.method}`, { cause }),
      );
    }
  }

  #onAnswer({ result, error }: JsonObject): void {
    const missing = this.#missing;
    const isFailure = error !== undefined || (isObject(result) && result.isError === true);
    // Source: MCP 2026-07-28, basic/index, "_meta".
    if (missing !== undefined && isFailure) {
      return this.#deliver((call) => call.fail(cannotWithout(missing, error ?? result)));
    }
    const urls = readRequiredUrls(error);
    if (urls !== undefined && this.inRounds) return this.#askForUrls(urls);
    const { initializeResult } = this.#keeper.instance;
    this.#deliver((call) =>
      error === undefined
        ? call.succeed(modernResult(this.method, result, initializeResult?.serverInfo))
        : call.failWith(modernError(error))
    );
  }

  /** Whether a result is passed on with no more than a few members added. */
  #isPlain(): boolean {
    return this.#waiting?.id === this.id && this.#missing === undefined &&
      !CACHEABLE_METHODS.has(this.method);
  }

  #members(): { id: string; members: string } {
    const { initializeResult } = this.#keeper.instance;
    return { id: this.id, members: modernMembers(initializeResult?.serverInfo) };
  }

  fail(fault: Fault): void {
    this.#deliver((call) => call.fail(fault));
  }

  progress(text: string): void {
    const call = this.#waiting;
    if (call === undefined) return;
    // Whoever waits now may have another name for it than who began, or not want to hear of it.
    const { progressToken } = metaOf(call.params);
    if (progressToken === undefined) return;
    if (progressToken === metaOf(this.params).progressToken) return void call.notify(text);
    const message = parseJson(text) as JsonObject;
    const params = { ...message.params as JsonObject, progressToken };
    call.notify(stringifyJson({ ...message, params }));
  }

  ask(question: Question): OpenQuestion {
    const settled = Promise.withResolvers<Answer>();
    // Whoever asked may have lost interest, and then nobody looks at the outcome.
    settled.promise.catch(() => {});
    const asked = { question, settled };
    const key = `q${++this.#lastKey}`;
    if (this.#refuse(asked)) return { answer: settled.promise, cancel() {} };
    (this.#asked ??= new Map()).set(key, asked);
    this.#collect();
    return {
      answer: settled.promise,
      cancel: (reason) => {
        if (this.#asked?.delete(key) !== true) return;
        settled.reject(new Fault("cancelled", `${question.method}: ${reason}`));
      },
    };
  }

  whenSettled(callback: () => void): void {
    if (this.#over) callback();
    else (this.#onOver ??= []).push(callback);
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

  /** Settles a question that its client cannot be asked. @returns whether it did. */
  #refuse({ question, settled }: Asked): boolean {
    const { method } = question;
    if (!this.inRounds) {
      settled.reject(
        new Fault(
          "unattributable",
          `Cannot ask the client ${method}: while ${this.method} is under way, it takes no questions`,
        ),
      );
      return true;
    }
    const missing = missingCapability(this.capabilities, question);
    if (missing === undefined) return false;
    // Roots are guidance that servers ask for in passing and do without (every browser that is driven asks
    // at its client's first call): a failure that follows has its own reason, and that is what is told.
    if (method !== "roots/list") this.#missing = { ...this.#missing, ...missing };
    settled.reject(
      new Fault(
        "method_not_found",
        `Cannot take ${JSON.stringify(method)}: the client declared no such capability`,
      ),
    );
    return true;
  }

  /** A short while, so that questions asked together are answered together. */
  #collect(): void {
    this.#collecting ??= this.#keeper.clock.after(COLLECT_MS, () => {
      this.#collecting = undefined;
      this.#answerWithQuestions();
    });
  }

  #answerWithQuestions(): void {
    // The client may have come back saying that it can do less.
    const questions = this.#asked ?? new Map<string, Asked>();
    for (const [key, asked] of [...questions]) if (this.#refuse(asked)) questions.delete(key);
    const call = this.#waiting;
    if (call === undefined || questions.size === 0) return;
    const inputRequests = Object.fromEntries(
      [...questions].map(([key, { question }]) => [key, modernQuestion(question)]),
    );
    const { clock, instance } = this.#keeper;
    const state = this.#keeper.park(this);
    if (state === undefined) {
      this.#giveUp("too many calls are parked");
      return call.fail(
        new Fault(
          "overloaded",
          `Server ${JSON.stringify(instance.name)} needs answers of the client to go on with ` +
            `${this.method}, and too many calls wait for such answers already; the server may have ` +
            `begun it, so look before you make it again`,
          // The server has had the call: it asked for its sake.
          { server: instance.name, retryable: false },
        ),
      );
    }
    this.#state = state;
    this.#wasParked = true;
    this.#waiting = undefined;
    // Its client is being asked: the server is not silent, and has no less time than the client.
    instance.heardOf(this.owner);
    const timeouts = [...questions.values()].map(({ question }) => question.timeoutMs);
    this.#watchExpiry(clock.now() + Math.min(PARKED_MS, ...timeouts));
    call.succeed({ resultType: "input_required", inputRequests, requestState: state });
  }

  /** Nobody may come back: the sooner the server is told, the more it is in the way of others. */
  #watchExpiry(due: number): void {
    const { clock, instance } = this.#keeper;
    const wait = Math.min(PARKED_WHILE_OTHERS_WAIT_MS, due - clock.now());
    this.#expiry = clock.after(wait, () => {
      // What is only kept for its client is in nobody's way.
      const isInTheWay = !this.#over && instance.callsQueued > 0;
      if (clock.now() < due && !isInTheWay) return this.#watchExpiry(due);
      this.#giveUp("nobody came back");
      this.#forget();
    });
  }

  /**
   * Servers of 2025-11-25 end a call with URLs that the user is to visit first (-32042). The client is
   * told to have them visited, and then the call is made again. Source: MCP 2025-11-25,
   * client/elicitation, "URL Elicitation Required Error".
   */
  #askForUrls(urls: readonly JsonObject[]): void {
    const { instance } = this.#keeper;
    const visits = urls.map((params) =>
      this.ask({ method: "elicitation/create", params, timeoutMs: PARKED_MS }).answer
    );
    const missing = this.#missing;
    if (missing !== undefined) return this.#deliver((call) => call.fail(cannotWithout(missing)));
    Promise.all(visits).then((answers) => {
      if (this.#over) return;
      const wereVisited = answers.every((answer) =>
        "result" in answer && isObject(answer.result) && answer.result.action === "accept"
      );
      if (wereVisited) instance.submit(this);
      else {this.fail(
          new Fault("cancelled", "The user did not visit the URL that the server needs"),
        );}
    }, () => {
      const missing = this.#missing;
      // Otherwise it was cancelled, and nobody waits for it.
      if (this.#over || missing === undefined) return;
      // The client came back and can do less than before; the server has answered, and will not again.
      this.#deliver((call) => call.fail(cannotWithout(missing)));
    });
  }

  /** Nobody wants the answer any more. */
  #giveUp(reason: string): void {
    if (this.#over) return;
    this.#keeper.instance.abandon(this, reason);
    this.#end();
  }

  #deliver(outcome: Outcome): void {
    this.#end();
    const call = this.#waiting;
    if (call !== undefined) {
      this.#waiting = undefined;
      this.#forget();
      outcome(call);
    } else if (this.#state !== undefined) this.#outcome = outcome;
  }

  /** The server has nothing more to do with it. */
  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#collecting?.[Symbol.dispose]();
    for (const { question, settled } of this.#asked?.values() ?? []) {
      settled.reject(new Fault("cancelled", `${question.method}: the call it belonged to is over`));
    }
    this.#asked?.clear();
    for (const callback of this.#onOver?.splice(0) ?? []) callback();
  }

  get #openQuestions(): number {
    return this.#asked?.size ?? 0;
  }

  /** It is not to be found any more. */
  #forget(): void {
    this.#expiry?.[Symbol.dispose]();
    if (this.#state !== undefined) this.#keeper.unpark(this.#state);
    this.#state = undefined;
  }
}

/** What is told to whoever comes back for a call that is not there, or not theirs. */
export function stateUnknown(): Fault {
  return new Fault(
    "invalid_params",
    `Cannot go on: this "requestState" is not known here, has expired, or belongs to another call; ` +
      `make the call anew without it`,
  );
}

/** The server could not do it without asking, and said so. */
function cannotWithout(requiredCapabilities: JsonObject, why?: unknown): Fault {
  return new Fault(
    "missing_capability",
    `The server needs more than the client declared: ${
      Object.keys(requiredCapabilities).join(", ")
    }`,
    {
      extra: { requiredCapabilities },
      ...(why === undefined ? {} : { detail: JSON.stringify(why).slice(0, 500) }),
    },
  );
}

/** A question as a modern client is asked it. */
function modernQuestion({ method, params }: Question): JsonObject {
  const { _meta: _, elicitationId: __, ...rest } = params ?? {};
  return params === undefined ? { method } : { method, params: rest };
}
