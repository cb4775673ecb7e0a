/**
 * Daemons that were started for a client, and end when nobody uses them.
 */

import assert from "node:assert/strict";
import { AichakuClient, isServerRunning } from "../../client/mod.ts";
import { homeTest } from "../fixtures/daemon.ts";
import { arrivals, IDLE_MS, impatient } from "./support/arrivals.ts";
import { eventually } from "./support/within.ts";

homeTest("clients that arrive as the daemon ends are all served, by one daemon at a time", {
  config: impatient,
}, async (home) => {
  // From far apart to all at once, so that some arrive at the very end of a daemon's life.
  let gap = 2 * IDLE_MS;
  const generations = await arrivals(home, { count: 12, gapMs: () => gap = gap * 0.8 });
  assert.ok(generations >= 1);
  await eventually(async () => !await isServerRunning({ home: home.home }), "the daemon's own end");
});

homeTest("without autoStart no daemon is started, and the error says what to do", {
  config: impatient,
}, async (home) => {
  await using client = new AichakuClient({ server: "sample", mode: "daemon", home: home.home });
  await assert.rejects(client.listTools(), /aichaku mcp --start-server/);
  assert.equal(await isServerRunning({ home: home.home }), false);
});

homeTest("a program that is not there is named with the remedy", {}, async (home) => {
  await using client = new AichakuClient({
    server: "sample",
    mode: "daemon",
    autoStart: true,
    home: home.home,
    bin: "/nowhere/aichaku",
  });
  await assert.rejects(client.listTools(), /"\/nowhere\/aichaku" cannot be run .*AICHAKU_BIN/);
});
