/**
 * The stdio bridge for the legacy era: one session of Streamable HTTP, whose messages take the short way
 * of `stdio_bridge_lane.ts` where there is one. Which daemon that is, and what it is spoken to by, is
 * `stdio_bridge_way.ts`'s; here is what becomes of a message when that fails.
 *
 * Guarantees: every request is answered exactly once, whatever happens to the daemon. When it restarts,
 * what it certainly did not execute is sent again to the next one, and only a call that was under way
 * gets an error. Notifications and answers are handed over in the order they came, and no request
 * overtakes them, nor anything an `initialize`. A server that waits for an answer which the daemon
 * refuses, because it is too long, gets an error in its place.
 *
 * @module
 */

import type { Fault } from "../../protocol/errors.ts";
import { messageOf } from "../../client/errors.ts";
import type { HttpWire } from "../../client/http_wire.ts";
import { delay } from "../../client/scope.ts";
import { NotSent } from "../../client/transport.ts";
import { Drained, errorText, faultOfAnswer, wasRefusedByDraining } from "./stdio_bridge_faults.ts";
import type { Lane, LaneCall } from "./stdio_bridge_lane.ts";
import { listen } from "./stdio_bridge_listening.ts";
import { readAnswer } from "./stdio_bridge_response.ts";
import { LegacySession } from "./stdio_bridge_session.ts";
import { type Reached, Ways } from "./stdio_bridge_way.ts";

/** Options of {@linkcode LegacySide}. */
export interface LegacySideOptions {
  /** Finds the daemon, and starts one where that is wanted. Throws when there is none. */
  reach(): Promise<Reached>;
  /** Name of the server; undefined for all of them together. */
  server: string | undefined;
  /** Absolute path of the project, for servers that have one. */
  project: string | undefined;
  /** Takes one message for the client, without its line end. */
  write(line: string): void;
  /** Told what a person may want to know. */
  log(text: string): void;
  /** Ends everything; then {@linkcode LegacySide.close} is called. */
  signal: AbortSignal;
  /** Milliseconds for reaching a daemon again before a request fails. */
  patienceMs: number;
}

/** What wants no answer. */
export interface Told {
  /** As it came. */
  line: string;
  /** What it is called in the log. */
  method: string;
  /** JSON text of the id of the question that it answers, if it does. */
  question?: string;
}

/** A request of the client's. */
export type LegacyRequest = Pick<LaneCall, "id" | "method" | "line">;

/** Milliseconds between two attempts, at first; doubles up to {@linkcode MAX_WAIT_MS}. */
const FIRST_WAIT_MS = 25;
const MAX_WAIT_MS = 500;

/** The legacy messages of one client. */
export class LegacySide {
  readonly #options: LegacySideOptions;
  readonly #session: LegacySession;
  readonly #ways: Ways;
  /** Requests that are not answered. */
  #unanswered = 0;
  #allAnswered: PromiseWithResolvers<void> | undefined;
  /** Notifications and answers, in the order they came. */
  #order: Promise<void> = Promise.resolve();
  /** How many of them wait. */
  #waiting = 0;
  #listening: Promise<void> | undefined;

