import assert from "node:assert/strict";
import type { JsonObject } from "../../../protocol/json.ts";
import { AggregateBench, changed } from "../../../tests/fixtures/aggregate_bench.ts";
import { settle } from "../../../tests/fixtures/fake_clock.ts";
import type { Json } from "../../../tests/fixtures/fake_wire.ts";

const LISTENING = { resources: { listChanged: true, subscribe: true } };

/** What a server answers to its lists of resources. */
function offers(uris: string[], templates: string[] = []): Record<string, Json> {
  return {
    "resources/list": { resources: uris.map((uri) => ({ uri, name: uri })) },
    "resources/templates/list": {
      resourceTemplates: templates.map((uriTemplate) => ({ uriTemplate, name: uriTemplate })),
    },
  };
}

/** A bench whose servers have been listed. */
async function listed(
  servers: Record<string, Record<string, Json>>,
  capabilities: JsonObject = LISTENING,
): Promise<AggregateBench> {
  const bench = new AggregateBench(Object.keys(servers));
  bench.call("resources/list");
  for (const [server, results] of Object.entries(servers)) {
    await bench.start(server, capabilities);
    await bench.answer(server, results);
  }
  return bench;
}

/** Reads a resource, and lets every server that is asked say its own name. */
async function readers(bench: AggregateBench, uri: string): Promise<string[]> {
  const reply = bench.call("resources/read", { uri });
  const asked: string[] = [];
  await settle();
  for (const name of bench.servers.keys()) {
    for (const { id, method, params } of bench.wire(name).take()) {
      assert.equal(method, "resources/read");
      assert.equal(params.uri, uri);
      asked.push(name);
      bench.wire(name).answer(id, { contents: [{ uri, text: name }] });
    }
  }
  await settle();
  assert.deepEqual(asked, reply.answers[0].result?.contents.map(({ text }: Json) => text) ?? []);
  return asked;
}

Deno.test("a resource is read from the server that lists it, the first one where several do", async () => {
  const bench = await listed({
    one: offers(["x://both", "x://one"]),
    two: offers(["x://both", "x://two"]),
  });
  const reply = bench.call("resources/list");
  await settle();
  assert.deepEqual(reply.answers[0].result.resources.map(({ uri }: Json) => uri), [
    "x://both",
    "x://one",
    "x://two",
  ]);
  assert.deepEqual(await readers(bench, "x://both"), ["one"]);
  assert.deepEqual(await readers(bench, "x://two"), ["two"]);
});

Deno.test("a resource that one server lists is not read from another with a template for it", async () => {
  const bench = await listed({ one: offers([], ["x://{id}"]), two: offers(["x://two"]) });
  assert.deepEqual(await readers(bench, "x://two"), ["two"]);
  assert.deepEqual(await readers(bench, "x://other"), ["one"]);
});

Deno.test("servers with templates for a resource are asked in turn until one has it", async () => {
  const bench = await listed({
    one: offers([], ["x://{id}"]),
    two: offers([], ["y://{id}"]),
    three: offers([], ["x://{+id}"]),
  });
  const read = async (failures: number) => {
    const reply = bench.call("resources/read", { uri: "x://7" });
    await settle();
    for (const name of ["one", "three"].slice(0, failures)) {
      const { id } = bench.asked(name);
      const error = { code: -32002, message: `${name} has none` };
      bench.wire(name).line({ jsonrpc: "2.0", id, error });
      await settle();
    }
    return reply;
  };
  const found = await read(1);
  const { id, params } = bench.asked("three");
  assert.deepEqual(params, { uri: "x://7" });
  bench.wire("three").answer(id, { contents: [] });
  await settle();
  assert.deepEqual(found.answers, [{ jsonrpc: "2.0", id: 2, result: { contents: [] } }]);

  const missing = await read(2);
  assert.deepEqual(missing.answers[0].error, { code: -32002, message: "one has none" });
  assert.deepEqual(bench.wire("two").take(), []);

  const cancelled = await read(0);
  const asked = bench.asked("one");
  bench.client.cancel(4);
  await settle();
  assert.equal(cancelled.outcome, "cancelled");
  assert.equal(bench.asked("one").params.requestId, asked.id);
});

Deno.test("a resource that nobody offers is not looked for at anybody", async () => {
  const bench = await listed({ one: offers(["x://one"], ["x://a/{id}"]), two: offers([]) });
  for (const uri of ["x://two", "x://a/b/c", "__proto__", ""]) {
    const reply = bench.call("resources/read", { uri });
    await settle();
    assert.deepEqual(
      [reply.answers[0].error.code, reply.answers[0].error.data.reason],
      [-32002, "resource_not_found"],
    );
  }
  for (const uri of [undefined, 1, null, {}]) {
    const reply = bench.call("resources/read", { uri });
    await settle();
    assert.equal(reply.outcome, "invalid_params");
  }
  assert.deepEqual([bench.wire("one").take(), bench.wire("two").take()], [[], []]);
});

Deno.test("a resource can be read without a list before; who offers it is found out", async () => {
  const bench = new AggregateBench(["one", "two"]);
  const reply = bench.call("resources/read", { uri: "x://two" });
  await bench.start("one", LISTENING);
  await bench.start("two", LISTENING);
  await bench.answer("one", offers(["x://one"]));
  await bench.answer("two", offers(["x://two"]));
  const { id } = bench.asked("two");
  bench.wire("two").answer(id, { contents: [] });
  assert.equal(reply.outcome, "answered");
});

