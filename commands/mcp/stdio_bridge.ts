/**
 * The stdio bridge: a client that speaks only stdio on one side, the daemon on the other. Messages pass
 * as they are; what the bridge adds is patience.
 *
 * This is the client's side: lines in, the choice of the side that takes each, and the end. A message of
 * the legacy era goes to `stdio_bridge_legacy.ts`. Requests of the modern era say so themselves and are
 * `stdio_bridge_modern.ts`'s; a client may use both eras on one standard input.
 *
 * Guarantees: every request is answered exactly once, whatever happens to the daemon; so each side
 * promises, and what reaches none of them is answered here. A server whose question was answered in a
 * way that cannot be passed on is told so. Nothing but messages is written.
 *
 * @module
 */

import { settlesWithin } from "../../protocol/deadline.ts";
import {
  idText,
  type Message,
  MessageFault,
  type NotificationMessage,
  parseMessage,
} from "../../protocol/message.ts";
import { isModernRequest } from "../../protocol/modern.ts";
import { asFault, Fault } from "../../protocol/errors.ts";
import type { LineEnds } from "../../protocol/ndjson.ts";
import { raceSignal } from "../../client/scope.ts";
import { inputEnded } from "./stdio_bridge_faults.ts";
import { LegacySide } from "./stdio_bridge_legacy.ts";
import { glimpseOf } from "./stdio_bridge_line_ends.ts";
import { ModernSide } from "./stdio_bridge_modern.ts";
import type { Reached } from "./stdio_bridge_way.ts";
import { openWire } from "./stdio_bridge_wire.ts";

/** Options of {@linkcode StdioBridge}. */
export interface StdioBridgeOptions {
  /** Finds the daemon, and starts one where that is wanted. Throws when there is none. */
  reach(signal: AbortSignal): Promise<Reached>;
  /** Name of the server; undefined for all of them together. */
  server: string | undefined;
  /** Absolute path of the project, for servers that have one. */
  project: string | undefined;
  /** Takes one message, without its line end. */
  write(line: string): void;
  /** Told what a person may want to know. */
  log(text: string): void;
  /** Milliseconds for reaching a daemon again before a request fails. Default 30,000. */
  patienceMs?: number;
}

/** Milliseconds that calls may take to be answered after standard input has ended. */
const LAST_ANSWERS_MS = 5_000;
const PATIENCE_MS = 30_000;
/** Milliseconds that it may take to end the session, where the daemon does not listen. */
const END_MS = 2_000;

/** Between one client and the daemon. */
export class StdioBridge {
  readonly #options: StdioBridgeOptions;
  readonly #patienceMs: number;
  readonly #legacy: LegacySide;
  readonly #modern: ModernSide;
  readonly #ending = new AbortController();
  /** Daemons that are being looked for or started. */
  readonly #reaching = new Set<Promise<unknown>>();
  #ended: Promise<void> | undefined;

  constructor(options: StdioBridgeOptions) {
    this.#options = options;
    const { server, project, write, log, patienceMs = PATIENCE_MS } = options;
    const { signal } = this.#ending;
    this.#patienceMs = patienceMs;
    this.#legacy = new LegacySide({
      ...{ server, project, write, log, patienceMs, signal },
      reach: () => this.#reach(),
    });
    this.#modern = new ModernSide({
      ...{ write, log, patienceMs, signal },
      open: async (listener) => {
        const reached = await this.#reach();
        return await openWire({ ...reached, server, project }, listener);
      },
    });
  }

  /** Takes one line of the client's. Never throws: what is wrong is answered. */
  receive(line: string): void {
    let message: Message;
    try {
      message = parseMessage(line);
    } catch (error) {
      const id = error instanceof MessageFault ? error.id : "null";
      return this.#options.write(asFault(error).toResponseText(id));
    }
    if (message.kind === "request") {
      const { id, method, params } = message;
      const side = isModernRequest(params) ? this.#modern : this.#legacy;
      return void side.ask({ id, method, line });
    }
    if (message.kind === "response") {
      return this.#legacy.tell({ line, method: "an answer", question: message.id });
    }
    if (!this.#isModern(message, line)) this.#legacy.tell({ line, method: message.method });
  }

  /**
   * A line was too long to be taken: whoever waits for something is told, where its id can be read. That
   * is the client for a request, and for an answer the server that asked.
   */
  refuseLine(ends: LineEnds): void {
    const { isAnswer, id } = glimpseOf(ends);
    const what = isAnswer ? "the client's answer" : "the message";
    const fault = new Fault("invalid_request", `Cannot take ${what}: its line is too long`);
    if (!isAnswer || id === undefined) {
      return this.#options.write(fault.toResponseText(id ?? "null"));
    }
    this.#options.log(`an answer to ${id} was not passed on: its line is too long`);
    this.#legacy.tell({ line: fault.toResponseText(id), method: "an error" });
  }

  /**
   * The client has nothing more to say: waits for what it asked, for at most five seconds once its
   * session has begun, then answers the rest with an error and ends the session.
   */
  async finish(): Promise<void> {
    // Finding or starting a daemon, and beginning a session there, has its own time.
    const begun = Promise.all([this.#legacy.handedOver, ...this.#reaching]);
    await settlesWithin(begun, this.#patienceMs);
    const answered = Promise.all([this.#legacy.answered(), this.#modern.answered()]);
    await settlesWithin(answered, LAST_ANSWERS_MS);
    await this.end(inputEnded());
  }

  /**
   * Ends it now: answers with `why` what is not answered, and whatever still comes, and ends the session.
   * Takes two seconds at most.
   */
  end(why: Fault): Promise<void> {
    return this.#ended ??= this.#end(why);
  }

  async #end(why: Fault): Promise<void> {
    this.#ending.abort(why);
    await settlesWithin(Promise.all([this.#modern.close(why), this.#legacy.close(why)]), END_MS);
  }

  /** Whether the modern side takes a notification. Its era means only one: a cancellation. */
  #isModern({ method, params }: NotificationMessage, line: string): boolean {
    if (method !== "notifications/cancelled") return false;
    const id = idText(params?.requestId);
    if (id !== undefined && this.#modern.cancel(id, line)) return true;
    // Of a client without a session it can only mean what was answered meanwhile.
    return !this.#legacy.isWanted;
  }

  /** A daemon that is being started goes on to start when it is not waited for any more. */
  async #reach(): Promise<Reached> {
    const { signal } = this.#ending;
    signal.throwIfAborted();
    const reaching = raceSignal(this.#options.reach(signal), signal);
    this.#reaching.add(reaching);
    try {
      return await reaching;
    } finally {
      this.#reaching.delete(reaching);
    }
  }
}
