import assert from "node:assert/strict";
import type { JsonObject } from "../../protocol/json.ts";
import { type Client, Endpoints } from "../../tests/fixtures/endpoints.ts";
import { newSession } from "../../tests/fixtures/exchange.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import type { FakeWire, Json } from "../../tests/fixtures/fake_wire.ts";

/** One server that is shared, played by the test. */
class Bench {
  readonly all = new Endpoints();
  readonly endpoint = this.all.endpoint();
  readonly exchange = this.all.exchange;

  async start(capabilities: JsonObject = {}): Promise<this> {
    const ready = this.endpoint.start();
    await settle();
    this.wire.initialize({ capabilities });
    await ready;
    return this;
  }

  get wire(): FakeWire {
    return this.all.wire();
  }

  client(id: string): Client {
    return this.all.client(id, this.endpoint);
  }

  /** Answers everything that was asked, and returns it as `method detail`. */
  answerAll(): string[] {
    return this.wire.take().map(({ id, method, params }) => {
      if (id !== undefined) this.wire.answer(id);
      return `${method} ${params?.uri ?? params?.level ?? ""}`.trim();
    });
  }

  notify(method: string, params?: Json): Json {
    const message = { jsonrpc: "2.0", method, params };
    this.wire.line(message);
    return JSON.parse(JSON.stringify(message));
  }
}

Deno.test("initialize is answered from what the server said once, in the client's revision, without tasks", async () => {
  const bench = await new Bench().start({ tools: {}, tasks: { list: {} }, logging: {} });
  const result = await bench.endpoint.initialize(newSession("new"), {
    protocolVersion: "2025-03-26",
  });
  assert.equal(result.protocolVersion, "2025-03-26");
  assert.deepEqual(result.capabilities, { tools: {}, logging: {} });
  assert.deepEqual(
    (await bench.endpoint.initialize(newSession("new"), undefined)).protocolVersion,
    "2025-11-25",
  );
  assert.deepEqual(bench.wire.take(), []);
});

Deno.test("calls are passed on as they are, except for what belongs to one client alone", async () => {
  const bench = await new Bench().start();
  const client = bench.client("a");
  client.call("tools/call", { name: "x", task: { ttl: 1 }, _meta: { a: 1 } });
  client.call("something/else", { b: 2 });
  assert.deepEqual(bench.wire.take().map(({ method, params }) => [method, params]), [
    ["tools/call", { name: "x", _meta: { a: 1 } }],
    ["something/else", { b: 2 }],
  ]);
  for (const method of ["tasks/list", "tasks/get", "tasks/cancel", "tasks/anything"]) {
    const other = bench.client(method);
    assert.equal(other.call(method).outcome, "method_not_found");
  }
  assert.deepEqual(bench.client("p").call("ping").answers[0].result, {});
  assert.deepEqual(bench.wire.take(), []);
});

Deno.test("a method named like something every object has is a method like any other", async () => {
  const bench = await new Bench().start();
  for (const method of ["constructor", "__proto__", "toString"]) {
    bench.client(method).call(method);
    assert.deepEqual(bench.answerAll(), [method]);
  }
});

Deno.test("list_changed goes to everybody", async () => {
  const bench = await new Bench().start();
  const clients = ["a", "b", "c"].map((id) => bench.client(id));
  for (const list of ["tools", "prompts", "resources"]) {
    const message = bench.notify(`notifications/${list}/list_changed`);
    for (const client of clients) assert.deepEqual(client.read(), [message]);
  }
});

Deno.test("a log message goes to the one client the server can be working for", async () => {
  const bench = await new Bench().start();
  const [a, b] = [bench.client("a"), bench.client("b")];
  const reply = a.call("tools/call");
  const message = bench.notify("notifications/message", { level: "info", data: "for a" });
  assert.deepEqual(reply.notified, [message], "with the call it belongs to");
  assert.deepEqual([a.read(), b.read()], [[], []]);
});

