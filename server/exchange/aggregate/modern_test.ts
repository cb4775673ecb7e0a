import assert from "node:assert/strict";
import type { JsonObject } from "../../../protocol/json.ts";
import { AggregateBench, changed } from "../../../tests/fixtures/aggregate_bench.ts";
import { stdioEntry } from "../../../tests/fixtures/endpoints.ts";
import { newSession, NotedReply, request } from "../../../tests/fixtures/exchange.ts";
import { settle } from "../../../tests/fixtures/fake_clock.ts";
import type { Json } from "../../../tests/fixtures/fake_wire.ts";
import { serverKey } from "../../upstream/instance_key.ts";

const META = "io.modelcontextprotocol/";
const LISTENING = { resources: { listChanged: true, subscribe: true } };

/** A client of the modern era; each call is one of its requests. */
function modern(bench: AggregateBench) {
  const session = newSession("modern", { endpoint: bench.all, kind: "modern" });
  return {
    session,
    call(method: string, params: JsonObject = {}): NotedReply {
      const reply = new NotedReply();
      bench.upstream.exchange.request(session, request(method, { id: '"7"', params }), reply);
      return reply;
    },
  };
}

Deno.test("a modern client discovers all servers together and lists them; nothing is to be kept", async () => {
  const bench = new AggregateBench(["one"]);
  const client = modern(bench);
  const reply = client.call("tools/list");
  await bench.start("one");
  const tool = { name: "t", execution: { taskSupport: "optional" } };
  await bench.answer("one", { "tools/list": { tools: [tool] } });
  assert.deepEqual(reply.answers[0].result, {
    resultType: "complete",
    ttlMs: 0,
    cacheScope: "private",
    tools: [{ name: "one__t" }],
  });
  const discovered = client.call("server/discover").answers[0].result;
  assert.ok(discovered.supportedVersions.includes("2026-07-28"));
  assert.deepEqual(discovered.capabilities, { tools: { listChanged: true } });
  assert.equal(discovered._meta[`${META}serverInfo`].name, "aichaku");
  for (const method of ["initialize2", "ping", "logging/setLevel", "resources/subscribe"]) {
    assert.equal(client.call(method).outcome, "method_not_found", method);
  }
});

Deno.test("a modern client is told that nobody offers a resource in the words of its era", async () => {
  const bench = new AggregateBench(["one"]);
  const reply = modern(bench).call("resources/read", { uri: "x://nobody" });
  await bench.start("one", {});
  assert.equal(reply.answers[0].error.code, -32602);
});

Deno.test("a modern client hears of lists and of resources on one stream, first of what it will hear", async () => {
  const bench = new AggregateBench(["one", "two"]);
  const client = modern(bench);
  const reply = client.call("subscriptions/listen", {
    notifications: {
      toolsListChanged: true,
      resourceSubscriptions: ["x://two", "x://nobody"],
    },
  });
  await bench.start("one", LISTENING);
  await bench.start("two", LISTENING);
  const lists = (uris: string[]) => ({
    "resources/list": { resources: uris.map((uri) => ({ uri, name: uri })) },
    "resources/templates/list": { resourceTemplates: [] },
  });
  await bench.answer("one", lists([]));
  await bench.answer("two", lists(["x://two"]));
  await bench.answer("two", { "resources/subscribe": {} });
  const updated = { uri: "x://two" };
  bench.wire("two").line({
    jsonrpc: "2.0",
    method: "notifications/resources/updated",
    params: updated,
  });
  await settle();
  bench.wire("one").line(changed("tools"));
  bench.wire("one").line(changed("prompts"));
  await settle();
  const _meta = { [`${META}subscriptionId`]: "7" };
  assert.deepEqual(
    reply.notified.map(({ method, params }: Json) => [method, params]),
    [
      ["notifications/subscriptions/acknowledged", {
        notifications: { toolsListChanged: true, resourceSubscriptions: ["x://two"] },
        _meta,
      }],
      ["notifications/resources/updated", { ...updated, _meta }],
      ["notifications/tools/list_changed", { _meta }],
    ],
  );

  // When it leaves, the server is told.
  const [call] = client.session.calls.values();
  call.cancel("left");
  await settle();
  assert.deepEqual(bench.wire("two").take().map(({ method }: Json) => method), [
    "resources/unsubscribe",
  ]);
  assert.equal(client.session.calls.size, 0);
});

/** Lets a modern server be ready. */
async function startModern(bench: AggregateBench, name: string): Promise<void> {
  await settle();
  const { id, method } = bench.asked(name);
  assert.equal(method, "server/discover");
  bench.wire(name).answer(id, {
    resultType: "complete",
    supportedVersions: ["2026-07-28"],
    capabilities: { tools: { listChanged: true } },
  });
  await settle();
}

Deno.test("a modern server is asked as each class of clients, and all of them hear when it changes", async () => {
  const entry = stdioEntry("one");
  const bench = new AggregateBench([entry]);
  bench.upstream.era = "modern";
  bench.upstream.verdicts.add(serverKey(entry), { era: "modern" });
  const asker = bench.newClient({ capabilities: { elicitation: {} } });
  /** Answers a list with the capabilities it was asked with. */
  const listAs = async (client: typeof asker) => {
    const reply = client.call("tools/list");
    await settle();
    if (bench.servers.get("one")!.state === "starting") await startModern(bench, "one");
    const wire = bench.wire("one");
    const lists = wire.take().filter(({ method }: Json) => method === "tools/list");
    for (const { id, params } of lists) {
      const able = Object.keys(params._meta[`${META}clientCapabilities`]);
      wire.answer(id, { tools: [{ name: able.join() || "plain" }] });
    }
    await settle();
    return [lists.length, reply.answers[0].result.tools[0].name];
  };
  assert.deepEqual(await listAs(bench.client), [1, "one__plain"]);
  assert.deepEqual(await listAs(asker), [1, "one__elicitation"]);
  assert.deepEqual(bench.started, ["one"]);
  assert.deepEqual([await listAs(bench.client), await listAs(asker)], [
    [0, "one__plain"],
    [0, "one__elicitation"],
  ]);
  bench.wire("one").line(changed("tools"));
  assert.deepEqual([bench.read(), asker.read()], [[changed("tools")], [changed("tools")]]);
  await settle();
  const asked = bench.wire("one").take().map(({ method }: Json) => method);
  assert.deepEqual(asked, ["tools/list", "tools/list"], "both are read again");
});

Deno.test("a client that hears of resources is to listen again when their server is gone", async () => {
  const bench = new AggregateBench(["one"]);
  const reply = modern(bench).call("subscriptions/listen", {
    notifications: { resourceSubscriptions: ["x://one"] },
  });
  await bench.start("one", LISTENING);
  await bench.answer("one", {
    "resources/list": { resources: [{ uri: "x://one", name: "one" }] },
    "resources/templates/list": { resourceTemplates: [] },
  });
  await bench.answer("one", { "resources/subscribe": {} });
  assert.deepEqual(reply.notified.map(({ params }: Json) => params.notifications), [
    { resourceSubscriptions: ["x://one"] },
  ]);
  assert.equal(reply.outcome, undefined);
  await bench.servers.get("one")!.stop();
  await settle();
  assert.equal(reply.answers[0].result.resultType, "complete");
});
