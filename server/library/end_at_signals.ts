/**
 * Ending properly when the process is told to end: every daemon of this process gives up its part, then
 * the process exits with code 0, or with 1 when that takes too long. A second signal does not wait: it exits with 128 and the signal's
 * number, as if nobody had listened.
 *
 * @module
 */

import { endingSignals, exitCodeOf, onSignals } from "../../platform/signals.ts";
import { settlesWithin } from "../../protocol/deadline.ts";

/** Milliseconds that all of it may take. */
const END_MS = 10_000;

type End = (signal: string) => Promise<void>;

/** Every daemon of this process: it exits once, when the last has ended. */
const ends = new Set<End>();
let listening: Disposable | undefined;
let ending = false;

/** Calls `end` at SIGINT, SIGTERM and SIGHUP, until disposed. */
export function endAtSignals(end: End): Disposable {
  ends.add(end);
  listening ??= onSignals(endingSignals(), onSignal);
  return {
    [Symbol.dispose]() {
      ends.delete(end);
      // While the process is ending a second signal must still be heard.
      if (ends.size > 0 || ending) return;
      listening?.[Symbol.dispose]();
      listening = undefined;
    },
  };
}

async function onSignal(signal: Deno.Signal): Promise<void> {
  if (ending) Deno.exit(exitCodeOf(signal));
  ending = true;
  const ended = await settlesWithin(
    Promise.allSettled([...ends].map((end) => end(signal))),
    END_MS,
  );
  Deno.exit(ended ? 0 : 1);
}
