/**
 * The session of the stdio bridge's legacy side: what the client said to begin it, and what the daemon
 * gave for that.
 *
 * Guarantees: at a daemon that forgot it, the session is begun again with the client's own words, and
 * the client, which has its answer to them, hears nothing of that. Where this fails because the daemon
 * is gone or stopping, the error is {@linkcode NotSent}: nothing else was asked.
 *
 * Not guaranteed: that a server's state survives. What a client had set in a session that was forgotten
 * (a log level, subscriptions) is gone.
 *
 * @module
 */

import { isObject, parseJson } from "../../protocol/json.ts";
import { parseMessage } from "../../protocol/message.ts";
import { AichakuError } from "../../client/errors.ts";
import type { HttpWire } from "../../client/http_wire.ts";
import { NotSent } from "../../client/transport.ts";
import { wasRefusedByDraining } from "./stdio_bridge_faults.ts";
import { readAnswer } from "./stdio_bridge_response.ts";

/** Options of {@linkcode LegacySession}. */
export interface LegacySessionOptions {
  /** Takes one message for the client, without its line end. */
  write(line: string): void;
  /** Told what a person may want to know. */
  log(text: string): void;
  signal: AbortSignal;
}

/** One client's session. */
export class LegacySession {
  readonly #options: LegacySessionOptions;
  /** The client's own `initialize`, for a daemon that forgot the session. */
  #initialize: string | undefined;
  #wasInitialized = false;
  #known: { id: string; revision: string } | undefined;

  constructor(options: LegacySessionOptions) {
    this.#options = options;
  }

  /** Whether the client has asked for one. */
  get isWanted(): boolean {
    return this.#initialize !== undefined;
  }

  /** Whether there is one, as far as is known. */
  get isKnown(): boolean {
    return this.#known !== undefined;
  }

  /** The client asks for it with this line. */
  want(initialize: string): void {
    this.#initialize = initialize;
  }

  /** The daemon does not know it any more. */
  forget(): void {
    this.#known = undefined;
  }

  /** Reads the response to an `initialize` of the client's. @returns the answer. */
  async begin(response: Response, { wire, id }: { wire: HttpWire; id: string }): Promise<string> {
    const { signal, write } = this.#options;
    wire.sessionId = response.headers.get("mcp-session-id") ?? wire.sessionId;
    // A stream, where the server takes long to start.
    const answer = await readAnswer(response, {
      ...{ wire, id, method: "initialize", signal },
      onOther: write,
    });
    this.#adopt(answer, wire);
    return answer;
  }

  /** Has a wire to a daemon that was just reached speak for the session, if the client has begun one. */
  async takeUp(wire: HttpWire): Promise<void> {
    if (this.#known !== undefined) {
      wire.sessionId = this.#known.id;
      wire.revision = this.#known.revision;
    } else if (this.#initialize !== undefined && this.#wasInitialized) {
      await this.#beginAgain(wire, this.#initialize);
    }
  }

  /** The daemon forgot the session: begins another, with what the client once said. */
  async #beginAgain(wire: HttpWire, line: string): Promise<void> {
    const { signal, log } = this.#options;
    const message = parseMessage(line);
    const id = message.kind === "request" ? message.id : "null";
    const response = await wire.post(line, { method: "initialize", signal });
    const answer = await this.begin(response, { wire, id }).catch((error) => {
      // Nothing but this was asked: the next daemon can be asked the same.
      const isLost = error instanceof AichakuError && error.kind === "connection_lost";
      throw isLost ? new NotSent(error) : error;
    });
    if (wasRefusedByDraining(answer)) throw new NotSent(new AichakuError("rpc", "it is draining"));
    if (!this.isKnown) {
      throw new AichakuError(
        "protocol",
        `The daemon refused to begin the session again: ${answer}`,
      );
    }
    const initialized = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
    const taken = await wire.post(initialized, { method: "notifications/initialized", signal });
    await taken.body?.cancel();
    log("the daemon had forgotten the session; it was begun again");
  }

  #adopt(answer: string, wire: HttpWire): void {
    const message = parseJson(answer);
    const result = isObject(message) && isObject(message.result) ? message.result : undefined;
    if (typeof result?.protocolVersion !== "string" || wire.sessionId === undefined) return;
    wire.revision = result.protocolVersion;
    this.#known = { id: wire.sessionId, revision: wire.revision };
    this.#wasInitialized = true;
  }
}