Deno.test("a resource that came to be since the list is found where it is offered now", async () => {
  const bench = await listed({ one: offers([]) });
  bench.wire("one").line(changed("resources"));
  const reply = bench.call("resources/read", { uri: "x://new" });
  await settle();
  await bench.answer("one", offers(["x://new"]));
  const { id, method } = bench.asked("one");
  assert.equal(method, "resources/read");
  bench.wire("one").answer(id, { contents: [] });
  assert.equal(reply.outcome, "answered");
});

Deno.test("a server that hangs does not keep the resources of others from being read", async () => {
  const bench = new AggregateBench(["hangs", "fine"]);
  bench.call("resources/list");
  await bench.start("fine", LISTENING);
  await bench.answer("fine", offers(["x://fine"]));
  bench.clock.advance(10_000);
  await settle();
  const reply = bench.call("resources/read", { uri: "x://fine" });
  await settle();
  bench.wire("fine").answer(bench.asked("fine").id, { contents: [] });
  assert.equal(reply.outcome, "answered");
});

// ---- subscriptions

Deno.test("a subscription goes to the server that offers the resource, and its updates to who has it", async () => {
  const bench = await listed({ one: offers(["x://one"]), two: offers(["x://two"]) });
  const other = bench.newClient();
  const reply = bench.call("resources/subscribe", { uri: "x://two" });
  await settle();
  await bench.answer("two", { "resources/subscribe": {} });
  assert.deepEqual(reply.answers[0].result, {});
  assert.deepEqual(bench.wire("one").take(), []);
  const updated = {
    jsonrpc: "2.0",
    method: "notifications/resources/updated",
    params: { uri: "x://two" },
  };
  bench.wire("two").line(updated);
  // Another server cannot speak of what is not subscribed to at it.
  bench.wire("one").line(updated);
  assert.deepEqual([bench.read(), other.read()], [[updated], []]);
  const { session } = bench.client;
  assert.deepEqual([...session.origins], [["x://two", "two"]]);

  // Also when it does not offer it any more.
  bench.wire("two").line(changed("resources"));
  await settle();
  await bench.answer("two", offers([]));
  const ended = bench.call("resources/unsubscribe", { uri: "x://two" });
  await settle();
  await bench.answer("two", { "resources/unsubscribe": {} });
  assert.deepEqual(ended.answers[0].result, {});
  assert.deepEqual([session.origins.size, session.subscriptions.size], [0, 0]);
});

Deno.test("a subscription that a server refuses leaves nothing behind", async () => {
  const bench = await listed({ one: offers(["x://one"]) });
  const reply = bench.call("resources/subscribe", { uri: "x://one" });
  await settle();
  const { id } = bench.asked("one");
  bench.wire("one").line({ jsonrpc: "2.0", id, error: { code: -32601, message: "no" } });
  await settle();
  assert.equal(reply.answers[0].error.code, -32601);
  assert.equal(bench.client.session.origins.size, 0);
  const unknown = bench.call("resources/subscribe", { uri: "x://nobody" });
  await settle();
  assert.equal(unknown.outcome, "resource_not_found");
});

Deno.test("a session of before a restart goes on with its subscriptions, each at its own server", async () => {
  const bench = new AggregateBench(["one", "two"]);
  const { session } = bench.client;
  session.subscribe("x://one");
  session.setOrigin("x://one", "one");
  session.setOrigin("x://gone", "not configured any more");
  bench.all.join(session);
  await bench.start("one", LISTENING);
  const { method, params } = bench.asked("one");
  assert.deepEqual([method, params], ["resources/subscribe", { uri: "x://one" }]);
  assert.deepEqual(bench.started, ["one"]);
  bench.call("tools/call", { name: "two__t" });
  await bench.start("two", LISTENING);
  assert.equal(bench.asked("two").method, "tools/call");
});

// ---- completion

Deno.test("a completion goes to the server whose prompt, template or resource it is for", async () => {
  const bench = await listed({
    one: offers(["x://one"], ["x://{id}"]),
    two: offers(["x://two"], ["x://{id}", "y://{id}"]),
  });
  const complete = async (ref: Json) => {
    const reply = bench.call("completion/complete", { ref, argument: { name: "a", value: "v" } });
    await settle();
    const asked = [...bench.servers.keys()].flatMap((name) =>
      bench.wire(name).take().map(({ id, params }) => {
        bench.wire(name).answer(id, { completion: { values: [name] } });
        return [name, params.ref];
      })
    );
    await settle();
    return asked.length === 0 ? reply.outcome : asked.flat();
  };
  const template = (uri: string) => ({ type: "ref/resource", uri });
  assert.deepEqual(await complete(template("y://{id}")), ["two", template("y://{id}")]);
  assert.deepEqual(await complete(template("x://{id}")), ["one", template("x://{id}")]);
  assert.deepEqual(await complete(template("x://two")), ["two", template("x://two")]);
  assert.deepEqual(await complete({ type: "ref/prompt", name: "two__p", title: "P" }), [
    "two",
    { type: "ref/prompt", name: "p", title: "P" },
  ]);
  assert.equal(await complete(template("z://{id}")), "resource_not_found");
  for (const ref of [undefined, {}, template(1 as never), { type: "ref/prompt" }, { type: "x" }]) {
    assert.equal(await complete(ref), "invalid_params");
  }
});

Deno.test("an answer that is no JSON is that of a server which failed; the next one is asked", async () => {
  const bench = await listed({ one: offers([], ["x://{a}"]), two: offers([], ["x://{a}"]) });
  const reply = bench.call("resources/read", { uri: "x://both" });
  await settle();
  const [{ id }] = bench.wire("one").take();
  bench.wire("one").line(`{"jsonrpc":"2.0","id":${id},"result":{"contents":[NaN]}}`);
  await settle();
  const [second] = bench.wire("two").take();
  bench.wire("two").answer(second.id, { contents: [] });
  await settle();
  assert.equal(reply.outcome, "answered");
});
