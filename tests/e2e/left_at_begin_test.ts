/** A client that leaves while its session begins: nobody will ever know that session's id. */

import assert from "node:assert/strict";
import { join } from "@std/path";
import { DaemonFixture } from "../fixtures/daemon.ts";
import { initialize, postJson } from "./support/mcp_session.ts";
import { childrenOf } from "./support/processes.ts";
import { misbehaving } from "./support/servers.ts";
import { eventually } from "./support/within.ts";

Deno.test("a client that leaves before its session began leaves neither that nor a process", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const gate = join(folder, "gate");
    const { command, args } = misbehaving();
    // Comes up once the gate is there.
    const script = 'while [ ! -e "$0" ]; do sleep 0.02; done; exec "$@"';
    const own = { command: "sh", args: ["-c", script, gate, command, ...args], sharing: "session" };
    await using daemon = await DaemonFixture.start({ config: { mcpServers: { own } } });
    const before = await childrenOf(daemon.pid);
    const leaving = new AbortController();
    const asked = postJson(`${daemon.url}/mcp/own`, initialize("2025-11-25"), {
      signal: leaving.signal,
    });
    const left = assert.rejects(asked);
    await eventually(
      async () => (await childrenOf(daemon.pid)).length > before.length,
      "its start",
    );
    leaving.abort();
    await left;
    await Deno.writeTextFile(gate, "");
    await eventually(async () => (await daemon.health()).sessions === 0, "end of the session");
    await eventually(
      async () => (await childrenOf(daemon.pid)).length === before.length,
      "end of its process",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
