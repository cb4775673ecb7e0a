import assert from "node:assert/strict";

import { settlesWithin } from "../protocol/deadline.ts";
import {
  AichakuClient,
  type AichakuError,
  type ClientOptions,
  isServerRunning,
  type Progress,
} from "./mod.ts";
import { announce, startDaemon, type TestDaemon } from "./testdata/daemon.ts";
import {
  denoProcess,
  freePort,
  rejection,
  stdioServer,
  TempDir,
  testdata,
} from "./testdata/fixtures.ts";

/** A client of the home, with the tests' stdio server to fall back to. */
function clientOf(home: TempDir, options: ClientOptions = {}): AichakuClient {
  return new AichakuClient({ home: home.path, server: "tester", spawn: stdioServer(), ...options });
}

async function echo(client: AichakuClient, message: string): Promise<string | undefined> {
  return (await client.callTool("echo", { message })).content[0].text;
}

function countOf(daemon: TestDaemon, method: string): number {
  return daemon.seen.filter((seen) => seen.method === method).length;
}

Deno.test("client: nothing happens before the first call, and first calls share one connection", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  await using client = clientOf(home);
  assert.equal(client.mode, undefined);
  assert.equal(client.serverInfo, undefined);
  assert.equal(daemon.seen.length, 0);
  const answers = await Promise.all(["a", "b", "c"].map((message) => echo(client, message)));
  assert.deepEqual(answers, ["a", "b", "c"]);
  assert.equal(countOf(daemon, "initialize"), 1);
  assert.equal(client.mode, "daemon");
  assert.deepEqual(client.serverInfo, { name: "tool-server", version: "1.2.3" });
  assert.ok(daemon.sessions.has(client.sessionId!));
});

Deno.test("client: without a server's name it uses the endpoint of all servers", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  await using client = new AichakuClient({ home: home.path });
  await client.listTools();
  assert.equal((await daemon.sees("tools/list")).path, "/mcp");
});

Deno.test("client: results and errors are the same over the daemon and over a process", async () => {
  await using home = new TempDir();
  await using _daemon = await startDaemon(home.path);
  const outcomes = [];
  for (const mode of ["daemon", "spawn"] as const) {
    await using client = clientOf(home, { mode });
    const progress: Progress[] = [];
    const onProgress = (one: Progress) => progress.push(one);
    const never = rejection(client.callTool("never", {}, { timeoutMs: 1 }), "timeout");
    outcomes.push({
      tools: await client.listTools(),
      echo: await client.callTool("echo", { message: "ü" }),
      fail: await client.callTool("fail"),
      progress: (await client.callTool("progress", {}, { onProgress })).content,
      // The daemon of the tests answers in JSON, which carries no progress.
      seen: mode === "spawn" ? progress.length : 3,
      error: facts(await rejection(client.callTool("error"), "rpc")),
      unknownTool: facts(await rejection(client.callTool("nope"), "rpc")),
      unknownMethod: facts(await rejection(client.request("no/such"), "rpc")),
      timeout: facts(await never),
      info: client.serverInfo,
    });
    assert.equal(client.mode, mode);
  }
  assert.deepEqual(outcomes[0], outcomes[1]);
  assert.equal(outcomes[0].tools.length, 7);
  assert.equal(outcomes[0].fail.isError, true);
  assert.equal(outcomes[0].seen, 3);
});

function facts({ kind, message, code, data, reason }: AichakuError) {
  return { kind, message, code, data, reason };
}

Deno.test("client: a list of tools without an end is an error, not a loop", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  await using client = clientOf(home);
  daemon.behaviour.intercept = (_request, message) =>
    message?.method === "tools/list"
      ? Response.json({
        jsonrpc: "2.0",
        id: message.id,
        result: { tools: [], nextCursor: "again" },
      })
      : undefined;
  const error = await rejection(client.listTools(), "protocol");
  assert.match(error.message, /after 2 pages it goes on with cursor again/);
});

