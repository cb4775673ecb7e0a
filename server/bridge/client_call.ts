/**
 * A client's call as the bridge sees it: what was asked, and the ways to settle it. Results and errors
 * are given in the shape of the server's era; see `shapes.ts` for the client's.
 *
 * @module
 */

import type { Fault } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { Askable } from "../upstream/question.ts";

/** A call that was accepted and is to be settled once. */
export interface ClientCall extends Askable {
  /** Who waits. */
  readonly owner: string;
  /** With whom it takes turns. */
  readonly turn: string;
  /** On whose behalf: a principal is never given what another one began. */
  readonly principal: string;
  readonly method: string;
  readonly params: JsonObject | undefined;
  /** `clientInfo` as the client gave it. */
  readonly clientInfo: unknown;
  /** Revision the client speaks. */
  readonly protocolVersion: string;
  /** JSON text of the client's id. */
  readonly id: string;
  readonly settled: boolean;
  /** Takes the text of the whole response, `id` in place. */
  answer(text: string): void;
  succeed(result: unknown): void;
  /** @param error The `error` of a server's answer. */
  failWith(error: unknown): void;
  fail(fault: Fault): void;
  /** Calls back when the client does not want the answer any more, before that is answered. */
  whenCancelled(callback: (reason: string) => void): void;
}