Deno.test("with several calls of one client, its log messages go by its stream", async () => {
  const bench = await new Bench().start();
  const a = bench.client("a");
  const replies = [a.call("tools/call"), a.call("tools/call")];
  const message = bench.notify("notifications/message", { level: "info", data: 1 });
  assert.deepEqual(a.read(), [message]);
  a.session.mailbox.detach(a.reader);
  const second = bench.notify("notifications/message", { level: "info", data: 2 });
  assert.deepEqual(replies.map(({ notified }) => notified), [[second], []]);
});

Deno.test("what could be for two clients is for neither: it stays in the daemon's log", async () => {
  const unattributable: [name: string, prepare: (bench: Bench, a: Client, b: Client) => void][] = [
    ["nobody calls", () => {}],
    ["both call", (_bench, a, b) => void [a.call("tools/call"), b.call("tools/call")]],
    ["one has left, with its call unanswered", (_bench, a, b) => {
      a.call("tools/call");
      a.leave();
      b.call("tools/call");
    }],
    ["one has cancelled, and is not answered", (_bench, a, b) => {
      a.call("tools/call");
      a.cancel(1);
      b.call("tools/call");
    }],
    ["the only one has left", (_bench, a) => {
      a.call("tools/call");
      a.leave();
    }],
    [
      "the daemon itself asks as well",
      (bench, a) => {
        const gone = bench.client("gone");
        gone.call("resources/subscribe", { uri: "y" });
        bench.answerAll();
        gone.leave(); // The daemon unsubscribes for it.
        a.call("tools/call");
      },
    ],
  ];
  for (const [name, prepare] of unattributable) {
    const bench = await new Bench().start();
    const [a, b] = [bench.client("a"), bench.client("b")];
    prepare(bench, a, b);
    a.read();
    b.read();
    for (const method of ["notifications/message", "notifications/unheard-of"]) {
      bench.notify(method, { level: "error", data: "secret" });
    }
    assert.deepEqual([a.read(), b.read()], [[], []], name);
    const logged = bench.all.log.lines.filter(({ message }) => /no single client/.test(message));
    assert.equal(logged.length, 2, name);
  }
});

Deno.test("clients that come one after the other hear what is said about their own calls", async () => {
  const bench = await new Bench().start({ logging: {} });
  for (const id of ["a", "b", "a2"]) {
    const client = bench.client(id);
    const reply = client.call("tools/call");
    if (id !== "a") {
      const [ping, ...more] = bench.wire.take();
      assert.deepEqual([ping.method, more], ["ping", []]);
      bench.wire.answer(ping.id);
    }
    const [sent] = bench.wire.take();
    assert.equal(sent.method, "tools/call");
    const message = bench.notify("notifications/message", { level: "info", data: id });
    assert.deepEqual(reply.notified, [message]);
    bench.wire.answer(sent.id);
  }
});

Deno.test("what a server says before it has seen the next client's call is not about that", async () => {
  const bench = await new Bench().start({ logging: {} });
  bench.client("a").call("tools/call");
  bench.answerAll();
  const reply = bench.client("b").call("tools/call");
  const [ping] = bench.wire.take();
  bench.notify("notifications/message", { level: "info", data: "a's, after its answer" });
  bench.wire.answer(ping.id);
  bench.notify("notifications/message", { level: "info", data: "more of it" });
  assert.deepEqual(reply.notified, []);
});

Deno.test("a call that waits for a ping to be answered is made without that after a second", async () => {
  const bench = await new Bench().start({ logging: {} });
  bench.client("a").call("tools/call");
  bench.answerAll();
  const b = bench.client("b");
  const [reply, cancelled] = [b.call("tools/call"), b.call("tools/list")];
  b.cancel(2);
  assert.deepEqual(bench.wire.take().map(({ method }) => method), ["ping"]);
  assert.equal(cancelled.outcome, "cancelled");
  bench.all.clock.advance(1_000);
  const [{ method }, ...more] = bench.wire.take();
  assert.deepEqual([method, more], ["tools/call", []]);
  bench.notify("notifications/message", { level: "info", data: "perhaps a's" });
  assert.deepEqual(reply.notified, []);
});