Deno.test("client: results that are not what MCP says are protocol errors", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  await using client = clientOf(home);
  daemon.behaviour.intercept = (_request, message) =>
    String(message?.method).startsWith("tools/")
      ? Response.json({ jsonrpc: "2.0", id: message!.id, result: { tools: [7], content: "x" } })
      : undefined;
  assert.match((await rejection(client.listTools(), "protocol")).message, /"tools" must be/);
  assert.match((await rejection(client.callTool("t"), "protocol")).message, /"content" of/);
  assert.deepEqual(await client.request("tools/list"), { tools: [7], content: "x" });
});

Deno.test("client: without a daemon it spawns; the daemon's mode never does", async () => {
  await using home = new TempDir();
  await using client = clientOf(home);
  assert.equal(await echo(client, "x"), "x");
  assert.equal(client.mode, "spawn");
  assert.equal(client.sessionId, undefined);

  const spawn = () => assert.fail("nothing is spawned");
  await using strict = clientOf(home, { mode: "daemon", spawn });
  const error = await rejection(echo(strict, "x"), "not_running");
  assert.match(error.message, /Cannot reach server "tester": no daemon \(.*does not exist\)/);
  assert.match(error.message, /start it with "aichaku mcp --start-server"$/);
});

Deno.test("client: with nothing to connect to, the error says what to do", async () => {
  await using home = new TempDir();
  await using unknown = new AichakuClient({ home: home.path, server: "everything" });
  const error = await rejection(unknown.listTools(), "not_running");
  assert.match(
    error.message,
    /start it with "aichaku mcp --start-server", or give the option spawn/,
  );

  await using builtin = new AichakuClient({ home: home.path, server: "reviewer" });
  assert.match((await rejection(builtin.listTools(), "not_running")).message, /set AICHAKU_BIN/);

  await using spawning = new AichakuClient({ home: home.path, server: "x", mode: "spawn" });
  assert.match((await rejection(spawning.listTools(), "not_running")).message, /Cannot spawn/);

  await using all = new AichakuClient({ home: home.path });
  assert.match((await rejection(all.listTools(), "not_running")).message, /name one server/);
});

Deno.test("client: a daemon that refuses, whatever it says, is replaced by a process", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  const error = { code: -32014, message: "stopping", data: { reason: "draining" } };
  const refusals = [
    () => Response.json({ jsonrpc: "2.0", id: null, error }, { status: 503 }),
    () => new Response("no such server", { status: 404 }),
    () => new Response("no", { status: 401 }),
    () => new Response("<html>"),
    () => Response.json({}),
  ];
  for (const step of ["initialize", "notifications/initialized"]) {
    for (const refuse of refusals.slice(0, step === "initialize" ? undefined : 3)) {
      daemon.behaviour.intercept = (_request, message) =>
        message?.method === step ? refuse() : undefined;
      await using client = clientOf(home);
      assert.equal(await echo(client, "fallback"), "fallback");
      assert.equal(client.mode, "spawn");
    }
  }
});

Deno.test("client: when the daemon refuses and the process fails, the error tells both", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  daemon.behaviour.intercept = (_request, message) =>
    message ? new Response("not today", { status: 500 }) : undefined;
  await using client = clientOf(home, { spawn: { command: "/no/such/program" } });
  const error = await rejection(echo(client, "x"), "rpc");
  assert.equal(error.reason, "upstream_unavailable");
  assert.match(error.message, /the command "\/no\/such\/program" cannot be run/);
  assert.match(error.message, /tried because the daemon refused: .*not today/);
});

Deno.test("client: a failed attempt is made anew by the next call", async () => {
  await using home = new TempDir();
  await using client = clientOf(home, { mode: "daemon" });
  await rejection(echo(client, "x"), "not_running");
  await using _daemon = await startDaemon(home.path);
  assert.equal(await echo(client, "x"), "x");
});

