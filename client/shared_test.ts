import assert from "node:assert/strict";

import { closeSharedClient, getSharedClient, isServerRunning } from "./mod.ts";
import { startDaemon } from "./testdata/daemon.ts";
import { rejection, stdioServer, TempDir } from "./testdata/fixtures.ts";

Deno.test("shared client: one per home, server, mode and url", async () => {
  const one = getSharedClient({ home: "/tmp/h", server: "a" });
  assert.equal(getSharedClient({ home: "/tmp/../tmp/h", server: "a", timeoutMs: 5 }), one);
  assert.equal(getSharedClient({ home: "/tmp/h", server: "a", mode: "auto" }), one);
  const others = [
    getSharedClient({ home: "/tmp/h", server: "b" }),
    getSharedClient({ home: "/tmp/i", server: "a" }),
    getSharedClient({ home: "/tmp/h" }),
    getSharedClient({ home: "/tmp/h", server: "a", mode: "daemon" }),
    getSharedClient({ home: "/tmp/h", server: "a", url: "http://127.0.0.1:1" }),
  ];
  assert.equal(new Set([one, ...others]).size, 6);
  await closeSharedClient();
  assert.ok([one, ...others].every(({ closed }) => closed));
});

Deno.test("shared client: closing one leaves the others; a closed one is made anew", async () => {
  const one = getSharedClient({ home: "/tmp/h", server: "a" });
  const other = getSharedClient({ home: "/tmp/h", server: "b" });
  await closeSharedClient({ home: "/tmp/h", server: "a" });
  assert.deepEqual([one.closed, other.closed], [true, false]);
  assert.notEqual(getSharedClient({ home: "/tmp/h", server: "a" }), one);
  await other.close();
  assert.notEqual(getSharedClient({ home: "/tmp/h", server: "b" }), other);
  await closeSharedClient({ home: "/tmp/h", server: "never-made" });
  await closeSharedClient();
});

Deno.test("shared client: its users share one session and one process", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  const options = { home: home.path, server: "tester" };
  await Promise.all([
    getSharedClient(options).callTool("echo", { message: "a" }),
    getSharedClient(options).callTool("echo", { message: "b" }),
  ]);
  assert.equal(daemon.sessions.size, 1);

  const spawning = { ...options, mode: "spawn", spawn: stdioServer() } as const;
  const [a, b] = await Promise.all([
    getSharedClient(spawning).callTool("pid"),
    getSharedClient(spawning).callTool("pid"),
  ]);
  assert.deepEqual(a, b);
  await closeSharedClient();
  assert.equal(daemon.sessions.size, 0);
});

Deno.test("is server running: true only for the daemon of this home, and nothing is started", async () => {
  await using home = new TempDir();
  assert.equal(await isServerRunning({ home: home.path }), false);
  assert.deepEqual([...Deno.readDirSync(home.path)], []);
  await using daemon = await startDaemon(home.path);
  assert.equal(await isServerRunning({ home: home.path }), true);
  assert.equal(await isServerRunning({ url: daemon.url, token: daemon.token }), true);
  assert.equal(await isServerRunning({ url: daemon.url, token: "another" }), false);
  daemon.behaviour.proof = () => "0".repeat(64);
  assert.equal(await isServerRunning({ home: home.path }), false);
  await assert.rejects(isServerRunning({ home: home.path, timeoutMs: -1 }), RangeError);
});

Deno.test("shared client: wrong options are refused before anything is shared", async () => {
  assert.throws(() => getSharedClient({ server: "a b" }), TypeError);
  await rejection(
    getSharedClient({ home: "/nonexistent/h", server: "a" }).listTools(),
    "not_running",
  );
  await closeSharedClient();
});
