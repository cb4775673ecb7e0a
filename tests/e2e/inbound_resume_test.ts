/**
 * Coming back to a stream of Streamable HTTP with `Last-Event-ID`, and the batches of 2025-03-26.
 */

import assert from "node:assert/strict";
import { type DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { EventReader } from "./support/event_reader.ts";
import { errorOf, type Json, McpSession, postJson, textOf } from "./support/mcp_session.ts";
import { misbehaving } from "./support/servers.ts";
import { within } from "./support/within.ts";

const config = { mcpServers: { misbehaving: misbehaving() } };
const begin = (daemon: DaemonFixture, version?: string) =>
  McpSession.begin({ url: daemon.url, server: "misbehaving", version });

/** A call whose response has become a stream: one progress notification was read. */
async function streamOf(session: McpSession, id: unknown, key: string): Promise<EventReader> {
  const params = {
    name: "progress-and-hold",
    arguments: { key, text: `answer of ${key}` },
    _meta: { progressToken: "t" },
  };
  const response = await within(
    fetch(session.url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        ...session.headers,
      },
      body: JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params }),
    }),
    "the stream of a call",
  );
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  assert.equal(response.headers.get("x-accel-buffering"), "no");
  return new EventReader(response);
}

/** GET with `Last-Event-ID`. */
async function resume(session: McpSession, lastEventId: string): Promise<EventReader> {
  const headers = {
    ...session.headers,
    "accept": "text/event-stream",
    "last-event-id": lastEventId,
  };
  const response = await within(fetch(session.url, { headers }), "the resumed stream");
  assert.equal(response.status, 200);
  return new EventReader(response);
}

for (const version of ["2025-03-26", "2025-06-18", "2025-11-25"]) {
  daemonTest(`${version}: an answer whose stream was lost is found by Last-Event-ID`, {
    config,
  }, async (daemon) => {
    const session = await begin(daemon, version);
    const lost = await streamOf(session, 7, "k");
    const progress = await lost.next("the progress");
    assert.ok(progress!.id, "the event has an id");
    await lost[Symbol.asyncDispose]();
    await session.tell("release", { key: "k" });

    await using again = await resume(session, progress!.id!);
    const answer = await again.next("the answer");
    assert.notEqual(answer!.id, progress!.id);
    const message = JSON.parse(answer!.data);
    assert.deepEqual([message.id, textOf({ answer: message })], [7, "answer of k"]);
    assert.equal(await again.next("the end of the stream"), undefined);

    // Whoever has seen the answer gets nothing again, and whoever has not may ask again.
    await using nothing = await resume(session, answer!.id!);
    assert.equal(await nothing.next("the end of the stream"), undefined);
    await using both = await resume(session, progress!.id!);
    assert.deepEqual(JSON.parse((await both.next())!.data), message);
  });
}

daemonTest("a resumed stream goes on while its call does", { config }, async (daemon) => {
  const session = await begin(daemon);
  const lost = await streamOf(session, "x", "k");
  const progress = await lost.next("the progress");
  await lost[Symbol.asyncDispose]();
  await using again = await resume(session, progress!.id!);
  await session.tell("release", { key: "k" });
  assert.equal(textOf({ answer: await again.nextMessage() }), "answer of k");
  assert.equal(await again.next("the end of the stream"), undefined);
});

daemonTest("event ids mean nothing in another session", {
  referee: {
    judges: "nothing",
    because: "whoever names an event of another session is told the end of its call",
  },
  config,
}, async (daemon) => {
  const [own, other] = [await begin(daemon), await begin(daemon)];
  const stream = await streamOf(own, 1, "k");
  const { id } = (await stream.next("the progress"))!;
  await own.tell("release", { key: "k" });
  assert.equal(textOf({ answer: await stream.nextMessage() }), "answer of k");
  await stream[Symbol.asyncDispose]();
  await using spied = await resume(other, id!);
  const message = await spied.nextMessage("an end for that call");
  assert.deepEqual([message.id, message.error.data.reason], [1, "draining"]);
  assert.ok(!JSON.stringify(message).includes("answer of"));
});

daemonTest("only 2025-11-25 is sent an event that is none", { config }, async (daemon) => {
  for (const version of ["2025-11-25", "2025-06-18"]) {
    const session = await begin(daemon, version);
    const key = version;
    const stream = await streamOf(session, 1, key);
    await stream[Symbol.asyncDispose]();
    const raw = await rawStream(session, `${key} raw`);
    assert.equal(/^id: \S+\nretry: \d+\ndata: \n\n/.test(raw), version === "2025-11-25", raw);
  }
});

/** The first bytes of the stream of a call. */
async function rawStream(session: McpSession, key: string): Promise<string> {
  const params = {
    name: "progress-and-hold",
    arguments: { key, text: "x" },
    _meta: { progressToken: 1 },
  };
  const response = await fetch(session.url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "accept": "*/*, text/event-stream",
      ...session.headers,
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: "raw", method: "tools/call", params }),
  });
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (!text.includes("notifications/progress")) {
    const { value, done } = await within(reader.read(), "the first events");
    assert.ok(!done);
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return text;
}

daemonTest("what is said while the GET stream is away waits for it", { config }, async (daemon) => {
  const [session, other] = [await begin(daemon), await begin(daemon)];
  const first = await session.openStream();
  await other.tell("change");
  const seen = await first.next("the first news");
  assert.ok(seen!.id);
  await first[Symbol.asyncDispose]();
  await other.tell("change");
  await using again = await resume(session, seen!.id!);
  const missed = await again.next("the news of meanwhile");
  assert.equal(JSON.parse(missed!.data).method, "notifications/tools/list_changed");
  assert.notEqual(missed!.id, seen!.id);
});

