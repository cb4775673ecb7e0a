/**
 * The end of an instance that was replaced: its calls may finish, then it is stopped.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { Fault } from "../../protocol/errors.ts";
import type { SharedInstance } from "./shared_instance.ts";

/** Milliseconds between two looks. */
const LOOK_MS = 50;

/** Stops it once no call is in flight, or after `withinMs`; then what still runs fails. */
export async function stopWhenQuiet(
  shared: SharedInstance,
  { clock, withinMs }: { clock: Clock; withinMs: number },
): Promise<void> {
  const { instance } = shared;
  const due = clock.now() + withinMs;
  const isUsed = () => instance.callsInFlight + instance.callsQueued + instance.waitingForStart > 0;
  while (isUsed() && clock.now() < due) {
    await new Promise<void>((resolve) => void clock.after(LOOK_MS, resolve));
  }
  const { server } = shared;
  await shared.stop(
    new Fault(
      "draining",
      `Server ${JSON.stringify(server)} was replaced because its configuration or its project is ` +
        `another one now, and this call did not end within ${withinMs / 1000} s; whether it took ` +
        "effect is not known",
      { server, retryable: false },
    ),
  );
}