Deno.test("client: a session that the daemon forgot is made anew, and the call runs once", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  await using client = clientOf(home);
  await echo(client, "a");
  const { sessionId } = client;
  daemon.sessions.clear();
  assert.deepEqual(await Promise.all([echo(client, "b"), echo(client, "c")]), ["b", "c"]);
  assert.notEqual(client.sessionId, sessionId);
  assert.equal(countOf(daemon, "initialize"), 2);
});

Deno.test("client: a daemon that always forgets is an error in the end", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  await using client = clientOf(home);
  daemon.behaviour.intercept = (_request, message) =>
    message?.method === "tools/call" ? new Response(null, { status: 404 }) : undefined;
  const error = await rejection(echo(client, "x"), "rpc");
  assert.equal(error.reason, "session_not_found");
  assert.equal(countOf(daemon, "tools/call"), 4);
});

Deno.test("client: a call that a stopping daemon refused goes to the next one", async () => {
  await using home = new TempDir();
  await using client = clientOf(home, { mode: "daemon" });
  const first = await startDaemon(home.path);
  assert.equal(await echo(client, "a"), "a");
  const error = {
    code: -32014,
    message: "stopping",
    data: { reason: "draining", retryable: true },
  };
  const refused = Promise.withResolvers<void>();
  first.behaviour.intercept = (_request, message) => {
    if (message?.method !== "tools/call") return undefined;
    refused.resolve();
    return Response.json({ jsonrpc: "2.0", id: message.id, error });
  };
  const call = echo(client, "b");
  await refused.promise;
  await first.close();
  await using _second = await startDaemon(home.path);
  assert.equal(await call, "b");
});

Deno.test("client: a daemon that was restarted between two calls is found again", async () => {
  await using home = new TempDir();
  await using client = clientOf(home, { mode: "daemon" });
  const first = await startDaemon(home.path);
  assert.equal(await echo(client, "a"), "a");
  await first.close();
  assert.equal(await isServerRunning({ home: home.path }), false);
  await using _second = await startDaemon(home.path);
  assert.equal(await echo(client, "b"), "b");
});

Deno.test("client: a daemon that is gone between two calls is replaced by a process", async () => {
  await using home = new TempDir();
  await using client = clientOf(home);
  const daemon = await startDaemon(home.path);
  await echo(client, "a");
  await daemon.close();
  assert.equal(await isServerRunning({ home: home.path }), false);
  assert.equal(await echo(client, "b"), "b");
  assert.equal(client.mode, "spawn");
});

Deno.test("client: after a silence, a daemon that hangs is replaced before a call is lost", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  await using client = clientOf(home);
  await echo(client, "a");
  const released = Promise.withResolvers<Response>();
  daemon.behaviour.intercept = () => released.promise;
  using _later = minutesLater();
  // Two calls, one question.
  assert.deepEqual(await Promise.all([echo(client, "b"), echo(client, "c")]), ["b", "c"]);
  assert.equal(client.mode, "spawn");
  assert.equal(countOf(daemon, "tools/call"), 1);
  released.resolve(new Response(null, { status: 500 }));
});

Deno.test("client: after a silence, a daemon that is still there keeps its session", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  await using client = clientOf(home);
  await echo(client, "a");
  const { sessionId } = client;
  const before = daemon.seen.length;
  using _later = minutesLater();
  assert.equal(await echo(client, "b"), "b");
  assert.deepEqual(daemon.seen.slice(before).map(({ path }) => path), ["/health", "/mcp/tester"]);
  assert.equal(client.sessionId, sessionId);
});

/** Lets time pass, for this block. */
function minutesLater(): Disposable {
  const { now } = performance;
  performance.now = () => now.call(performance) + 120_000;
  return { [Symbol.dispose]: () => void (performance.now = now) };
}

