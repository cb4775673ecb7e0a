/**
 * The heavy rounds of the daemon's life. Run with `deno task chaos`.
 */

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

function anyVictim(): Victim {
  return (["daemon", "young daemon", "starter"] as const)[Math.floor(Math.random() * 3)];
}
