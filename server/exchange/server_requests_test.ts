import assert from "node:assert/strict";
import type { JsonObject } from "../../protocol/json.ts";
import { type Client, Endpoints, stdioEntry } from "../../tests/fixtures/endpoints.ts";
import { newSession, NotedReply, request } from "../../tests/fixtures/exchange.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import type { FakeWire, Json } from "../../tests/fixtures/fake_wire.ts";
import type { SharingMode } from "../config/types.ts";
import { serverKey } from "../upstream/instance_key.ts";

const ABLE = { elicitation: {}, sampling: {} };

/** A server that asks its clients, played by the test. */
class Bench {
  readonly all = new Endpoints();
  readonly endpoint;
  #lastId = 0;

  constructor(mode: SharingMode = "auto") {
    this.endpoint = this.all.endpoint(
      stdioEntry("fake", { sharing: { mode, from: "config" } }),
    );
  }

  async client(id: string, capabilities: JsonObject = ABLE): Promise<Client> {
    const client = this.all.client(id, this.endpoint, { capabilities });
    const initialized = this.endpoint.initialize(client.session, {});
    await settle();
    const { wires } = this.all.opened.at(-1)!;
    if (wires.last.writable && this.all.opened.at(-1)!.wires.opened.length > 0) {
      try {
        wires.last.initialize();
      } catch (error) {
        // Shared, and initialized already.
        if (!(error instanceof TypeError)) throw error;
      }
    }
    await initialized;
    return client;
  }

  get wire(): FakeWire {
    return this.all.wire();
  }

  /** The server asks. @returns the id of its question. */
  ask(method = "elicitation/create", params: Json = { message: "?" }, wire = this.wire): string {
    const id = `q${++this.#lastId}`;
    wire.line({ jsonrpc: "2.0", id, method, params });
    return id;
  }

  /** What the server was told about its question. */
  told(id: string, wire = this.wire): Json {
    const answers = wire.take().filter((message) => message.id === id && !("method" in message));
    assert.equal(answers.length, 1, `one answer to ${id}`);
    return answers[0];
  }
}

Deno.test("a question that comes before the server was sent a call is not that client's", async () => {
  const bench = new Bench();
  const [a, b] = ["a", "b"].map((id) =>
    bench.all.client(id, bench.endpoint, { capabilities: ABLE })
  );
  a.call("tools/call");
  await settle();
  bench.wire.initialize({ capabilities: { logging: {} } });
  await settle();
  bench.wire.answer(bench.wire.take()[0].id);
  // Between two clients a `ping` goes ahead, and the call waits for its answer.
  const reply = b.call("tools/call");
  const [ping, ...more] = bench.wire.take();
  assert.deepEqual([ping.method, more], ["ping", []]);
  const late = bench.ask("elicitation/create", { message: "for a" });
  assert.equal(bench.told(late).error.data.reason, "unattributable");
  assert.deepEqual([reply.notified, b.read()], [[], []]);
  bench.wire.answer(ping.id);
  assert.equal(bench.wire.take()[0].method, "tools/call");
  bench.ask("elicitation/create", { message: "for b" });
  assert.deepEqual(reply.notified.map(({ params }) => params.message), ["for b"]);
});

Deno.test("a question reaches the one client that calls, on the stream of its call, and its answer the server", async () => {
  const bench = new Bench();
  const a = await bench.client("a");
  const b = await bench.client("b");
  for (const client of [a, b]) {
    const reply = client.call("tools/call");
    const [{ id: callId }] = bench.wire.take().filter(({ method }) => method === "tools/call");
    const id = bench.ask("elicitation/create", { message: "name?", mode: "form" });
    const [question] = reply.notified;
    assert.deepEqual([question.method, question.params], [
      "elicitation/create",
      { message: "name?", mode: "form" },
    ]);
    client.respond(question, { result: { action: "accept", content: { name: "x" } } });
    await settle();
    assert.deepEqual(bench.told(id).result, { action: "accept", content: { name: "x" } });
    bench.wire.answer(callId);
  }
  assert.deepEqual([a.read(), b.read()], [[], []]);
});

Deno.test("two clients that call at once: the question is refused, remembered, and new clients get their own process", async () => {
  const bench = new Bench();
  const [a, b] = [await bench.client("a"), await bench.client("b")];
  const replies = [a.call("tools/call"), b.call("tools/call")];
  const shared = bench.wire;
  const id = bench.ask();
  const refusal = bench.told(id);
  assert.equal(refusal.error.code, -32015);
  assert.deepEqual(replies.map(({ notified }) => notified), [[], []]);
  assert.match(bench.endpoint.verdict ?? "", /asked elicitation\/create/);

  const c = await bench.client("c");
  assert.notEqual(bench.wire, shared, "a process of its own");
  const reply = c.call("tools/call");
  bench.ask("sampling/createMessage", {});
  assert.equal(reply.notified[0].method, "sampling/createMessage");
  const d = await bench.client("d", {});
  d.call("tools/call");
  assert.equal(bench.endpoint.instances.size, 3, "whoever cannot be asked shares");
});

