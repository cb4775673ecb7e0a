/**
 * Answering what a server asks of its client, over any transport.
 *
 * Guarantees: every request is answered once (unless the server takes it back), also when the handler
 * throws; what nobody here can do is refused at once, so that no server waits; a request that comes a
 * second time while it is in work (a stream that was taken up again) is not begun twice.
 *
 * @module
 */

import { AichakuError } from "./errors.ts";
import type { JsonObject } from "./jsonrpc.ts";
import { handlerFailure, type Peer } from "./peer.ts";

/** A request of the server. */
export interface ServerRequest {
  id: string | number;
  method: string;
  params: JsonObject;
}

/** The requests of one connection. */
export class Answering {
  readonly #peer: Peer;
  readonly #send: (text: string) => Promise<void> | void;
  /** By id; `1` and `"1"` are different ones. */
  readonly #running = new Map<string | number, AbortController>();

  /** @param send Sends an answer. Must not throw. */
  constructor(peer: Peer, send: (text: string) => Promise<void> | void) {
    this.#peer = peer;
    this.#send = send;
  }

  /** Resolves when the request is dealt with; never rejects. */
  async take({ id, method, params }: ServerRequest): Promise<void> {
    if (method === "ping") return await this.#answer(id, { result: {} });
    if (this.#running.has(id)) return;
    const controller = new AbortController();
    const { signal } = controller;
    const answer = this.#peer.answer(method, params, signal);
    if (answer === undefined) {
      const message = `Cannot take ${method}: the client declared no such capability`;
      return await this.#answer(id, { error: { code: -32601, message } });
    }
    this.#running.set(id, controller);
    const outcome = await answer.then(
      (result) => ({ result }),
      (error) => ({ error: handlerFailure(error) }),
    );
    // Whoever aborted it has taken it out.
    if (signal.aborted) return;
    this.#running.delete(id);
    await this.#answer(id, outcome);
  }

  /** The server does not want the answer any more: `params` of `notifications/cancelled`. */
  cancel({ requestId, reason }: JsonObject): void {
    const id = requestId as string | number;
    const why = typeof reason === "string" ? ` (${reason})` : "";
    this.#abort(id, new AichakuError("aborted", `The server cancelled its request${why}`));
  }

  /** The connection ended: nobody waits for any answer. */
  end(reason: AichakuError): void {
    for (const id of [...this.#running.keys()]) this.#abort(id, reason);
  }

  #abort(id: string | number, reason: AichakuError): void {
    const controller = this.#running.get(id);
    this.#running.delete(id);
    controller?.abort(reason);
  }

  async #answer(id: string | number, outcome: JsonObject): Promise<void> {
    await this.#send(JSON.stringify({ jsonrpc: "2.0", id, ...outcome }));
  }
}
