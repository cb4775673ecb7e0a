/** `aichaku call`, told to end in the middle of a call: nothing of it is left at the daemon. */

import assert from "node:assert/strict";
import { DaemonFixture } from "../fixtures/daemon.ts";
import { childrenRunning } from "./support/processes.ts";
import { misbehaving, readJournal } from "./support/servers.ts";
import { eventually, within } from "./support/within.ts";

const ENDS: [signal: Deno.Signal, code: number][] = Deno.build.os === "windows" ? [] : [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
];

for (const [signal, code] of ENDS) {
  Deno.test(`${signal} under a call: its session ends, and the process it had for itself`, async () => {
    const journal = await Deno.makeTempFile();
    try {
      const own = { ...misbehaving({ name: "own", journal }), sharing: "session" };
      await using daemon = await DaemonFixture.start({ config: { mcpServers: { own } } });
      const servers = async () => (await childrenRunning("--name own", daemon.pid)).length;
      const child = daemon.command(["call", "own", "hold", "key=k"]).spawn();
      await eventually(async () => (await readJournal(journal)).calls.length > 0, "the call");
      assert.equal(await servers(), 1);
      child.kill(signal);
      const ended = await within(child.output(), "end of the command");
      const { stdout, stderr } = ended;
      assert.deepEqual([ended.code, textOf(stdout), textOf(stderr)], [code, "", ""]);
      await eventually(async () => await servers() === 0, "end of its process");
      assert.equal((await daemon.health()).sessions, 0);
    } finally {
      await Deno.remove(journal);
    }
  });
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
