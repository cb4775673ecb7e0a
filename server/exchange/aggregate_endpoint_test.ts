import assert from "node:assert/strict";
import { AggregateBench, changed } from "../../tests/fixtures/aggregate_bench.ts";
import { newSession, type NotedReply } from "../../tests/fixtures/exchange.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import type { Json } from "../../tests/fixtures/fake_wire.ts";

const CHANGED = changed("tools");
const names = (reply: NotedReply) => reply.answers[0].result.tools.map(({ name }: Json) => name);

Deno.test("tools of all servers are listed under their full names, in the order of the configuration", async () => {
  const bench = new AggregateBench(["one", "two", "none"]);
  const reply = bench.call("tools/list");
  await bench.start("none", {});
  await bench.start("two");
  await bench.start("one");
  await bench.list("two", [{ name: "echo" }]);
  await bench.list("one", [{ name: "echo", title: "Echo", _meta: { x: 1 } }, { name: "a__b" }]);
  assert.deepEqual(reply.answers, [{
    jsonrpc: "2.0",
    id: 1,
    result: {
      tools: [
        { name: "one__echo", title: "Echo", _meta: { x: 1 } },
        { name: "one__a__b" },
        { name: "two__echo" },
      ],
    },
  }]);
  assert.deepEqual(bench.clock.pending, 0);
});

Deno.test("a list in pages is read to its end; one without end is given up", async () => {
  const bench = new AggregateBench(["one"]);
  const reply = bench.call("tools/list");
  await bench.start("one");
  assert.deepEqual(await bench.list("one", [{ name: "a" }], "p2"), {});
  assert.deepEqual(await bench.list("one", [{ name: "b" }], "p3"), { cursor: "p2" });
  assert.deepEqual(await bench.list("one", [{ name: "c" }]), { cursor: "p3" });
  assert.deepEqual(names(reply), ["one__a", "one__b", "one__c"]);

  const endless = bench.call("tools/list");
  await settle();
  for (let page = 0; page < 100; page++) await bench.list("one", [{ name: `t${page}` }], "more");
  assert.equal(names(endless).length, 100);
});

Deno.test("what is no tool is left out of a list, and harms nobody", async () => {
  const bench = new AggregateBench(["one"]);
  const reply = bench.call("tools/list");
  await bench.start("one");
  await bench.list("one", [null, 1, "x", {}, { name: 1 }, [], { name: "good" }]);
  assert.deepEqual(names(reply), ["one__good"]);
  const odd = bench.call("tools/list");
  await settle();
  bench.wire("one").answer(bench.asked("one").id, { tools: "none" });
  await settle();
  assert.deepEqual(names(odd), []);
});

Deno.test("a server that fails is left out, and announced when it runs", async () => {
  const bench = new AggregateBench(["good", "bad"]);
  const reply = bench.call("tools/list");
  await bench.start("good");
  bench.wire("bad").end("exited with code 1", "boom");
  await settle();
  await bench.list("good", [{ name: "a" }]);
  assert.deepEqual(names(reply), ["good__a"]);
  assert.ok(
    bench.log.lines.some(({ message, fields }) =>
      /left out/.test(message) && fields.server === "bad"
    ),
  );

  const again = bench.call("tools/list");
  await bench.start("bad");
  assert.deepEqual(bench.read(), []);
  await bench.list("good", [{ name: "a" }]);
  await bench.list("bad", [{ name: "b" }]);
  assert.deepEqual(bench.read(), [CHANGED]);
  assert.deepEqual(names(again), ["good__a", "bad__b"]);
});

Deno.test("a server that answers a list with an error is left out of it", async () => {
  const bench = new AggregateBench(["good", "bad"]);
  const reply = bench.call("tools/list");
  await bench.start("good");
  await bench.start("bad");
  const { id } = bench.asked("bad");
  bench.wire("bad").line({ jsonrpc: "2.0", id, error: { code: -1, message: "no" } });
  await bench.list("good", [{ name: "a" }]);
  assert.deepEqual(names(reply), ["good__a"]);
});