Deno.test("after a refusal, those who share take turns, so that every further question finds its client", async () => {
  const bench = new Bench();
  const [a, b] = [await bench.client("a"), await bench.client("b")];
  a.call("tools/call");
  b.call("tools/call");
  const both = bench.wire.take();
  bench.told(bench.ask());
  for (const { id } of both) bench.wire.answer(id);
  const calls = [a.call("tools/call"), b.call("tools/call")];
  for (const reply of calls) {
    const [{ id }, ...more] = bench.wire.take();
    assert.deepEqual(more, []);
    bench.ask();
    assert.equal(reply.notified.length, 1);
    bench.wire.answer(id);
  }
});

Deno.test("one refusal is enough for every process of the server that can ask somebody", async () => {
  const bench = new Bench();
  const [a, b] = [await bench.client("a"), await bench.client("b")];
  const first = bench.wire;
  const others = [];
  for (const capabilities of [{ sampling: {} }, {}]) {
    const clients = [await bench.client("c", capabilities), await bench.client("d", capabilities)];
    others.push({ clients, wire: bench.wire });
  }
  a.call("tools/call");
  b.call("tools/call");
  first.take();
  bench.told(bench.ask("elicitation/create", {}, first), first);
  for (const [index, { clients, wire }] of others.entries()) {
    wire.take();
    for (const client of clients) client.call("tools/call");
    assert.equal(
      wire.take().length,
      index === 0 ? 1 : 2,
      "who cannot be asked need not take turns",
    );
  }
});

Deno.test("clients without a name share a server that was seen to ask, but never two at once", async () => {
  const bench = new Bench();
  const { all, endpoint } = bench;
  all.verdicts.add(serverKey(endpoint.entry), { isolate: "it asked" });
  const meta = { "io.modelcontextprotocol/clientCapabilities": ABLE };
  for (const id of ["a", "b"]) {
    const session = newSession(id, { endpoint, kind: "request", capabilities: ABLE });
    const message = request("tools/call", { params: { name: "x", _meta: meta } });
    all.exchange.request(session, message, new NotedReply());
  }
  await settle();
  bench.wire.initialize();
  await settle();
  assert.equal(endpoint.instances.size, 1);
  const calls = bench.wire.take();
  assert.equal(calls.length, 1);
  bench.wire.answer(calls[0].id, { content: [] });
  await settle();
  assert.equal(bench.wire.take().length, 1);
});

Deno.test("a call that its client gave up, and that asks later, asks nobody", async () => {
  const bench = new Bench();
  const [a, b] = [await bench.client("a"), await bench.client("b")];
  a.call("tools/call");
  a.cancel(1);
  const alone = bench.told(bench.ask());
  assert.equal(alone.error.code, -32015);
  const reply = b.call("tools/call");
  assert.equal(bench.told(bench.ask()).error.code, -32015);
  assert.deepEqual([reply.notified, a.read(), b.read()], [[], [], []]);
});

Deno.test("a client that left with its call unanswered is not confused with the next", async () => {
  const bench = new Bench();
  const [a, b] = [await bench.client("a"), await bench.client("b")];
  a.call("tools/call");
  a.leave();
  const reply = b.call("tools/call");
  assert.equal(bench.told(bench.ask()).error.code, -32015);
  assert.deepEqual(reply.notified, []);
});

Deno.test("sharing says what happens to a question that could be for two", async () => {
  for (const mode of ["shared", "serial", "session"] as const) {
    const bench = new Bench(mode);
    const [a, b] = [await bench.client("a"), await bench.client("b")];
    const replies = [a.call("tools/call"), b.call("tools/call")];
    assert.equal(bench.endpoint.instances.size, mode === "session" ? 2 : 1, mode);
    const id = bench.ask();
    const asked = replies.map(({ notified }) => notified.length);
    if (mode === "shared") assert.equal(bench.told(id).error.code, -32015);
    else assert.deepEqual(asked, mode === "serial" ? [1, 0] : [0, 1], mode);
    assert.equal(bench.endpoint.verdict, undefined, "only auto learns");
  }
});

Deno.test("clients that can do different things never share a process", async () => {
  const bench = new Bench();
  await bench.client("a", {});
  await bench.client("b", { sampling: {} });
  await bench.client("c", { elicitation: { form: {} } });
  await bench.client("d", { elicitation: {} });
  const declared = bench.all.opened.map(({ spec }) => spec.capabilities);
  assert.deepEqual(declared, [{}, { sampling: {} }, { elicitation: { form: {} } }]);
});