daemonTest("a Last-Event-ID that is nobody's is refused, one of before a restart is not", {
  config,
}, async (daemon) => {
  const session = await begin(daemon);
  const get = async (id: string) => {
    const headers = { ...session.headers, "accept": "text/event-stream", "last-event-id": id };
    const response = await fetch(session.url, { headers });
    await response.body?.cancel();
    return response.status;
  };
  for (const id of ["7", "x".repeat(5000), "p.00000000.1.!!.1", "g.zzzzzzzz.1", "g.00000000"]) {
    assert.equal(await get(id), 400, id);
  }
  assert.equal(await get("g.00000000.7"), 200);
});

daemonTest("an answer that nobody fetches is bounded", {
  config: { ...config, server: { limits: { maxStreamBytes: 64 * 1024 } } },
}, async (daemon) => {
  const session = await begin(daemon);
  const params = {
    name: "progress-and-hold",
    arguments: { key: "big", text: "x".repeat(200_000) },
    _meta: { progressToken: 1 },
  };
  const response = await fetch(session.url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "accept": "application/json, text/event-stream",
      ...session.headers,
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 9, method: "tools/call", params }),
  });
  const stream = new EventReader(response);
  const { id } = (await stream.next("the progress"))!;
  await stream[Symbol.asyncDispose]();
  await session.tell("release", { key: "big" });
  await using again = await resume(session, id!);
  const message = await again.nextMessage("an answer, if only that there is none");
  assert.deepEqual([message.id, message.error.data.reason], [9, "overloaded"]);
});

// ---- batches

const request = (id: unknown, name: string, args: Json = {}, more: Json = {}): Json => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: args, ...more },
});
const notification = { jsonrpc: "2.0", method: "notifications/roots/list_changed" };

async function postBatch(session: McpSession, batch: Json, accept: string): Promise<Response> {
  return await within(
    fetch(session.url, {
      method: "POST",
      headers: { "content-type": "application/json", accept, ...session.headers },
      body: typeof batch === "string" ? batch : JSON.stringify(batch),
    }),
    "the response to a batch",
  );
}

const BOTH = "application/json, text/event-stream";

daemonTest("a batch of 2025-03-26 is answered as an array", {
  referee: { judges: "only ours", because: "the batch has messages that are none" },
  config,
}, async (daemon) => {
  const session = await begin(daemon, "2025-03-26");
  const batch = [
    request(1, "echo", { text: "one" }),
    notification,
    request("2", "echo", { text: "two" }),
    { jsonrpc: "1.0", id: 3 },
    { jsonrpc: "2.0", id: 4, method: "initialize", params: {} },
    { jsonrpc: "2.0", id: 5, method: "ping" },
  ];
  const response = await postBatch(session, batch, BOTH);
  assert.equal(response.headers.get("content-type"), "application/json");
  const answers: Json[] = await response.json();
  const byId = new Map(answers.map((answer) => [answer.id, answer]));
  assert.deepEqual([...byId.keys()].map(String).sort(), ["1", "2", "3", "4", "5"]);
  assert.equal(answers.length, 5);
  assert.equal(textOf({ answer: byId.get(1) }), "one");
  assert.equal(textOf({ answer: byId.get("2") }), "two");
  assert.deepEqual(byId.get(5).result, {});
  for (const id of [3, 4]) assert.equal(byId.get(id).error.code, -32600);
});

daemonTest("a batch whose calls report comes as a stream, each answer once", {
  config,
}, async (daemon) => {
  const session = await begin(daemon, "2025-03-26");
  const batch = [1, 2].map((id) =>
    request(id, "progress", { steps: 3, text: `t${id}` }, { _meta: { progressToken: id } })
  );
  const response = await postBatch(session, batch, BOTH);
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  await using events = new EventReader(response);
  const messages = await events.rest();
  assert.deepEqual(
    messages.filter(({ id }) => id !== undefined).map((answer) => [answer.id, textOf({ answer })])
      .sort(),
    [[1, "t1"], [2, "t2"]],
  );
  assert.equal(messages.filter(({ method }) => method === "notifications/progress").length, 6);
});

daemonTest("what a batch may not be", {
  referee: { judges: "only ours", because: "the batches are wrong on purpose" },
  config,
}, async (daemon) => {
  const session = await begin(daemon, "2025-03-26");
  const status = async (batch: Json): Promise<[number, Json]> => {
    const response = await postBatch(session, batch, BOTH);
    const text = await response.text();
    return [response.status, text === "" ? undefined : JSON.parse(text).error.code];
  };
  assert.deepEqual(await status([notification, notification]), [202, undefined]);
  assert.deepEqual(await status([]), [400, -32600]);
  assert.deepEqual(await status("[1,"), [400, -32700]);
  assert.deepEqual(await status([{ jsonrpc: "2.0", id: 99, result: {} }]), [400, -32600]);
  const many = Array.from({ length: 257 }, (_, id) => ({ jsonrpc: "2.0", id, method: "ping" }));
  assert.deepEqual(await status(many), [400, -32600]);
  const single = [{ jsonrpc: "2.0", id: 1, method: "ping" }];
  assert.deepEqual(await (await postBatch(session, single, BOTH)).json(), [
    { jsonrpc: "2.0", id: 1, result: {} },
  ]);

  for (const version of ["2025-06-18", "2025-11-25"]) {
    const later = await begin(daemon, version);
    const refused = await later.post(single);
    assert.deepEqual([refused.status, errorOf(refused).code], [400, -32600]);
    assert.match(refused.answer.error.message, new RegExp(`only .* 2025-03-26 .*${version}`));
  }
  const rpc = await postJson(`${daemon.url}/rpc/misbehaving`, single);
  assert.equal(rpc.status, 400);
});