Deno.test("a call that was not sent before the server ended goes to the next process", async () => {
  const bench = await new Bench().start({ logging: {} });
  bench.client("a").call("tools/call");
  bench.answerAll();
  const reply = bench.client("b").call("tools/call");
  const { wire } = bench;
  wire.end();
  bench.all.clock.advance(10_000);
  await settle();
  assert.notEqual(bench.wire, wire);
  bench.wire.initialize({ capabilities: { logging: {} } });
  assert.deepEqual(bench.wire.take().map(({ method }) => method), ["tools/call"]);
  assert.equal(reply.outcome, undefined);
});

Deno.test("after calls of two clients have met, what is said is nobody's until both are over", async () => {
  const bench = await new Bench().start({ logging: {} });
  const [a, b] = [bench.client("a"), bench.client("b")];
  a.call("tools/call");
  const reply = b.call("tools/call");
  const [first, second] = bench.wire.take();
  bench.wire.answer(first.id);
  bench.notify("notifications/message", { level: "info", data: "a's, after its answer" });
  assert.deepEqual(reply.notified, []);
  bench.wire.answer(second.id);
  const again = b.call("tools/call");
  const [ping] = bench.wire.take();
  bench.wire.answer(ping.id);
  const message = bench.notify("notifications/message", { level: "info", data: "b's" });
  assert.deepEqual(again.notified, [message]);
});

Deno.test("a process that was heard to speak while nobody called may speak of anybody ever after", async () => {
  const bench = await new Bench().start();
  const [a, b] = [bench.client("a"), bench.client("b")];
  a.call("tools/call");
  bench.answerAll();
  b.call("tools/call");
  bench.answerAll();
  bench.notify("notifications/message", { level: "info", data: "a timer that a set" });
  const reply = b.call("tools/call");
  bench.notify("notifications/message", { level: "info", data: "the same timer" });
  assert.deepEqual([reply.notified, a.read(), b.read()], [[], [], []]);
});

Deno.test("a client hears only the levels it asked for, and the server is set to the widest", async () => {
  const bench = await new Bench().start();
  const [a, b] = [bench.client("a"), bench.client("b")];
  const reply = a.call("logging/setLevel", { level: "error" });
  assert.deepEqual(bench.answerAll(), ["logging/setLevel error"]);
  await settle();
  assert.deepEqual(reply.answers[0].result, {});
  b.call("logging/setLevel", { level: "debug" });
  assert.deepEqual(bench.answerAll(), ["logging/setLevel debug"]);
  a.call("logging/setLevel", { level: "warning" });
  assert.deepEqual(bench.answerAll(), ["logging/setLevel debug"], "the widest need stays");
  await settle();

  const call = a.call("tools/call");
  bench.notify("notifications/message", { level: "info", data: "too quiet" });
  const loud = bench.notify("notifications/message", { level: "error", data: "loud" });
  assert.deepEqual(call.notified, [loud]);

  b.leave();
  assert.deepEqual(bench.answerAll(), ["tools/call", "logging/setLevel warning"]);
  assert.equal(a.call("logging/setLevel", { level: "loud" }).outcome, "invalid_params");
  assert.equal(a.call("logging/setLevel").outcome, "invalid_params");
});

Deno.test("resource updates go to those who subscribed, and the server is told of the last who leaves", async () => {
  const bench = await new Bench().start();
  const [a, b, c] = ["a", "b", "c"].map((id) => bench.client(id));
  a.call("resources/subscribe", { uri: "x" });
  b.call("resources/subscribe", { uri: "x" });
  c.call("resources/subscribe", { uri: "y" });
  assert.deepEqual(bench.answerAll().length, 3);
  await settle();
  const update = bench.notify("notifications/resources/updated", { uri: "x" });
  assert.deepEqual([a.read(), b.read(), c.read()], [[update], [update], []]);

  const first = a.call("resources/unsubscribe", { uri: "x" });
  await settle();
  assert.deepEqual([bench.answerAll(), first.outcome], [[], "answered"], "b still wants it");
  bench.notify("notifications/resources/updated", { uri: "x" });
  assert.deepEqual([a.read(), b.read().length], [[], 1]);

  b.leave();
  assert.deepEqual(bench.answerAll(), ["resources/unsubscribe x"]);
  const last = c.call("resources/unsubscribe", { uri: "y" });
  assert.deepEqual(bench.answerAll(), ["resources/unsubscribe y"]);
  await settle();
  assert.equal(last.outcome, "answered");
});