Deno.test("what a client did not say it can do is not asked of it", async () => {
  const bench = new Bench();
  const a = await bench.client("a", { sampling: {} });
  const reply = a.call("tools/call");
  for (const method of ["elicitation/create", "roots/list", "something/else"]) {
    assert.equal(bench.told(bench.ask(method)).error.code, -32601, method);
  }
  assert.deepEqual(reply.notified, []);
});

Deno.test("a question ends with the call it belongs to, and both ends are told", async () => {
  const bench = new Bench();
  const a = await bench.client("a");
  const reply = a.call("tools/call");
  const [{ id: callId }] = bench.wire.take();
  const id = bench.ask();
  bench.wire.answer(callId);
  await settle();
  assert.equal(reply.outcome, "answered");
  assert.equal(bench.told(id).error.data.reason, "cancelled");
});

Deno.test("a server that asks for roots while the first call runs has its answer after it, too", async () => {
  const bench = new Bench("session");
  const a = await bench.client("a", { roots: {} });
  const reply = a.call("tools/list");
  const [{ id: callId }] = bench.wire.take();
  const id = bench.ask("roots/list", undefined);
  const [question] = reply.notified;
  bench.wire.answer(callId);
  await settle();
  assert.equal(reply.outcome, "answered");
  a.respond(question, { result: { roots: [] } });
  await settle();
  assert.deepEqual(bench.told(id).result, { roots: [] });
});

Deno.test("with several calls of one client, a question ends with the last of them", async () => {
  const bench = new Bench();
  const a = await bench.client("a");
  a.call("tools/call");
  a.call("tools/call");
  const calls = bench.wire.take();
  const id = bench.ask();
  const [question] = a.read();
  bench.wire.answer(calls[1].id);
  await settle();
  assert.deepEqual([a.read(), bench.wire.take()], [[], []]);
  bench.wire.answer(calls[0].id);
  await settle();
  assert.equal(bench.told(id).error.data.reason, "cancelled");
  const [cancelled] = a.read();
  assert.deepEqual([cancelled.method, cancelled.params.requestId], [
    "notifications/cancelled",
    question.id,
  ]);
});

Deno.test("a question that the server cancels is cancelled at the client", async () => {
  const bench = new Bench();
  const a = await bench.client("a");
  const reply = a.call("tools/call");
  const id = bench.ask();
  bench.wire.line({
    jsonrpc: "2.0",
    method: "notifications/cancelled",
    params: { requestId: id, reason: "never mind" },
  });
  const [question, cancelled] = reply.notified;
  assert.equal(cancelled.params.requestId, question.id);
});

Deno.test("a client that never answers: the server is told in time, and the call goes on", async () => {
  const bench = new Bench();
  const a = await bench.client("a");
  const reply = a.call("tools/call");
  const id = bench.ask();
  bench.all.clock.advance(600_000 - 1);
  assert.equal(reply.outcome, undefined, "while a person thinks, a call is not silent");
  bench.all.clock.advance(1);
  await settle();
  assert.equal(bench.told(id).error.data.reason, "upstream_timeout");
});

Deno.test("a process that dies with a question open takes it back", async () => {
  const bench = new Bench();
  const a = await bench.client("a");
  const reply = a.call("tools/call");
  bench.ask();
  bench.wire.end();
  const [question, ...rest] = reply.texts.map((text) => JSON.parse(text));
  assert.equal(rest.at(-1).error?.data.reason ?? rest[0].error.data.reason, "upstream_exited");
  a.respond(question, { result: {} });
  await settle();
  assert.deepEqual(bench.all.log.errors, []);
});

Deno.test("progress on a question goes back under the server's own token", async () => {
  const bench = new Bench();
  const a = await bench.client("a");
  const reply = a.call("tools/call");
  bench.ask("sampling/createMessage", { _meta: { progressToken: 99 } });
  bench.wire.take();
  const [{ params }] = reply.notified;
  bench.all.exchange.notification(a.session, {
    kind: "notification",
    method: "notifications/progress",
    params: { progressToken: params._meta.progressToken, progress: 1 },
  });
  assert.deepEqual(bench.wire.take().map(({ params }) => params), [
    { progress: 1, progressToken: 99 },
  ]);
});

Deno.test("the end of an elicitation by URL is told to whoever had it", async () => {
  const bench = new Bench();
  const able = { elicitation: { url: {} } };
  const [a, b] = [await bench.client("a", able), await bench.client("b", able)];
  a.call("tools/call");
  bench.ask("elicitation/create", { mode: "url", elicitationId: "e1", url: "https://x" });
  b.call("tools/call");
  bench.wire.line({
    jsonrpc: "2.0",
    method: "notifications/elicitation/complete",
    params: { elicitationId: "e1" },
  });
  assert.deepEqual(a.read().map(({ method }) => method), ["notifications/elicitation/complete"]);
  assert.deepEqual(b.read(), []);
});
