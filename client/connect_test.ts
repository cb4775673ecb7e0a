import assert from "node:assert/strict";

import { connect } from "./connect.ts";
import { resolveOptions } from "./options.ts";
import { startDaemon, type TestDaemon } from "./testdata/daemon.ts";
import { rejection, stdioServer, TempDir } from "./testdata/fixtures.ts";

const signal = new AbortController().signal;
const onCleanup = () => assert.fail("nothing is left to clean up");

/** Makes the daemon answer nothing from `initialize` on. Returns what lets it go on. */
function hangAtInitialize(daemon: TestDaemon): () => void {
  const released = Promise.withResolvers<Response>();
  let hangs = false;
  daemon.behaviour.intercept = (_request, message) => {
    hangs ||= message?.method === "initialize";
    if (hangs) return released.promise;
  };
  return () => released.resolve(new Response(null, { status: 500 }));
}

Deno.test("connect: a daemon that hangs while connecting is given up for a process", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  const release = hangAtInitialize(daemon);
  const options = resolveOptions({ home: home.path, server: "tester", spawn: stdioServer() });
  const { mode, transport } = await connect(options, { signal, onCleanup, watchMs: 1, lookMs: 20 });
  assert.equal(mode, "spawn");
  await transport.close();
  release();
});

Deno.test("connect: without a process to fall back to, the hung daemon is named", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  const release = hangAtInitialize(daemon);
  const options = resolveOptions({ home: home.path, server: "tester", mode: "daemon" });
  const connecting = connect(options, { signal, onCleanup, watchMs: 1, lookMs: 20 });
  assert.match((await rejection(connecting, "not_running")).message, /stopped answering/);
  release();
});

Deno.test("connect: a server that is slow to start is waited for while the daemon answers", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  const looks = Promise.withResolvers<void>();
  let count = 0;
  daemon.behaviour.intercept = async (request, message) => {
    // Ten looks are more than a hung daemon is given.
    if (new URL(request.url).pathname === "/health" && ++count === 10) looks.resolve();
    if (message?.method === "initialize") await looks.promise;
  };
  const options = resolveOptions({ home: home.path, server: "tester", mode: "daemon" });
  const { mode, transport } = await connect(options, { signal, onCleanup, watchMs: 1 });
  assert.equal(mode, "daemon");
  await transport.close();
});

Deno.test("connect: a daemon that was replaced while connecting is given up", async () => {
  await using home = new TempDir();
  const first = await startDaemon(home.path);
  const release = hangAtInitialize(first);
  const options = resolveOptions({ home: home.path, server: "tester", mode: "daemon" });
  const connecting = connect(options, { signal, onCleanup, watchMs: 1 });
  await first.sees("initialize");
  await using _second = await startDaemon(home.path);
  await rejection(connecting, "not_running");
  release();
  await first.close();
});
