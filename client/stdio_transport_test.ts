import assert from "node:assert/strict";

import { type SpawnedProcess, spawnProcess } from "./spawned_process.ts";
import { openStdioTransport, type StdioTransportOptions } from "./stdio_transport.ts";
import { denoProcess, rejection, stdioServer, testPeer } from "./testdata/fixtures.ts";
import { NotSent, type Progress, type Transport } from "./transport.ts";
import type { CallToolResult } from "./tools.ts";

const signal = new AbortController().signal;

function options(process: SpawnedProcess): StdioTransportOptions {
  return {
    process,
    server: "tester",
    peer: testPeer(),
    signal,
    // Starting is slow on a busy machine; ending a well-behaved process never needs the grace.
    eofGraceMs: 10_000,
  };
}

async function open(behaviour?: string): Promise<Transport & AsyncDisposable> {
  const transport = await openStdioTransport(options(await spawnProcess(stdioServer(behaviour))));
  return Object.assign(transport, { [Symbol.asyncDispose]: () => transport.close() });
}

async function call(
  transport: Transport,
  name: string,
  args: Record<string, unknown> = {},
): Promise<string | undefined> {
  const result = await transport.request("tools/call", { name, arguments: args }, { signal });
  return (result as CallToolResult).content[0].text;
}

/** The same chunks; tells when the first one was seen. */
async function* tee(stream: AsyncIterable<Uint8Array>, onFirst: () => void) {
  for await (const chunk of stream) {
    onFirst();
    yield chunk;
  }
}

Deno.test("stdio: initializes, calls, and is closed by the end of stdin", async () => {
  const process = await spawnProcess(stdioServer());
  const transport = await openStdioTransport(options(process));
  assert.deepEqual(transport.serverInfo, { name: "tool-server", version: "1.2.3" });
  assert.equal(await call(transport, "echo", { message: "héllo\n😀" }), "héllo\n😀");
  await transport.close();
  assert.deepEqual(await process.exit, { code: 0, signal: null });
  assert.equal(transport.ended, true);
});

Deno.test("stdio: a hundred calls at once, each with its own answer", async () => {
  await using transport = await open();
  const messages = Array.from({ length: 100 }, (_, i) => `message ${i} ${"x".repeat(i * 50)}`);
  const answers = await Promise.all(
    messages.map((message) => call(transport, "echo", { message })),
  );
  assert.deepEqual(answers, messages);
});

Deno.test("stdio: progress goes to the call that asked for it", async () => {
  await using transport = await open();
  const seen: Progress[] = [];
  await Promise.all([
    transport.request("tools/call", { name: "progress", arguments: {} }, {
      signal,
      onProgress: (progress) => seen.push(progress),
    }),
    call(transport, "progress"),
  ]);
  assert.deepEqual(
    seen,
    [1, 2, 3].map((progress) => ({ progress, total: 3, message: `step ${progress}` })),
  );
});

Deno.test("stdio: a server's ping is answered, what the client cannot do is refused", async () => {
  await using transport = await open();
  assert.deepEqual(JSON.parse((await call(transport, "ask"))!), [{ result: {} }, { code: -32601 }]);
});

Deno.test("stdio: an aborted call rejects at once, and the server is told its id", async () => {
  await using transport = await open();
  const controller = new AbortController();
  const waiting = transport.request("tools/call", { name: "never" }, { signal: controller.signal });
  controller.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  // `initialize` had id 1.
  assert.equal(await call(transport, "cancelled"), "[2]");
});

Deno.test("stdio: lines that are no messages disturb nobody; a broken answer fails its call", async () => {
  await using transport = await open();
  const [junk, echo] = await Promise.allSettled([
    transport.request("tools/call", { name: "junk" }, { signal }),
    call(transport, "echo", { message: "still here" }),
  ]);
  assert.equal(junk.status, "rejected");
  assert.match(junk.reason.message, /neither result nor error/);
  assert.equal(junk.reason.reason, "upstream_invalid");
  assert.deepEqual(echo, { status: "fulfilled", value: "still here" });
});

