/**
 * What a server says outside of calls, on the stdio bridge's legacy side.
 *
 * Guarantees: it is listened for as long as there is a session, at one daemon after the other. Not
 * guaranteed: what is said between two daemons.
 *
 * @module
 */

import { delay } from "../../client/scope.ts";
import { messagesOf, oneLine } from "./stdio_bridge_response.ts";
import type { Ways } from "./stdio_bridge_way.ts";

/** Milliseconds between two attempts, at first; doubles up to {@linkcode MAX_WAIT_MS}. */
const FIRST_WAIT_MS = 25;
const MAX_WAIT_MS = 5_000;

/** Passes on what is said, until the signal fires. Over an open lane it comes by itself. Never rejects. */
export async function listen(
  ways: Ways,
  { write, signal }: { write(line: string): void; signal: AbortSignal },
): Promise<void> {
  let wait = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      const way = await ways.reached();
      const lane = await ways.laneOf(way);
      if (lane === undefined) {
        const response = await way.http.listenQuietly("", signal);
        if (response === undefined) return;
        wait = FIRST_WAIT_MS;
        for await (const text of messagesOf(response)) write(oneLine(text));
      } else {
        wait = FIRST_WAIT_MS;
        await lane.ended;
      }
    } catch {
      // Between two daemons. The next attempt, or the next request, tells more.
    }
    if (signal.aborted) return;
    try {
      await delay(wait, signal);
    } catch {
      return; // Ended while waiting.
    }
    wait = Math.min(wait * 2, MAX_WAIT_MS);
  }
}
