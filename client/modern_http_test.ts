import assert from "node:assert/strict";

import { META } from "../protocol/modern.ts";
import { newMemory } from "./memory.ts";
import { openOverHttp } from "./open.ts";
import type { Era } from "./options.ts";
import type { PeerOptions, ServerNotification } from "./peer.ts";
import { freePort, rejection, testPeer } from "./testdata/fixtures.ts";
import { type ModernHttpServer, startModernHttp } from "./testdata/modern_http_server.ts";
import { RESOURCE } from "./testdata/modern_server.ts";
import type { CallToolResult } from "./tools.ts";
import { NotSent, type Progress, type Transport } from "./transport.ts";

const { signal } = new AbortController();

interface OpenOptions extends Partial<PeerOptions> {
  era?: Era;
  memory?: ReturnType<typeof newMemory>;
  project?: string;
  onDeaf?: () => void;
}

async function open(
  { url }: Pick<ModernHttpServer, "url">,
  { era = "modern", memory = newMemory(), project, onDeaf, ...peer }: OpenOptions = {},
): Promise<Transport & AsyncDisposable> {
  const transport = await openOverHttp({
    endpoint: url,
    token: "secret",
    server: "tester",
    peer: testPeer(peer),
    ...{ era, memory, project, onDeaf, signal },
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

Deno.test("modern http: every request says who makes it, in its body and in its headers", async () => {
  await using server = startModernHttp();
  const memory = newMemory();
  await using transport = await open(server, {
    memory,
    project: "/a ü",
    handlers: { elicitation: () => ({}), roots: () => [] },
    capabilities: { tasks: {} },
  });
  const meta = JSON.parse((await call(transport, "meta"))!);
  assert.deepEqual(meta, {
    [META.protocolVersion]: "2026-07-28",
    [META.clientInfo]: { name: "test", version: "0" },
    // Without what this era does not know.
    [META.clientCapabilities]: { elicitation: {}, roots: {} },
  });
  await transport.request("resources/read", { uri: "file:///ü" }, { signal }).catch(() => {});
  assert.deepEqual(
    server.posted.map(({ headers }) =>
      ["mcp-protocol-version", "mcp-method", "mcp-name"].map((name) => headers.get(name))
    ),
    [
      ["2026-07-28", "server/discover", null],
      ["2026-07-28", "tools/call", "meta"],
      ["2026-07-28", "resources/read", "=?base64?ZmlsZTovLy/DvA==?="],
    ],
  );
  for (const { headers } of server.posted) {
    assert.equal(headers.get("authorization"), "Bearer secret");
    assert.equal(headers.get("x-aichaku-project"), "%2Fa%20%C3%BC");
    assert.equal(headers.get("x-aichaku-client"), memory.name);
    assert.equal(headers.get("accept"), "application/json, text/event-stream");
    assert.equal(headers.get("mcp-session-id"), null);
  }
});

Deno.test("modern http: results are those of the legacy era, and errors too", async () => {
  await using server = startModernHttp();
  await using transport = await open(server);
  assert.deepEqual(
    await transport.request("tools/call", { name: "echo", arguments: { message: "x" } }, {
      signal,
    }),
    { content: [{ type: "text", text: "x" }] },
  );
  const unknown = await rejection(transport.request("no/such", {}, { signal }), "rpc");
  assert.deepEqual([unknown.code, unknown.message], [-32601, "Unknown method: no/such"]);
});

Deno.test("modern http: progress comes before its answer", async () => {
  await using server = startModernHttp();
  await using transport = await open(server);
  const seen: Progress[] = [];
  const params = { name: "progress", arguments: {} };
  await transport.request("tools/call", params, { signal, onProgress: (one) => seen.push(one) });
  assert.deepEqual(seen.map(({ progress }) => progress), [1, 2, 3]);
});

Deno.test("modern http: whoever leaves closes the response, and says nothing", async () => {
  await using server = startModernHttp();
  await using transport = await open(server);
  const controller = new AbortController();
  const reason = new Error("enough");
  const held = transport.request("tools/call", { name: "never" }, { signal: controller.signal });
  held.catch(() => {});
  await server.server.sees(({ method }) => method === "tools/call");
  controller.abort(reason);
  await assert.rejects(held, reason);
  await server.posted.at(-1)!.left;
  assert.equal(await call(transport, "echo", { message: "still" }), "still");
  assert.ok(!server.server.seen.some(({ method }) => method === "notifications/cancelled"));
});

Deno.test("modern http: questions are answered in rounds, each a request of its own", async () => {
  await using server = startModernHttp();
  await using transport = await open(server, {
    handlers: { elicitation: ({ message }) => ({ action: "accept", content: { message } }) },
  });
  const questions = { q: { method: "elicitation/create", params: { message: "Name?" } } };
  const said = JSON.parse((await call(transport, "rounds", { questions, times: 2 }))!);
  const q = { action: "accept", content: { message: "Name?" } };
  assert.deepEqual(said, { inputResponses: { q }, requestState: "2" });
  const ids = server.server.seen.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(server.server.seen.filter(({ method }) => method === "tools/call").length, 3);
});

Deno.test("modern http: arguments that a tool wants in headers are sent there, listed before or not", async () => {
  await using server = startModernHttp();
  await using fresh = await open(server);
  const methods = () => server.server.seen.map(({ method }) => method);
  assert.equal(await call(fresh, "mirrored", { region: "ü" }), "ü");
  // The first call was refused before it reached the server.
  assert.deepEqual(methods(), ["server/discover", "tools/list", "tools/call"]);
  assert.equal(await call(fresh, "mirrored", { region: "eu" }), "eu");
  assert.equal(server.posted.at(-1)!.headers.get("mcp-param-region"), "eu");
  assert.equal(methods().length, 4);
});

Deno.test("modern http: a server that refuses headers for another reason is not called again", async () => {
  await using server = startModernHttp();
  await using transport = await open(server);
  let calls = 0;
  server.intercept = ({ id, method }) => {
    if (method !== "tools/call") return undefined;
    calls++;
    const error = { code: -32020, message: "Header mismatch: something" };
    return Response.json({ jsonrpc: "2.0", id, error }, { status: 400 });
  };
  assert.equal((await rejection(call(transport, "echo"), "rpc")).code, -32020);
  assert.equal(calls, 1);
});

Deno.test("modern http: what changes is heard, for lists from the beginning, for resources on demand", async () => {
  await using server = startModernHttp();
  const heard: ServerNotification[] = [];
  const memory = newMemory();
  const all = Promise.withResolvers<void>();
  await using transport = await open(server, {
    memory,
    onNotification(notification) {
      if (heard.push(notification) === 2) all.resolve();
    },
  });
  assert.deepEqual(
    await transport.request("resources/subscribe", { uri: RESOURCE }, { signal }),
    {},
  );
  assert.deepEqual([...memory.subscribed], [RESOURCE]);
  const listens = server.server.seen.filter(({ method }) => method === "subscriptions/listen");
  assert.deepEqual(listens.map(({ params }) => (params as Record<string, unknown>).notifications), [
    { toolsListChanged: true },
    { toolsListChanged: true, resourceSubscriptions: [RESOURCE] },
  ]);
  await server.posted.find(({ message }) => message.id === listens[0].id)!.left;
  await call(transport, "touch");
  await all.promise;
  assert.deepEqual(heard, [
    { method: "notifications/resources/updated", params: { uri: RESOURCE } },
    { method: "notifications/tools/list_changed", params: {} },
  ]);
  await transport.request("resources/unsubscribe", { uri: RESOURCE }, { signal });
  assert.equal(memory.subscribed.size, 0);
});

Deno.test("modern http: a resource that the server does not tell of cannot be subscribed to", async () => {
  await using server = startModernHttp();
  const memory = newMemory();
  await using transport = await open(server, { memory });
  const subscribing = transport.request("resources/subscribe", { uri: "test://two" }, { signal });
  const error = await rejection(subscribing, "rpc");
  assert.match(error.message, /does not tell when it changes; read it again instead/);
  assert.equal(error.code, -32601);
  assert.equal(memory.subscribed.size, 0);
});

Deno.test("modern http: what was subscribed to before is subscribed to on the next connection", async () => {
  await using server = startModernHttp();
  const memory = newMemory();
  memory.subscribed.add(RESOURCE);
  memory.logLevel = "error";
  await using transport = await open(server, { memory });
  const { params } = await server.server.sees(({ method }) => method === "subscriptions/listen");
  assert.deepEqual((params as Record<string, unknown>).notifications, {
    resourceSubscriptions: [RESOURCE],
  });
  assert.equal(JSON.parse((await call(transport, "meta"))!)[META.logLevel], "error");
});

Deno.test("modern http: log messages are asked for by whoever hears them, at the level that was set", async () => {
  await using server = startModernHttp();
  const level = async (transport: Transport) =>
    JSON.parse((await call(transport, "meta"))!)[META.logLevel];
  await using deaf = await open(server);
  assert.equal(await level(deaf), undefined);
  await using hearing = await open(server, { onNotification() {} });
  assert.equal(await level(hearing), "info");
  await hearing.request("logging/setLevel", { level: "warning" }, { signal });
  assert.equal(await level(hearing), "warning");
});

Deno.test("modern http: what only the legacy era has is done here, and not sent", async () => {
  await using server = startModernHttp();
  await using transport = await open(server);
  assert.deepEqual(await transport.request("ping", undefined, { signal }), {});
  await transport.notify("notifications/roots/list_changed", undefined, signal);
  await transport.notify("notifications/own", { a: 1 }, signal);
  assert.deepEqual(server.server.seen.map(({ method }) => method), [
    "server/discover",
    "server/discover",
    "notifications/own",
  ]);
});

Deno.test("modern http: a server that stops for good is lost to whoever listens", async () => {
  const server = startModernHttp();
  const deaf = Promise.withResolvers<void>();
  await using transport = await open(server, { onNotification() {}, onDeaf: deaf.resolve });
  await server.server.sees(({ method }) => method === "subscriptions/listen");
  await server[Symbol.asyncDispose]();
  await assert.rejects(call(transport, "echo"));
  await deaf.promise;
  assert.equal(transport.ended, true);
});

Deno.test("modern http: a connection that a call finds lost is not listened to any more", async () => {
  await using server = startModernHttp();
  const deaf = Promise.withResolvers<void>();
  await using transport = await open(server, { onNotification() {}, onDeaf: deaf.resolve });
  await server.server.sees(({ method }) => method === "subscriptions/listen");
  const { left } = server.posted.at(-1)!;
  // A call's stream that ends without an answer; that of the subscription stays open.
  server.intercept = () =>
    new Response(": nothing\n\n", { headers: { "content-type": "text/event-stream" } });
  await rejection(call(transport, "echo"), "connection_lost");
  await Promise.all([deaf.promise, left]);
});

Deno.test("modern http: a server that is stopping has not executed the call, which is made elsewhere", async () => {
  await using server = startModernHttp();
  await using transport = await open(server);
  server.intercept = ({ id }) => {
    const error = {
      code: -32014,
      message: "stopping",
      data: { reason: "draining", retryable: true },
    };
    return Response.json({ jsonrpc: "2.0", id, error });
  };
  await assert.rejects(call(transport, "echo"), NotSent);
  assert.equal(transport.ended, true);
});

Deno.test("modern http: a response that breaks off is lost, and not asked for again", async () => {
  await using server = startModernHttp();
  await using transport = await open(server);
  const held = call(transport, "never");
  await server.server.sees(({ method }) => method === "tools/call");
  const count = server.posted.length;
  server.breakStreams();
  await rejection(held, "connection_lost");
  assert.equal(server.posted.length, count);
});

Deno.test("modern http: nobody there is an error, in every era", async () => {
  const url = `http://127.0.0.1:${freePort()}/mcp`;
  for (const era of ["auto", "modern", "legacy"] as const) {
    await rejection(open({ url }, { era }), "connection_lost");
  }
});