Deno.test("a subscription that the server refuses is not counted", async () => {
  const bench = await new Bench().start();
  const [a, b] = [bench.client("a"), bench.client("b")];
  const reply = a.call("resources/subscribe", { uri: "x" });
  const [{ id }] = bench.wire.take();
  bench.wire.line({ jsonrpc: "2.0", id, error: { code: -32602, message: "no such resource" } });
  await settle();
  assert.equal(reply.answers[0].error.message, "no such resource");
  b.call("resources/subscribe", { uri: "x" });
  bench.answerAll();
  await settle();
  bench.notify("notifications/resources/updated", { uri: "x" });
  assert.deepEqual([a.read(), b.read().length], [[], 1]);
});

Deno.test("after a restart of the server it learns again what its clients want", async () => {
  const bench = await new Bench().start();
  const a = bench.client("a");
  a.call("resources/subscribe", { uri: "x" });
  a.call("logging/setLevel", { level: "info" });
  bench.answerAll();
  await settle();
  bench.wire.end();
  a.call("tools/call");
  await settle();
  bench.wire.initialize();
  assert.deepEqual(bench.answerAll().toSorted(), [
    "logging/setLevel info",
    "resources/subscribe x",
    "tools/call",
  ]);
});

Deno.test("a session from before a restart of the daemon brings what it had asked for", async () => {
  const bench = new Bench();
  const session = newSession("a", { endpoint: bench.endpoint });
  session.logLevel = "info";
  session.subscribe("x");
  bench.endpoint.leave(session);
  bench.endpoint.join(session);
  await settle();
  bench.wire.initialize();
  assert.deepEqual(bench.answerAll().toSorted(), [
    "logging/setLevel info",
    "resources/subscribe x",
  ]);
});

Deno.test("it brings a log level that is all it had asked for, to a server that runs as to one that does not", async () => {
  for (const runs of [true, false]) {
    const bench = new Bench();
    if (runs) await bench.start();
    const session = newSession("a", { endpoint: bench.endpoint });
    bench.endpoint.leave(session);
    session.logLevel = "info";
    bench.endpoint.join(session);
    if (!runs) await bench.start();
    await settle();
    assert.deepEqual(bench.answerAll(), ["logging/setLevel info"]);
  }
});

Deno.test("a relayed call fails, once, when the server ends under it; its subscription is not kept", async () => {
  const bench = await new Bench().start();
  const a = bench.client("a");
  const replies = [
    a.call("resources/subscribe", { uri: "x" }),
    a.call("logging/setLevel", { level: "info" }),
  ];
  bench.wire.end();
  await settle();
  for (const { outcome, answers } of replies) {
    assert.deepEqual([outcome, answers.length], ["upstream_exited", 1]);
  }
  a.call("tools/call");
  await settle();
  bench.wire.initialize();
  assert.ok(!bench.answerAll().includes("resources/subscribe x"));
});

Deno.test("an answer to a relayed call that cannot be read fails it, once", async () => {
  const bench = await new Bench().start();
  const a = bench.client("a");
  const replies = ["resources/subscribe", "resources/unsubscribe"].map((method) =>
    a.call(method, { uri: "x" })
  );
  const deep = `{"0":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
  for (const { id } of bench.wire.take()) {
    bench.wire.line(`{"jsonrpc":"2.0","id":${id},"result":${deep}}`);
  }
  await settle();
  for (const { outcome, answers } of replies) {
    assert.deepEqual([outcome, answers.length], ["upstream_invalid", 1]);
  }
});

Deno.test("a client's own state is not passed on to the server that others share", async () => {
  const bench = await new Bench().start();
  const { session } = bench.client("a");
  for (const method of ["initialized", "roots/list_changed", "progress", "cancelled", "own"]) {
    bench.exchange.notification(session, {
      kind: "notification",
      method: `notifications/${method}`,
      params: {},
    });
  }
  assert.deepEqual(bench.wire.take().map(({ method }) => method), ["notifications/own"]);
});
