import { deepEqual } from "node:assert/strict";
import { within } from "../tests/e2e/support/within.ts";
import { endingSignals, exitCodeOf, onSignals, terminationSignals } from "./signals.ts";

Deno.test("Windows has no SIGTERM: Ctrl-C and Ctrl-Break end a program there", () => {
  deepEqual(terminationSignals("windows"), ["SIGINT", "SIGBREAK"]);
  deepEqual(terminationSignals("linux"), ["SIGINT", "SIGTERM"]);
  deepEqual(terminationSignals("darwin"), ["SIGINT", "SIGTERM"]);
});

Deno.test("what ends a program, and the exit code that shells give it", () => {
  deepEqual(endingSignals("windows").map(exitCodeOf), [130, 149]);
  deepEqual(endingSignals("linux").map(exitCodeOf), [130, 143, 129]);
});

Deno.test({
  name: "a handler hears its signals until it is disposed of",
  ignore: Deno.build.os === "windows",
  async fn() {
    const heard = Promise.withResolvers<Deno.Signal>();
    {
      using _listening = onSignals(["SIGUSR2"], heard.resolve);
      Deno.kill(Deno.pid, "SIGUSR2");
      deepEqual(await within(heard.promise, "the signal"), "SIGUSR2");
    }
    // A listener that was left would fail the test as a leak.
  },
});
