/**
 * Ending properly when the process is told to end: every daemon of this process gives up its part, then
 * the process exits with code 0, or with 1 when that takes too long. A second signal does not wait: it exits with 128 and the signal's
 * number, as if nobody had listened.
 *
 * @module
 */

import { onSignals, terminationSignals } from "../../platform/signals.ts";
import { settlesWithin } from "../../protocol/deadline.ts";

/** Milliseconds that all of it may take. */
const END_MS = 10_000;

const NUMBERS: Partial<Record<Deno.Signal, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGTERM: 15,
  SIGBREAK: 21,
};

type End = (signal: string) => Promise<void>;

/** Every daemon of this process: it exits once, when the last has ended. */
const ends = new Set<End>();
let listening: Disposable | undefined;
let ending = false;

/** Calls `end` at SIGINT, SIGTERM and SIGHUP, until disposed. */
export function endAtSignals(end: End): Disposable {
  ends.add(end);
  const hangup: Deno.Signal[] = Deno.build.os === "windows" ? [] : ["SIGHUP"];
  listening ??= onSignals([...terminationSignals(), ...hangup], onSignal);
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
  if (ending) Deno.exit(128 + (NUMBERS[signal] ?? 0));
  ending = true;
  const ended = await settlesWithin(
    Promise.allSettled([...ends].map((end) => end(signal))),
    END_MS,
  );
  Deno.exit(ended ? 0 : 1);
}
