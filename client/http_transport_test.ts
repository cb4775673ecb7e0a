import assert from "node:assert/strict";

import { type HttpTransportOptions, openHttpTransport } from "./http_transport.ts";
import { startDaemon, type TestDaemon } from "./testdata/daemon.ts";
import { rejection, TempDir, testPeer } from "./testdata/fixtures.ts";
import type { CallToolResult } from "./tools.ts";
import { NotSent, type Progress, type Transport } from "./transport.ts";

const signal = new AbortController().signal;

type Open = Transport & AsyncDisposable;

async function open(
  { url, token }: TestDaemon,
  options: Partial<HttpTransportOptions> = {},
): Promise<Open> {
  const transport = await openHttpTransport({
    endpoint: `${url}/mcp/tester`,
    token,
    server: "tester",
    peer: testPeer(),
    signal,
    ...options,
  });
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

/** The answer to a call, as an event. */
function answer(id: unknown, text: string): string {
  const result = { content: [{ type: "text", text }] };
  return `data: ${JSON.stringify({ jsonrpc: "2.0", id, result })}\n\n`;
}

function events(text: string): Response {
  return new Response(text, { headers: { "content-type": "text/event-stream" } });
}

for (const answerAs of ["json", "sse"] as const) {
  Deno.test(`http (${answerAs}): the handshake, its headers, and the end of the session`, async () => {
    await using home = new TempDir();
    await using daemon = await startDaemon(home.path, { behaviour: { answerAs } });
    const transport = await open(daemon);
    assert.deepEqual(transport.serverInfo, { name: "tool-server", version: "1.2.3" });
    assert.equal(await call(transport, "echo", { message: "héllo\n😀" }), "héllo\n😀");
    const { sessionId } = transport;
    await transport.close();
    assert.equal(daemon.sessions.size, 0);
    assert.deepEqual(
      daemon.seen.map(({ verb, path, method, headers }) => [
        `${verb} ${path} ${method ?? ""}`.trim(),
        headers.get("mcp-session-id"),
        headers.get("mcp-protocol-version"),
        headers.get("authorization"),
      ]),
      [
        ["POST /mcp/tester initialize", null, null],
        ["POST /mcp/tester notifications/initialized", sessionId, "2025-11-25"],
        ["POST /mcp/tester tools/call", sessionId, "2025-11-25"],
        ["DELETE /mcp/tester", sessionId, "2025-11-25"],
      ].map((row) => [...row, `Bearer ${daemon.token}`]),
    );
    const { headers } = await daemon.sees("tools/call");
    assert.equal(headers.get("content-type"), "application/json");
    assert.equal(headers.get("accept"), "application/json, text/event-stream");
  });

  Deno.test(`http (${answerAs}): a hundred calls at once, each with its own answer`, async () => {
    await using home = new TempDir();
    await using daemon = await startDaemon(home.path, { behaviour: { answerAs } });
    await using transport = await open(daemon);
    const messages = Array.from({ length: 100 }, (_, i) => `message ${i} ${"x".repeat(i * 50)}`);
    const answers = await Promise.all(
      messages.map((message) => call(transport, "echo", { message })),
    );
    assert.deepEqual(answers, messages);
  });

  Deno.test(`http (${answerAs}): an error of the server comes as it is`, async () => {
    await using home = new TempDir();
    await using daemon = await startDaemon(home.path, { behaviour: { answerAs } });
    await using transport = await open(daemon);
    const error = await rejection(call(transport, "error"), "rpc");
    assert.equal(error.message, "No such thing: 42");
    assert.equal(error.code, -32042);
    assert.deepEqual(error.data, { thing: 42 });
  });

  Deno.test(`http (${answerAs}): an aborted call rejects, and the server is told its id`, async () => {
    await using home = new TempDir();
    await using daemon = await startDaemon(home.path, { behaviour: { answerAs } });
    await using transport = await open(daemon);
    const controller = new AbortController();
    const waiting = transport.request("tools/call", { name: "never" }, {
      signal: controller.signal,
    });
    await daemon.sees("tools/call");
    controller.abort(new Error("enough"));
    await assert.rejects(waiting, /enough/);
    await daemon.sees("notifications/cancelled");
    // `initialize` had id 1.
    assert.equal(await call(transport, "cancelled"), "[2]");
  });
}

Deno.test("http: progress goes to the call that asked for it", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path, { behaviour: { answerAs: "sse" } });
  await using transport = await open(daemon);
  const seen: Progress[] = [];
  await transport.request("tools/call", { name: "progress", arguments: {} }, {
    signal,
    onProgress: (progress) => seen.push(progress),
  });
  assert.deepEqual(
    seen,
    [1, 2, 3].map((progress) => ({ progress, total: 3, message: `step ${progress}` })),
  );
});

