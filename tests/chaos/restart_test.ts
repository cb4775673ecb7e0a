/**
 * Restarts under load, the full rounds: 20 clients, 10 restarts.
 */

import assert from "node:assert/strict";
import { restartUnderLoad } from "../e2e/support/restart_rounds.ts";
import { misbehaving } from "../e2e/support/servers.ts";
import { daemonTest } from "../fixtures/daemon.ts";

daemonTest("20 clients, 10 restarts: 99 % right, the rest draining, no outage over a second", {
  config: { mcpServers: { m: misbehaving() } },
}, async (daemon) => {
  const outcome = await restartUnderLoad(daemon, { clients: 20, restarts: 10 });
  const failed = [...outcome.failed.values()].reduce((sum, count) => sum + count, 0);
  console.log(
    `${outcome.right} right, ${failed} failed ${JSON.stringify([...outcome.failed])}, ` +
      `longest outage ${Math.round(outcome.outageMs)} ms`,
  );
  assert.deepEqual(outcome.wrong, []);
  assert.equal(outcome.instances.size, 11);
  assert.deepEqual([...outcome.failed.keys()].filter((reason) => reason !== "draining"), []);
  assert.ok(outcome.right >= 99 * failed, `${failed} of ${outcome.right + failed} calls failed`);
});
