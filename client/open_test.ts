import assert from "node:assert/strict";

import { AichakuClient, type ClientOptions, type Era } from "./mod.ts";
import { connect } from "./connect.ts";
import { newMemory } from "./memory.ts";
import { resolveOptions } from "./options.ts";
import { rejection, stdioServer, TempDir, testdata } from "./testdata/fixtures.ts";
import type { SpawnSpec } from "./mod.ts";

const signal = new AbortController().signal;
const onCleanup = (cleanup: Promise<void>) => void cleanups.push(cleanup);
const cleanups: Promise<void>[] = [];

function eraServer(kind: string): SpawnSpec {
  return {
    command: Deno.execPath(),
    args: ["run", "--allow-all", "--no-check", testdata("era_server.ts"), kind],
  };
}

/** A client of such a process, and how often it was started. */
function clientOf(kind: string, options: ClientOptions = {}) {
  const started: string[] = [];
  const client = new AichakuClient({
    server: "tester",
    mode: "spawn",
    spawn() {
      started.push(kind);
      return eraServer(kind);
    },
    ...options,
  });
  return { client, started, [Symbol.asyncDispose]: () => client.close() };
}

async function echo(client: AichakuClient, message: string): Promise<unknown> {
  return (await client.callTool("echo", { message })).content[0].text;
}

Deno.test("era: a modern process is found out, and says what it is", async () => {
  await using all = clientOf("modern");
  const { client, started } = all;
  assert.equal(await echo(client, "héllo"), "héllo");
  const serverInfo = { name: "modern-server", version: "3.2.1" };
  assert.deepEqual(client.serverInfo, serverInfo);
  const { protocolVersion, instructions, capabilities } = client.initializeResult!;
  assert.deepEqual([protocolVersion, instructions], ["2026-07-28", "Be brief."]);
  assert.deepEqual(client.serverCapabilities, capabilities);
  assert.equal(client.sessionId, undefined);
  assert.equal(started.length, 1);
});

Deno.test("era: a legacy process is initialized after it did not know the question", async () => {
  await using client = new AichakuClient({
    server: "tester",
    mode: "spawn",
    spawn: stdioServer(),
  });
  assert.equal(await echo(client, "x"), "x");
  assert.equal(client.initializeResult!.protocolVersion, "2025-11-25");
});

Deno.test("era: a process that ends at the question is started again, and not asked any more", async () => {
  await using all = clientOf("strict");
  const { client, started } = all;
  assert.equal(await echo(client, "x"), "x");
  assert.equal(started.length, 2);
});

Deno.test("era: what was found out is kept from one connection to the next", async () => {
  await using home = new TempDir();
  const memory = newMemory();
  let started = 0;
  const options = resolveOptions({
    home: home.path,
    server: "tester",
    mode: "spawn",
    spawn() {
      started++;
      return eraServer("strict");
    },
  });
  for (const count of [2, 3]) {
    const { transport } = await connect(options, { signal, onCleanup, memory });
    assert.equal(started, count);
    assert.equal(memory.era, "silent");
    await transport.close();
  }
  await Promise.all(cleanups);
});

Deno.test("era: a process that says nothing to the question is initialized", async () => {
  await using home = new TempDir();
  const options = resolveOptions({
    home: home.path,
    server: "tester",
    mode: "spawn",
    spawn: eraServer("silent"),
  });
  const { transport } = await connect(options, { signal, onCleanup, probeMs: 1 });
  assert.equal(transport.initializeResult.protocolVersion, "2025-11-25");
  await transport.close();
});

Deno.test("era: a modern process that answers late is not taken for a legacy one", async () => {
  await using home = new TempDir();
  const options = resolveOptions({
    home: home.path,
    server: "tester",
    mode: "spawn",
    spawn: eraServer("slow"),
  });
  const { transport } = await connect(options, { signal, onCleanup, probeMs: 1 });
  assert.equal(transport.initializeResult.protocolVersion, "2026-07-28");
  await transport.close();
});

Deno.test("era: of the revisions that a process names, the one known here is spoken", async () => {
  await using old = clientOf("old");
  assert.equal(await echo(old.client, "x"), "x");
  assert.equal(old.client.initializeResult!.protocolVersion, "2025-06-18");
  for (const kind of ["future", "stubborn"]) {
    await using unknown = clientOf(kind);
    const error = await rejection(unknown.client.listTools(), "rpc");
    assert.equal(error.reason, "upstream_unavailable");
    assert.match(error.message, /speaks no protocol revision known here, only \["20/);
    assert.equal(unknown.started.length, 1);
  }
});

Deno.test("era: the one that was asked for is spoken, or it is an error", async () => {
  await using modern = clientOf("modern", { era: "legacy" });
  const refused = await rejection(modern.client.listTools(), "rpc");
  assert.match(refused.message, /Only 2026-07-28 is spoken/);
  await using legacy = clientOf("old", { era: "modern" });
  const error = await rejection(legacy.client.listTools(), "rpc");
  assert.match(error.message, /speaks no revision of the modern era, and era is "modern"/);
  assert.throws(
    () => new AichakuClient({ era: "new" as Era }),
    /Cannot use era "new": it must be "auto", "legacy" or "modern"/,
  );
});

Deno.test("era: a process that cannot start is an error with its last words, not silence", async () => {
  let started = 0;
  await using client = new AichakuClient({
    server: "tester",
    mode: "spawn",
    spawn() {
      started++;
      return stdioServer("refuse-start");
    },
  });
  const error = await rejection(client.listTools(), "rpc");
  assert.equal(error.reason, "upstream_unavailable");
  assert.match(JSON.stringify(error.data), /no licence found/);
  assert.equal(started, 2);
});