  constructor(options: LegacySideOptions) {
    this.#options = options;
    const { reach, server, project, write, log, signal } = options;
    this.#session = new LegacySession({ write, log, signal });
    this.#ways = new Ways({
      ...{ reach, server, project, log, signal },
      session: this.#session,
      onMessage: write,
    });
  }

  /** Whether the client has asked for a session. */
  get isWanted(): boolean {
    return this.#session.isWanted;
  }

  /** Resolves when what was said until now was handed over, and a session that was asked for has begun. */
  get handedOver(): Promise<void> {
    return this.#order;
  }

  /** Resolves when no request is without its answer. */
  answered(): Promise<void> {
    if (this.#unanswered === 0) return Promise.resolve();
    this.#allAnswered = Promise.withResolvers();
    return this.#allAnswered.promise;
  }

  /** Sends a request. Its answer, or why there is none, is written. */
  ask(request: LegacyRequest): void {
    const { method, line } = request;
    this.#unanswered++;
    if (method === "initialize") this.#session.want(line);
    else if (this.#waiting === 0 && this.#ways.lane?.takes(line)) {
      return this.#askShort(this.#ways.lane, request);
    }
    // After what was said before it, so that `initialized` comes before the first call.
    const answered = this.#order.then(() => this.#ask(request));
    // Nothing may overtake `initialize`: everything after it needs the session that it gives.
    if (method === "initialize") this.#inOrder(answered);
  }

  /** Sends what wants no answer. */
  tell(told: Told): void {
    const { line } = told;
    const tell = () => this.#tell(told);
    const { lane } = this.#ways;
    if (this.#waiting === 0 && lane?.takes(line)) lane.tell(line).catch(tell);
    else this.#inOrder(this.#order.then(tell));
  }

  /** Ends the session. Whatever is unanswered is answered with `why`, the reason of the signal. */
  async close(why: Fault): Promise<void> {
    this.#ways.closeLanes(why);
    // One that is not there yet has failed by the signal, and so has what waits for it.
    const way = await this.#ways.latest?.catch(() => undefined);
    await this.answered();
    way?.http.deleteSession();
    await Promise.all([way?.http.settled(), this.#listening]);
    this.#ways[Symbol.dispose]();
  }

  /** What comes next waits for this. */
  #inOrder(done: Promise<void>): void {
    this.#waiting++;
    this.#order = done.finally(() => this.#waiting--);
  }

  #answer(text: string): void {
    this.#options.write(text);
    if (--this.#unanswered === 0) this.#allAnswered?.resolve();
  }

  /** Over an open lane nothing is waited for, and nothing overtakes. */
  #askShort(lane: Lane, request: LegacyRequest): void {
    const { id, method, line } = request;
    lane.ask({
      ...{ id, method, line },
      settle: (answer) => {
        if (wasRefusedByDraining(answer)) {
          this.#ways.leave(lane);
          void this.#ask(request);
        } else this.#answer(answer);
      },
      fail: (error) => {
        if (error instanceof NotSent) void this.#ask(request);
        else this.#answer(errorText(error, id));
      },
    });
  }

  async #ask({ line, id, method }: LegacyRequest): Promise<void> {
    try {
      this.#answer(
        await this.#deliver(line, method, {
          short: (lane) =>
            new Promise((settle, fail) => lane.ask({ id, method, line, settle, fail })),
          http: (response, wire) => this.#read(response, { wire, id, method }),
        }),
      );
    } catch (error) {
      this.#answer(errorText(error, id));
    }
  }

  async #read(
    response: Response,
    { wire, id, method }: { wire: HttpWire; id: string; method: string },
  ): Promise<string> {
    const { write, signal } = this.#options;
    if (method !== "initialize") {
      return await readAnswer(response, { wire, id, method, signal, onOther: write });
    }
    const answer = await this.#session.begin(response, { wire, id });
    if (this.#session.isKnown) this.#listening ??= listen(this.#ways, { write, signal });
    return answer;
  }

  async #tell({ line, method, question }: Told): Promise<void> {
    try {
      await this.#deliver(line, method, {
        short: async (lane) => {
          await lane.tell(line);
          return "";
        },
        http: async (response) => {
          await response.body?.cancel();
          return "";
        },
      });
    } catch (error) {
      this.#options.log(`could not pass on ${method}: ${messageOf(error)}`);
      const fault = question === undefined ? undefined : faultOfAnswer(error);
      if (fault === undefined) return;
      await this.#tell({ line: fault.toResponseText(question!), method: "an error in its place" });
    }
  }

  /** Sends a message until a daemon has taken it, or patience ends. @returns the answer, if there is one. */
  async #deliver(
    line: string,
    method: string,
    by: {
      short(lane: Lane): Promise<string>;
      http(response: Response, wire: HttpWire): Promise<string>;
    },
  ): Promise<string> {
    const { signal, patienceMs } = this.#options;
    const end = performance.now() + patienceMs;
    for (let wait = FIRST_WAIT_MS;; wait = Math.min(wait * 2, MAX_WAIT_MS)) {
      const reached = this.#ways.reached();
      try {
        const way = await reached;
        const lane = method === "initialize" ? undefined : await this.#ways.laneOf(way);
        const answer = lane?.takes(line)
          ? await by.short(lane)
          : await by.http(await way.http.post(line, { method, signal }), way.http);
        if (wasRefusedByDraining(answer)) throw new Drained();
        return answer;
      } catch (error) {
        const isSafe = error instanceof NotSent || error instanceof Drained;
        if (!isSafe || performance.now() >= end) {
          throw error instanceof NotSent ? error.error : error;
        }
        this.#ways.forget(reached, error);
      }
      await delay(wait, signal);
    }
  }
}