Deno.test("http: a server's ping is answered, what the client cannot do is refused", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path, { behaviour: { answerAs: "sse" } });
  await using transport = await open(daemon);
  assert.deepEqual(JSON.parse((await call(transport, "ask"))!), [{ result: {} }, { code: -32601 }]);
});

Deno.test("http: a session that the daemon forgot is told apart from a lost call", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  await using transport = await open(daemon);
  daemon.sessions.clear();
  await assert.rejects(call(transport, "echo", { message: "x" }), NotSent);
  assert.equal(transport.ended, true);
});

Deno.test("http: a call whose connection breaks is lost, and is not sent twice", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  const front = breakingFront(daemon.url, "tools/call");
  await using transport = await open(daemon, { endpoint: `${front.url}/mcp/tester` });
  const error = await rejection(call(transport, "echo", { message: "x" }), "connection_lost");
  assert.equal(error.reason, "draining");
  assert.equal(error.code, -32014);
  assert.match(error.message, /Lost the daemon at http:\/\/127\.0\.0\.1:\d+ while waiting/);
  assert.ok(error.cause instanceof Error);
  assert.equal(transport.ended, true);
  assert.equal(front.broken(), 1);
  front.close();
});

Deno.test("http: a stream that ends without the answer is a lost call", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  await using transport = await open(daemon);
  daemon.behaviour.intercept = (_request, message) =>
    message?.method === "tools/call" ? events(answer(message.id, "cut").slice(0, -2)) : undefined;
  await rejection(call(transport, "echo"), "connection_lost");
});

Deno.test("http: a stream that breaks off is taken up again where it has ids", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  await using transport = await open(daemon);
  let id: unknown;
  daemon.behaviour.intercept = (request, message) => {
    if (message?.method === "tools/call") {
      id = message.id;
      return events("id: 41\nretry: 1\ndata:\n\nid: 42\n\n");
    }
    if (request.method === "GET") {
      assert.equal(request.headers.get("last-event-id"), "42");
      assert.equal(request.headers.get("mcp-session-id"), transport.sessionId);
      return events(answer(id, "the rest"));
    }
  };
  assert.equal(await call(transport, "echo"), "the rest");
});

Deno.test("http: a stream that the daemon does not have any more is a lost call", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  await using transport = await open(daemon);
  daemon.behaviour.intercept = (request, message) => {
    if (message?.method === "tools/call") return events("id: 1\nretry: 1\ndata:\n\n");
    if (request.method === "GET") return new Response(null, { status: 404 });
  };
  const error = await rejection(call(transport, "echo"), "connection_lost");
  assert.match(String(error.cause), /404/);
});

Deno.test("http: a stream that stays open after the answer does not hold the call", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  await using transport = await open(daemon);
  const cancelled = Promise.withResolvers<void>();
  daemon.behaviour.intercept = (_request, message) => {
    if (message?.method !== "tools/call") return;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode(answer(message.id, "ok"))),
      cancel: () => cancelled.resolve(),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  };
  assert.equal(await call(transport, "echo"), "ok");
  await cancelled.promise;
});

Deno.test("http: a refusal with a JSON-RPC error is that error, whatever the status", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  await using transport = await open(daemon);
  const error = {
    code: -32014,
    message: "The daemon stopped under this call",
    data: { reason: "draining", retryable: false },
  };
  daemon.behaviour.intercept = () =>
    Response.json({ jsonrpc: "2.0", id: null, error }, { status: 503 });
  const refused = await rejection(call(transport, "echo"), "rpc");
  assert.equal(refused.message, error.message);
  assert.equal(refused.reason, "draining");
  // It stops: the next call has to look for another one.
  assert.equal(transport.ended, true);
});