Deno.test("a slow server does not hold up the others' tools, and is announced when it is there", async () => {
  const bench = new AggregateBench(["fast", "slow"]);
  const reply = bench.call("tools/list");
  await bench.start("fast");
  await bench.list("fast", [{ name: "a" }]);
  bench.clock.advance(9_999);
  await settle();
  assert.equal(reply.outcome, undefined);
  bench.clock.advance(1);
  await settle();
  assert.deepEqual(names(reply), ["fast__a"]);
  assert.deepEqual(bench.read(), []);
  await bench.start("slow");
  await bench.list("slow", [{ name: "b" }]); // Too late for its call.
  assert.deepEqual(bench.read(), [CHANGED]);
  assert.equal(reply.answers.length, 1);
});

Deno.test("a tool too deep to be written is left out, and costs nobody else", async () => {
  const bench = new AggregateBench(["one"]);
  const reply = bench.call("tools/list");
  await bench.start("one");
  const { id } = bench.asked("one");
  const deep = `{"0":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
  bench.wire("one").line(
    `{"jsonrpc":"2.0","id":${id},"result":{"tools":[{"name":"x","y":${deep}},{"name":"good"}]}}`,
  );
  await settle();
  assert.deepEqual(names(reply), ["one__good"]);
});

const CALLED: [full: string, server: string, tool: string][] = [
  ["one__echo", "one", "echo"],
  ["one__a__b", "one", "a__b"],
  ["one___private", "one", "_private"],
  ["one__", "one", ""],
  ["two.x-y__echo", "two.x-y", "echo"],
];

for (const [full, server, tool] of CALLED) {
  Deno.test(`the tool ${full} is ${JSON.stringify(tool)} of ${server}`, async () => {
    const bench = new AggregateBench(["one", "two.x-y"]);
    const reply = bench.call("tools/call", { name: full, arguments: { a: 1 }, _meta: { b: 2 } });
    await bench.start(server);
    const { id, params } = bench.asked(server);
    assert.deepEqual(params, { name: tool, arguments: { a: 1 }, _meta: { b: 2 } });
    bench.wire(server).answer(id, { content: [] });
    assert.deepEqual(reply.answers[0], { jsonrpc: "2.0", id: 1, result: { content: [] } });
  });
}

for (
  const name of ["echo", "three__echo", "_one__echo", "one_echo", "", "__echo", undefined, 5, {}]
) {
  Deno.test(`no server is started for the tool ${JSON.stringify(name)}, which is unknown`, async () => {
    const bench = new AggregateBench(["one", "two"]);
    const reply = bench.call("tools/call", { name });
    await settle();
    assert.equal(reply.outcome, "invalid_params");
    assert.match(reply.answers[0].error.message, /one, two/);
    assert.throws(() => bench.wire("one"), /No connection/);
  });
}

Deno.test("a name that could be of two servers is given to neither", async () => {
  const bench = new AggregateBench(["a", "a_"]);
  const reply = bench.call("tools/call", { name: "a___b" });
  await settle();
  assert.equal(reply.outcome, "invalid_params");
  assert.match(reply.answers[0].error.message, /a and a_/);
});

Deno.test("cancelling a call reaches the server it went to", async () => {
  const bench = new AggregateBench(["one"]);
  const reply = bench.call("tools/call", { name: "one__echo" });
  await bench.start("one");
  const { id } = bench.asked("one");
  bench.client.cancel(1);
  assert.equal(reply.outcome, "cancelled");
  assert.deepEqual(bench.asked("one").params.requestId, id);
});

Deno.test("a change of one server's tools is a change of all; a client that left hears nothing", async () => {
  const bench = new AggregateBench(["one"]);
  bench.call("tools/list");
  await bench.start("one");
  bench.wire("one").line(CHANGED);
  assert.deepEqual(bench.read(), [CHANGED]);
  bench.client.leave();
  bench.wire("one").line(CHANGED);
  assert.deepEqual(bench.read(), []);
});

Deno.test("as long as nothing is known, all servers together may be able to do anything", async () => {
  const bench = new AggregateBench(["one", "two"]);
  const result = await bench.all.initialize(newSession("new"), { protocolVersion: "2025-06-18" });
  const listChanged = true;
  assert.deepEqual([result.protocolVersion, result.capabilities, result.serverInfo], [
    "2025-06-18",
    {
      tools: { listChanged },
      prompts: { listChanged },
      resources: { listChanged, subscribe: true },
      logging: {},
      completions: {},
    },
    { name: "aichaku", version: "1.2.3" },
  ]);
  assert.match(String(result.instructions), /one, two/);
  assert.deepEqual(bench.call("ping").answers[0].result, {});
  for (const method of ["tasks/list", "server/discover", "constructor", "__proto__"]) {
    assert.equal(bench.call(method).outcome, "method_not_found");
  }
  assert.throws(() => bench.wire("one"), /No connection/, "nothing of this starts a server");
});

Deno.test("prompts are listed and got under full names, like tools", async () => {
  const bench = new AggregateBench(["one", "two"]);
  const reply = bench.call("prompts/list");
  await bench.start("one", { tools: {} });
  await bench.start("two", { prompts: {} });
  await bench.answer("one", { "tools/list": { tools: [] } });
  const prompt = { name: "p", title: "P", arguments: [{ name: "a" }] };
  await bench.answer("two", { "prompts/list": { prompts: [prompt] } });
  assert.deepEqual(reply.answers[0].result, { prompts: [{ ...prompt, name: "two__p" }] });
  const got = bench.call("prompts/get", { name: "two__p", arguments: { a: "1" } });
  const { id, method, params } = bench.asked("two");
  assert.deepEqual([method, params], ["prompts/get", { name: "p", arguments: { a: "1" } }]);
  bench.wire("two").answer(id, { messages: [] });
  assert.deepEqual(got.answers[0].result, { messages: [] });
  assert.match(
    bench.call("prompts/get", { name: "p" }).answers[0].error.message,
    /prompts are named server__prompt/,
  );
});

Deno.test("a long list comes in pages, the same whoever reads on, and nobody is asked for the next one", async () => {
  const bench = new AggregateBench(["one", "two"], { pageSize: { maxItems: 3 } });
  const first = bench.call("tools/list");
  await bench.start("one");
  await bench.start("two");
  await bench.list("one", [{ name: "a" }, { name: "b" }]);
  await bench.list("two", [{ name: "a" }, { name: "b" }, { name: "c" }]);
  assert.deepEqual(names(first), ["one__a", "one__b", "two__a"]);
  const { nextCursor } = first.answers[0].result;
  const second = bench.newClient().call("tools/list", { cursor: nextCursor });
  await settle();
  assert.deepEqual(second.answers[0].result, { tools: [{ name: "two__b" }, { name: "two__c" }] });
  for (const cursor of ["", "x", 1, null]) {
    const bad = bench.call("tools/list", { cursor });
    await settle();
    assert.equal(bad.outcome, "invalid_params", JSON.stringify(cursor));
  }
  const other = bench.call("prompts/list", { cursor: nextCursor });
  await settle();
  assert.equal(other.outcome, "invalid_params");
  assert.deepEqual([bench.wire("one").take(), bench.wire("two").take()], [[], []]);
});

Deno.test("a log level is told to the servers of the session, those of now and those to come", async () => {
  const bench = new AggregateBench(["one", "two"]);
  bench.call("tools/call", { name: "one__t" });
  await bench.start("one", { tools: {}, logging: {} });
  bench.wire("one").take();
  assert.equal(bench.call("logging/setLevel", { level: "loud" }).outcome, "invalid_params");
  const reply = bench.call("logging/setLevel", { level: "warning" });
  await settle();
  assert.deepEqual(reply.answers[0].result, {});
  const { method, params } = bench.asked("one");
  assert.deepEqual([method, params], ["logging/setLevel", { level: "warning" }]);
  assert.deepEqual(bench.started, ["one"]);
  bench.call("tools/call", { name: "two__t" });
  await bench.start("two", { tools: {}, logging: {} });
  assert.deepEqual(
    bench.wire("two").take().map(({ method }) => method).sort(),
    ["logging/setLevel", "tools/call"],
  );
});

Deno.test("names that mean something in JavaScript are names like any other", async () => {
  const bench = new AggregateBench(["constructor", "__proto__x", "toString"]);
  const reply = bench.call("tools/list");
  for (const name of ["constructor", "__proto__x", "toString"]) await bench.start(name);
  await bench.list("constructor", [{ name: "__proto__" }, { name: "a__b" }, { name: "" }]);
  await bench.list("__proto__x", [JSON.parse('{"name":"t","__proto__":{"name":"u"}}')]);
  await bench.list("toString", [{ name: "valueOf" }, { name: "valueOf" }]);
  assert.deepEqual(names(reply), [
    "constructor____proto__",
    "constructor__a__b",
    "constructor__",
    "__proto__x__t",
    "toString__valueOf",
  ]);
  for (
    const [full, server, tool] of [
      ["constructor____proto__", "constructor", "__proto__"],
      ["constructor__a__b", "constructor", "a__b"],
      ["__proto__x__t", "__proto__x", "t"],
      ["toString__valueOf", "toString", "valueOf"],
    ]
  ) {
    const called = bench.call("tools/call", { name: full });
    const { id, params } = bench.asked(server);
    assert.equal(params.name, tool);
    bench.wire(server).answer(id, { content: [] });
    assert.equal(called.outcome, "answered");
  }
});

Deno.test("of two servers that a name could mean, the one that lists it is meant", async () => {
  const bench = new AggregateBench(["a", "a_"]);
  const listed = bench.call("tools/list");
  await bench.start("a");
  await bench.start("a_");
  await bench.list("a", [{ name: "_b" }, { name: "_both" }]);
  await bench.list("a_", [{ name: "c" }, { name: "both" }]);
  assert.deepEqual(names(listed), ["a___b", "a___both", "a___c"]);
  bench.call("tools/call", { name: "a___b" });
  assert.equal(bench.asked("a").params.name, "_b");
  bench.call("tools/call", { name: "a___c" });
  assert.equal(bench.asked("a_").params.name, "c");
  const both = bench.call("tools/call", { name: "a___both" });
  await settle();
  assert.match(both.answers[0].error.message, /could be of a and a_/);
});

Deno.test("a tool of a server that is disabled is refused with what to do", async () => {
  const bench = new AggregateBench(["one"], { disabled: ["off"] });
  const reply = bench.call("tools/call", { name: "off__echo" });
  await settle();
  assert.equal(reply.outcome, "invalid_params");
  assert.match(reply.answers[0].error.message, /server "off", which is disabled in config\.json/);
  assert.match(String(bench.all.introduce(bench.client.session).instructions), /Disabled.*: off/);
});

Deno.test("what a server says of itself is passed on, within bounds", async () => {
  const bench = new AggregateBench(Array.from({ length: 12 }, (_, n) => `s${n}`));
  bench.call("tools/list");
  for (const name of bench.servers.keys()) {
    await bench.start(name, {}, { instructions: "x".repeat(3_000) });
  }
  const { instructions, capabilities } = bench.all.introduce(bench.client.session);
  assert.ok(instructions.length < 17_500, `${instructions.length}`);
  assert.match(instructions, /What server s0 says of itself:\nx{2000}\n/);
  assert.deepEqual(capabilities, { tools: { listChanged: true } });
});
