/**
 * The heavy rounds of the daemon library: about five minutes on two cores. Run with `deno task chaos`.
 */

import assert from "node:assert/strict";
import { together } from "../fixtures/library/peer.ts";
import {
  counts,
  crowdRounds,
  freePort,
  killRounds,
  place,
  startAll,
  type Victim,
} from "../e2e/support/library_rounds.ts";

for (const kind of ["hono", "express"] as const) {
  Deno.test(`50 processes start at once with ${kind}, 20 rounds: one serves, 49 clients, every round`, () =>
    crowdRounds({ kind, processes: 50, rounds: 20, freshEvery: 2 }));

  Deno.test(`${kind}: SIGKILL at random moments, 100 rounds: the next start works, no lock is stuck`, () =>
    killRounds({
      kind,
      port: freePort(),
      processes: 6,
      victims: Array.from({ length: 100 }, anyVictim),
      // The kill has to fall into every part of a start, so time is the input here.
      moment: () => new Promise((resolve) => setTimeout(resolve, Math.random() * 30)),
    }));
}

Deno.test({
  name:
    "a stopped serving process: a clear error within 10 s, and nobody has lost anything afterwards",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using here = await place();
    const peers = await here.load("hono", 3);
    await using _ = together(peers);
    const [late, ...early] = peers;
    const { main, clients: [client] } = await startAll(early);
    main.kill("SIGSTOP");
    const begun = performance.now();
    await assert.rejects(
      late.start(),
      new RegExp(`Cannot start: the daemon hangs\\. Process ${main.pid} holds .*daemon\\.lock`),
    );
    assert.ok(performance.now() - begun < 10_000);
    main.kill("SIGCONT");
    assert.equal((await late.start()).isMainProcess, false);
    await counts(client, 3);
  },
});

function anyVictim(): Victim {
  return (["client", "main", "starter", "successor"] as const)[Math.floor(Math.random() * 4)];
}
