/**
 * `aichaku mcp --stdio`: what is left when it is told to end, or its client is gone: no call without its
 * answer, no half line, no session at the daemon, and nothing that looks like a fault of the program.
 */

import assert from "node:assert/strict";
import { type DaemonFixture, daemonTest, homeTest } from "../fixtures/daemon.ts";
import { tryLock } from "../../server/daemon/lock.ts";
import { LineBridge } from "./support/line_bridge.ts";
import type { Json } from "./support/mcp_session.ts";
import { misbehaving } from "./support/servers.ts";
import { eventually } from "./support/within.ts";

const config = { mcpServers: { m: misbehaving() } };

const INITIALIZE = {
  jsonrpc: "2.0",
  id: "i",
  method: "initialize",
  params: {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "test", version: "1" },
  },
};

const ENDS: [signal: Deno.Signal, code: number][] = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
];

const ignore = Deno.build.os === "windows";

function call(id: Json, name: string, args: Json = {}): Json {
  return { jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: args } };
}

/** A client with a session, and a call that a server has and does not answer. */
async function withCall(home: DaemonFixture, stderr: "null" | "piped"): Promise<LineBridge> {
  const client = new LineBridge(home, ["--server", "m"], stderr);
  await client.write(INITIALIZE, { jsonrpc: "2.0", method: "notifications/initialized" });
  await client.answerTo("i");
  await client.write(call("held", "hold", { key: "k" }));
  await client.write(call("there", "waiting", { key: "k", count: 1 }));
  await client.answerTo("there");
  return client;
}

/** Waits until the daemon, which goes on, has no session any more. */
async function noSession(home: DaemonFixture): Promise<void> {
  await eventually(async () => (await home.health()).sessions === 0, "end of the session");
}

for (const [signal, code] of ignore ? [] : ENDS) {
  daemonTest(`${signal} under a call: it is answered, and the session ends`, { config }, async (
    home,
  ) => {
    await using client = await withCall(home, "piped");
    const stderr = new Response(client.child.stderr).text();
    client.child.kill(signal);
    assert.equal(await client.ended(), code);
    const [{ error }, ...more] = client.messages.filter(({ id }) => id === "held");
    assert.equal(error.data.reason, "cancelled");
    assert.match(error.message, new RegExp(`ended by ${signal}`));
    assert.deepEqual([more, await stderr], [[], ""]);
    await noSession(home);
  });
}

if (!ignore) {
  daemonTest("SIGTERM, and the daemon hangs: it ends all the same", { config }, async (home) => {
    await using client = await withCall(home, "null");
    home.suspend();
    client.child.kill("SIGTERM");
    assert.equal(await client.ended(), 143);
    assert.equal((await client.answerTo("held")).error.data.reason, "cancelled");
    home.resume();
  });

  homeTest("SIGTERM while the daemon is being started: what waits for it is answered", {
    referee: { judges: "only ours", because: "one line is no message" },
  }, async (home) => {
    await Deno.mkdir(home.paths.runDir, { recursive: true, mode: 0o700 });
    // Somebody else seems to be starting it, for as long as this is held.
    using _ = tryLock(home.paths.spawnLock);
    await using client = new LineBridge(home, []);
    await client.write(INITIALIZE, "this is answered by the bridge itself");
    await client.answerTo(null);
    client.child.kill("SIGTERM");
    assert.equal(await client.ended(), 143);
    assert.equal((await client.answerTo("i")).error.data.reason, "cancelled");
  });
}

daemonTest("a client that is gone when its answer comes leaves no session, and no stack trace", {
  config,
}, async (home) => {
  const child = home.command(["mcp", "--stdio", "--server", "m"], { stdin: "piped" }).spawn();
  const stderr = new Response(child.stderr).text();
  const writer = child.stdin.getWriter();
  const write = (message: Json) =>
    writer.write(new TextEncoder().encode(`${JSON.stringify(message)}\n`));
  await write(INITIALIZE);
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  await write(call("unread", "echo", { text: "for nobody" }));
  assert.deepEqual([(await child.status).code, await stderr], [1, ""]);
  await writer.close().catch(() => {}); // Nobody reads it any more, either.
  await noSession(home);
});

homeTest("a client that does not read what is said to a person is served on", { config }, async (
  home,
) => {
  await using client = new LineBridge(home, ["--server", "m"], "piped");
  await client.child.stderr.cancel();
  await client.write(INITIALIZE, { jsonrpc: "2.0", method: "notifications/initialized" });
  await client.answerTo("i");
  // That the session was forgotten is told on standard error.
  assert.equal((await home.cli("mcp", "--stop-server")).code, 0);
  await Deno.remove(home.paths.sessionsDb);
  for (const id of ["first", "second"]) {
    await client.write(call(id, "echo", { text: id }));
    assert.equal((await client.answerTo(id)).result?.content[0].text, id);
  }
});