Deno.test("client: a daemon killed under a call loses it once; the next call goes on", async () => {
  await using home = new TempDir();
  const daemon = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", testdata("daemon.ts"), home.path],
    stdout: "piped",
  }).spawn();
  const ready = daemon.stdout.getReader();
  await ready.read();
  await using client = clientOf(home);
  await echo(client, "a");
  assert.equal(client.mode, "daemon");
  const calls = Array.from(
    { length: 5 },
    () => rejection(client.callTool("never"), "connection_lost"),
  );
  await echo(client, "all calls are on their way");
  daemon.kill("SIGKILL");
  for (const error of await Promise.all(calls)) assert.equal(error.reason, "draining");
  assert.equal(client.mode, undefined);
  assert.equal(await echo(client, "b"), "b");
  assert.equal(client.mode, "spawn");
  await ready.cancel();
  await daemon.status;
});

Deno.test("client: a process that died is replaced by the next call", async () => {
  await using home = new TempDir();
  await using client = clientOf(home, { mode: "spawn" });
  const pid = await client.callTool("pid");
  assert.equal((await rejection(client.callTool("die"), "rpc")).reason, "upstream_exited");
  assert.notDeepEqual(await client.callTool("pid"), pid);
});

Deno.test("client: a call that takes too long is a timeout, and the server is told", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  await using client = clientOf(home, { timeoutMs: 20 });
  const error = await rejection(client.callTool("never"), "timeout");
  assert.equal(
    error.message,
    'Cannot call tool "never" of server "tester": no answer within 20 ms; raise timeoutMs if the ' +
      "server is just slow",
  );
  await daemon.sees("notifications/cancelled");
});

Deno.test("client: a server that never answers initialize is a timeout of connecting", async () => {
  await using home = new TempDir();
  const options = { mode: "spawn", spawn: stdioServer("mute"), connectTimeoutMs: 20 } as const;
  await using client = clientOf(home, options);
  const error = await rejection(client.listTools(), "timeout");
  assert.match(error.message, /Cannot connect to server "tester": no answer within 20 ms/);
});

Deno.test("client: aborting ends one call, and a call that was aborted before sends nothing", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  await using client = clientOf(home);
  await rejection(client.callTool("echo", {}, { signal: AbortSignal.abort() }), "aborted");
  assert.equal(daemon.seen.length, 0);

  const controller = new AbortController();
  const waiting = client.callTool("never", {}, { signal: controller.signal });
  await daemon.sees("tools/call");
  const reason = new Error("changed my mind");
  controller.abort(reason);
  assert.equal((await rejection(waiting, "aborted")).cause, reason);
  assert.equal(await echo(client, "others go on"), "others go on");
});

Deno.test("client: aborting while connecting leaves the others their connection", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  await using client = clientOf(home);
  const controller = new AbortController();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  daemon.behaviour.intercept = async (_request, message) => {
    if (message?.method !== "initialize") return;
    asked.resolve();
    await answer.promise;
  };
  const leaving = client.callTool("echo", { message: "a" }, { signal: controller.signal });
  const staying = echo(client, "b");
  await asked.promise;
  controller.abort();
  await rejection(leaving, "aborted");
  answer.resolve();
  assert.equal(await staying, "b");
  assert.equal(countOf(daemon, "initialize"), 1);
});

Deno.test("client: an attempt that nobody waits for any more is given up", async () => {
  await using home = new TempDir();
  const controller = new AbortController();
  const process = denoProcess(stdioServer("mute"));
  await using client = clientOf(home, { mode: "spawn", spawn: () => process });
  const leaving = client.listTools({ signal: controller.signal });
  controller.abort();
  await rejection(leaving, "aborted");
  assert.equal(client.mode, undefined);
  // Not only when connecting takes too long, after a minute.
  assert.ok(await settlesWithin(process.exit, 20_000), "the process is ended");
});

Deno.test("client: close() ends calls in flight, refuses later ones, and ends the session", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  const client = clientOf(home);
  const waiting = rejection(client.callTool("never"), "closed");
  await daemon.sees("tools/call");
  await Promise.all([client.close(), client.close()]);
  await waiting;
  assert.equal(client.closed, true);
  assert.match((await rejection(client.listTools(), "closed")).message, /make a new one/);
  assert.equal(daemon.sessions.size, 0);
});

