/**
 * The start of a server in time: from its first request to the end of the handshake, or to the moment
 * when it has taken too long. What is said is the handshake's business, and what follows the instance's.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { asFault, Fault } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { Conversation } from "./conversation.ts";
import {
  Handshake,
  type HandshakeRequest,
  type HandshakeStep,
  type Introduction,
  type KnownEra,
} from "./handshake.ts";

/** What came of a handshake. */
export type HandshakeDone = Extract<HandshakeStep, { done: unknown }>;

/** Options of {@linkcode Startup}. */
export interface StartupOptions extends Introduction {
  /** Name of the server. */
  name: string;
  clock: Clock;
  /** Milliseconds from the beginning to the end of the handshake. */
  startTimeoutMs: number;
  /** It is over, and the server is there. */
  onDone(done: HandshakeDone): void;
  /** It is over, and the server is of no use. */
  onFailed(fault: Fault): void;
}

/** Milliseconds that a server may take to answer a probe, at most. */
const PROBE_MS = 5000;

/** One start after the other. */
export class Startup {
  readonly #conversation: Conversation;
  readonly #options: StartupOptions;
  #startTimer: Disposable | undefined;
  #probeTimer: Disposable | undefined;
  #handshake: Handshake | undefined;

  constructor(conversation: Conversation, options: StartupOptions) {
    this.#conversation = conversation;
    this.#options = options;
  }

  /** Whether the server was asked something that it need not know. */
  get isProbing(): boolean {
    return this.#handshake?.isProbing ?? false;
  }

  /** Time runs from now on; the end of the process before it counts as well. */
  begin(): void {
    this.#watch(this.#options.startTimeoutMs);
  }

  /** The connection stands: the handshake begins. */
  shakeHands(known: KnownEra | undefined): void {
    this.#handshake = new Handshake(this.#options.name, { ...this.#options, known });
    this.#say(this.#handshake.begin());
  }

  /** Takes what the server answered. */
  onAnswer(method: HandshakeRequest["method"], answer: JsonObject): void {
    let step;
    try {
      step = this.#handshake?.onAnswer(method, answer);
    } catch (error) {
      return this.#options.onFailed(asFault(error));
    }
    if (step === undefined) return;
    if ("send" in step) return this.#say(step.send);
    this.end();
    this.#options.onDone(step);
  }

  /** It is over, however it went. */
  end(): void {
    this.#startTimer?.[Symbol.dispose]();
    this.#probeTimer?.[Symbol.dispose]();
    this.#handshake = undefined;
    this.#conversation.endHandshake();
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

  #watch(ms: number): void {
    const { name, clock, startTimeoutMs, onFailed } = this.#options;
    const due = clock.now() + ms;
    this.#startTimer = clock.after(ms, () => {
      const late = clock.now() - due;
      // Late by more than itself: this machine or process slept, and the server may have answered.
      if (late > ms) return this.#watch(ms);
      const how = `did not answer initialize within ${startTimeoutMs / 1000} s`;
      // A server that waits for somebody to log in says so there, and nowhere else.
      const lastWords = this.#conversation.wire?.lastWords ?? "";
      onFailed(
        new Fault(
          "upstream_timeout",
          `Server ${JSON.stringify(name)} ${how}; raise its "startTimeout" in config.json if it ` +
            "is just slow",
          {
            server: name,
            retryable: true,
            ...(lastWords === "" ? {} : { detail: `${how}\n${lastWords}` }),
          },
        ),
      );
    });
  }
}