Deno.test("stdio: the death of the process rejects every call in flight, with its last words", async () => {
  await using transport = await open();
  const calls = [call(transport, "never"), call(transport, "never"), call(transport, "die")];
  for (const one of calls) {
    const error = await rejection(one, "rpc");
    assert.equal(error.code, -32010);
    assert.equal(error.reason, "upstream_exited");
    assert.match(error.message, /^Server "tester" exited with code 3 with this call in flight/);
    assert.deepEqual(error.data, {
      reason: "upstream_exited",
      server: "tester",
      retryable: false,
      detail: "exited with code 3\nfatal: out of cheese",
    });
  }
  assert.equal(transport.ended, true);
  await assert.rejects(call(transport, "echo"), NotSent);
});

Deno.test("stdio: a process killed from outside is told by its signal", async () => {
  await using transport = await open();
  const waiting = call(transport, "never");
  Deno.kill(Number(await call(transport, "pid")), "SIGKILL");
  assert.match((await rejection(waiting, "rpc")).message, /was ended by SIGKILL/);
});

Deno.test("stdio: a process that ends before it is ready cannot be started", async () => {
  const error = await rejection(open("refuse-start"), "rpc");
  assert.equal(error.reason, "upstream_unavailable");
  assert.equal(error.code, -32011);
  assert.match(error.message, /Cannot start server "tester": it exited with code 7 before/);
  assert.match(String((error.data as { detail: string }).detail), /no licence found/);
});

Deno.test("stdio: opening is ended by its signal, and the process with it", async () => {
  const process = await spawnProcess(stdioServer("mute"));
  const controller = new AbortController();
  const opening = openStdioTransport({ ...options(process), signal: controller.signal });
  controller.abort(new Error("too slow"));
  await assert.rejects(opening, /too slow/);
  assert.equal((await process.exit).code, 0);
});

Deno.test("stdio: a process that ignores the end of stdin and SIGTERM is killed", async () => {
  const process = await spawnProcess(stdioServer("stubborn"));
  const transport = await openStdioTransport({
    ...options(process),
    eofGraceMs: 1,
    termGraceMs: 1,
  });
  await transport.close();
  assert.equal((await process.exit).signal, "SIGKILL");
});

Deno.test("stdio: closing rejects what is in flight, and a second close waits for the first", async () => {
  await using transport = await open();
  const waiting = rejection(call(transport, "never"), "closed");
  await Promise.all([transport.close(), transport.close()]);
  await waiting;
});

Deno.test("stdio: a process that closes its stdin cannot be asked, so it is ended", async () => {
  const initialized = {
    jsonrpc: "2.0",
    id: 1,
    result: { protocolVersion: "2025-11-25", serverInfo: { name: "deaf", version: "1" } },
  };
  const process = await spawnProcess({
    command: "sh",
    args: [
      "-c",
      'read -r initialize; echo "$0"; read -r initialized; exec 0<&-; echo closed >&2; exec sleep 600',
      JSON.stringify(initialized),
    ],
  });
  const closed = Promise.withResolvers<void>();
  const transport = await openStdioTransport(options({
    ...process,
    stderr: tee(process.stderr, closed.resolve),
  }));
  process.ref?.(); // Idle, it would let the test's own event loop run dry.
  await closed.promise;
  const error = await rejection(call(transport, "echo", { message: "x" }), "rpc");
  assert.equal(error.reason, "upstream_exited");
  assert.equal(transport.ended, true);
  await transport.close();
});

Deno.test("stdio: a process made with Deno.Command does as well", async () => {
  const process = denoProcess(stdioServer());
  const transport = await openStdioTransport(options(process));
  assert.equal(await call(transport, "echo", { message: "through the hook" }), "through the hook");
  const error = await rejection(call(transport, "die"), "rpc");
  assert.equal(
    (error.data as { detail: string }).detail,
    "exited with code 3\nfatal: out of cheese",
  );
  await transport.close();
});

Deno.test("stdio: what the hook must do is enough: no ref, no unref, an exit that rejects", async () => {
  const { ref: _ref, unref: _unref, exit, ...process } = denoProcess(stdioServer());
  const transport = await openStdioTransport(options({
    ...process,
    exit: exit.then(() => Promise.reject(new Error("no status"))),
  }));
  const error = await rejection(call(transport, "die"), "rpc");
  assert.match(error.message, /is out of sight \(no status\)/);
  await transport.close();
});
