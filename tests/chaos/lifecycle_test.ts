/**
 * The heavy rounds of the daemon's life. Run with `deno task chaos`.
 */

import { clientRounds, type ClientVictim } from "../e2e/support/client_rounds.ts";
import { crowdRounds, killRounds, type Victim } from "../e2e/support/lifecycle_rounds.ts";

Deno.test("50 starts at once, 20 rounds: one daemon, told to all of them, every round", () =>
  crowdRounds({ starters: 50, rounds: 20 }));

Deno.test({
  name:
    "SIGKILL of daemon or starter at random moments, 100 rounds: the next start serves, no lock is " +
    "stuck, and within two seconds nothing that a dead daemon had started is alive",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    killRounds({
      victims: Array.from({ length: 100 }, anyVictim),
      // The kill has to fall into every part of a start, so time is the input here.
      moment: () => new Promise((resolve) => setTimeout(resolve, Math.random() * 250)),
    }),
});

Deno.test({
  name:
    "SIGKILL of a client with calls in flight, 100 rounds: the next client is served, no lock is stuck, " +
    "and nothing of the dead one is left",
  ignore: Deno.build.os === "windows",
  fn: () =>
    clientRounds({
      victims: Array.from({ length: 100 }, anyClient),
      moment: () => new Promise((resolve) => setTimeout(resolve, Math.random() * 500)),
    }),
});

function anyVictim(): Victim {
  return (["daemon", "young daemon", "starter"] as const)[Math.floor(Math.random() * 3)];
}

function anyClient(): ClientVictim {
  return (["sdk", "bridge", "first bridge"] as const)[Math.floor(Math.random() * 3)];
}
