import { deepEqual } from "node:assert/strict";
import { within } from "../tests/e2e/support/within.ts";
import { onSignals, terminationSignals } from "./signals.ts";

Deno.test("Windows has no SIGTERM: Ctrl-C and Ctrl-Break end a program there", () => {
  deepEqual(terminationSignals("windows"), ["SIGINT", "SIGBREAK"]);
  deepEqual(terminationSignals("linux"), ["SIGINT", "SIGTERM"]);
  deepEqual(terminationSignals("darwin"), ["SIGINT", "SIGTERM"]);
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
