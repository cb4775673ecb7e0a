/**
 * Clients of `/rpc` and `/command` that left: their calls are cancelled, because nobody else could do it,
 * and a call that nobody waits for holds a place at the server. An MCP client says itself when it cancels,
 * and its leaving means nothing (MCP 2025-11-25, basic/transports, "Sending Messages to the Server").
 *
 * Looked at late, because reading `request.signal` of every request halves the throughput of the whole
 * daemon; and since Deno fires it after a successful response as well, a call that was answered ignores
 * it. Deno before 2.8.3 does not tell a signal that is asked for late of a client that left before:
 * there it is asked for at once.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { isDenoBefore } from "../../platform/runtime.ts";
import type { Call } from "../exchange/call.ts";
import { AgeWatch } from "./age_watch.ts";

/** A call, and the request it came with. */
export interface Waiting {
  request: Request;
  call: Call;
}

/** Milliseconds after which a call is worth the watching. */
const LONG_MS = 500;

/** Cancels calls whose clients left. */
export class AbsenceWatch extends AgeWatch<Waiting> {
  readonly #atOnce: boolean;

  /** @param deno Version of the runtime; replaced in tests. */
  constructor(clock: Clock, deno?: string) {
    super({ clock, ageMs: LONG_MS, onAge: watch });
    this.#atOnce = isDenoBefore([2, 8, 3], deno);
  }

  override add(waiting: Waiting): Disposable {
    if (!this.#atOnce) return super.add(waiting);
    watch(waiting);
    return { [Symbol.dispose]() {} };
  }
}

function watch({ request, call }: Waiting): void {
  const leave = () => call.cancel("the client left");
  if (request.signal.aborted) leave();
  else request.signal.addEventListener("abort", leave, { once: true });
}