Deno.test("http: a server that is stopped under a call does not end the session with the others", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  await using transport = await open(daemon);
  for (const retryable of [false, true]) {
    const data = { reason: "draining", server: "x", retryable };
    const error = { code: -32014, message: 'Server "x" was ended', data };
    daemon.behaviour.intercept = (_request, message) =>
      message?.method === "tools/call"
        ? Response.json({ jsonrpc: "2.0", id: message.id, error })
        : undefined;
    const name = retryable ? "NotSent" : "AichakuError";
    await assert.rejects(call(transport, "echo"), { name });
    assert.equal(transport.ended, false);
    daemon.behaviour.intercept = () => undefined;
    assert.equal(await call(transport, "echo", { message: "on" }), "on");
  }
});

Deno.test("http: what is not MCP is a protocol error that shows it", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  await using transport = await open(daemon);
  const cases: [Response, RegExp][] = [
    [new Response("<h1>Sign in</h1>", { headers: { "content-type": "text/html" } }), /text\/html/],
    [new Response(null, { status: 200 }), /neither JSON nor an event stream/],
    [new Response("{", { headers: { "content-type": "application/json" } }), /not JSON/],
    [Response.json({ jsonrpc: "2.0", id: 999, result: {} }), /no answer to request/],
    [Response.json([{ jsonrpc: "2.0" }]), /not a JSON-RPC message/],
    [new Response("no way", { status: 401 }), /status 401 no way; give the daemon's token/],
    [new Response(null, { status: 500 }), /status 500$/],
    [new Response(null, { status: 307, headers: { location: "http://127.0.0.2/" } }), /status 307/],
    [events("data: not json\n\n"), /not JSON/],
  ];
  for (const [response, expected] of cases) {
    daemon.behaviour.intercept = (_request, message) =>
      message?.method === "tools/call" ? response : undefined;
    const error = await rejection(call(transport, "echo"), "protocol");
    assert.match(error.message, expected);
  }
});

Deno.test("http: a daemon that speaks no known revision is refused, and its session ended", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  daemon.behaviour.intercept = (_request, message) =>
    message?.method === "initialize"
      ? Response.json(
        { jsonrpc: "2.0", id: message.id, result: { protocolVersion: "1999-01-01" } },
        {
          headers: { "mcp-session-id": "s" },
        },
      )
      : undefined;
  const error = await rejection(open(daemon), "rpc");
  assert.equal(error.reason, "upstream_unavailable");
  assert.ok(daemon.seen.some(({ verb }) => verb === "DELETE"));
});

Deno.test("http: closing rejects what is in flight and is bounded when the daemon hangs", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  const transport = await open(daemon);
  const released = Promise.withResolvers<Response>();
  daemon.behaviour.intercept = () => released.promise;
  const waiting = rejection(call(transport, "echo"), "closed");
  await transport.close();
  await waiting;
  released.resolve(new Response(null, { status: 500 }));
});

/**
 * Stands before a daemon and passes connections on, but breaks every connection that carries `word`
 * once it has come in whole. Counts how often that happened.
 */
function breakingFront(target: string, word: string) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = Number(new URL(target).port);
  const open = new Set<Deno.Conn>();
  let broken = 0;
  accept();
  return {
    url: `http://127.0.0.1:${listener.addr.port}`,
    broken: () => broken,
    close() {
      listener.close();
      for (const connection of open) connection.close();
    },
  };

  async function accept() {
    // Ends when the listener is closed.
    for await (const client of listener) serve(client, await Deno.connect({ port }));
  }

  function serve(client: Deno.Conn, daemon: Deno.Conn) {
    for (const connection of [client, daemon]) open.add(connection);
    pump(client, daemon, (text) => {
      if (!text.includes(word)) return false;
      broken++;
      return true;
    });
    pump(daemon, client, () => false);
  }

  async function pump(from: Deno.Conn, to: Deno.Conn, breaksAt: (text: string) => boolean) {
    const buffer = new Uint8Array(64 * 1024);
    const decoder = new TextDecoder();
    try {
      while (true) {
        const length = await from.read(buffer);
        if (length === null || breaksAt(decoder.decode(buffer.subarray(0, length)))) break;
        await to.write(buffer.subarray(0, length));
      }
    } catch (error) {
      // The other direction has closed both.
      if (
        !(error instanceof Deno.errors.BadResource) && !(error instanceof Deno.errors.Interrupted)
      ) {
        throw error;
      }
    }
    for (const connection of [from, to]) {
      if (open.delete(connection)) connection.close();
    }
  }
}