Deno.test("client: close() while connecting ends the attempt and its process", async () => {
  await using home = new TempDir();
  const process = denoProcess(stdioServer("mute"));
  const client = clientOf(home, { mode: "spawn", spawn: () => process });
  const waiting = rejection(client.listTools(), "closed");
  await client.close();
  await waiting;
  assert.equal((await process.exit).code, 0);
});

Deno.test("client: its signal closes it, before the first call and after", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  const controller = new AbortController();
  const client = clientOf(home, { signal: controller.signal });
  const waiting = rejection(client.callTool("never"), "closed");
  await daemon.sees("tools/call");
  const reason = new Error("shutting down");
  controller.abort(reason);
  assert.equal((await waiting).cause, reason);
  await client.close();
  await rejection(clientOf(home, { signal: controller.signal }).listTools(), "closed");
});

Deno.test("client: throwing in onProgress cancels the call", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path, { behaviour: { answerAs: "sse" } });
  await using client = clientOf(home);
  const cause = new Error("no more");
  const onProgress = () => {
    throw cause;
  };
  const error = await rejection(client.callTool("progress", {}, { onProgress }), "aborted");
  assert.equal(error.cause, cause);
  await daemon.sees("notifications/cancelled");
});

Deno.test("client: progress is told, over the daemon too", async () => {
  await using home = new TempDir();
  await using _daemon = await startDaemon(home.path, { behaviour: { answerAs: "sse" } });
  await using client = clientOf(home);
  const seen: (string | undefined)[] = [];
  await client.callTool("progress", {}, { onProgress: ({ message }) => seen.push(message) });
  assert.deepEqual(seen, ["step 1", "step 2", "step 3"]);
});

Deno.test("client: a notification reaches the server", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  await using client = clientOf(home);
  await client.notify("notifications/cancelled", { requestId: 77 });
  assert.deepEqual(daemon.sessions.get(client.sessionId!)?.cancelled, [77]);
  await using spawned = clientOf(home, { mode: "spawn" });
  await spawned.notify("notifications/cancelled", { requestId: 78 });
  assert.equal((await spawned.callTool("cancelled")).content[0].text, "[78]");
});

Deno.test("client: a spawn function may give what to start, and its failure is told", async () => {
  await using home = new TempDir();
  const asked: unknown[] = [];
  const spawn: ClientOptions["spawn"] = (context) => {
    asked.push(context);
    return Promise.resolve(stdioServer());
  };
  await using client = clientOf(home, { mode: "spawn", spawn });
  assert.equal(await echo(client, "x"), "x");
  assert.deepEqual(asked, [{ server: "tester", project: undefined }]);

  const cause = new Error("out of processes");
  await using failing = clientOf(home, { mode: "spawn", spawn: () => Promise.reject(cause) });
  const error = await rejection(echo(failing, "x"), "rpc");
  assert.equal(error.reason, "upstream_unavailable");
  assert.match(error.message, /the spawn option cannot be run \(out of processes\)/);
  assert.equal(error.cause, cause);
});

Deno.test("client: a squatter on the announced port gets nothing, and a process takes over", async () => {
  await using home = new TempDir();
  await using squatter = await startDaemon(home.path, {
    behaviour: { proof: () => "0".repeat(64) },
  });
  await using client = clientOf(home);
  assert.equal(await echo(client, "x"), "x");
  assert.equal(client.mode, "spawn");
  assert.deepEqual(squatter.seen.map(({ path }) => path), ["/health"]);
});

Deno.test("client: an explicit URL is used instead of the home's daemon", async () => {
  await using home = new TempDir();
  await using other = new TempDir();
  await using daemon = await startDaemon(other.path);
  const { url, token } = daemon;
  await announce(home.path, { url: `http://127.0.0.1:${freePort()}`, token, instanceId: "dead" });
  await using client = clientOf(home, { url, token });
  assert.equal(await echo(client, "x"), "x");
  assert.equal(client.mode, "daemon");
});
