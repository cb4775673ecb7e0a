import assert from "node:assert/strict";
import { META } from "../../protocol/modern.ts";
import { type Client, Endpoints } from "../../tests/fixtures/endpoints.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import type { FakeWire, Json } from "../../tests/fixtures/fake_wire.ts";
import { ModernClient } from "../../tests/fixtures/modern_client.ts";

/** A modern server that is played by the test, and a legacy client. */
class Bench {
  readonly all = new Endpoints();
  readonly client;

  constructor() {
    this.all.era = "modern";
    this.client = this.all.client("a", this.all.endpoint());
  }

  get wire(): FakeWire {
    return this.all.wire();
  }

  /** The server says what it is. */
  async discover(): Promise<void> {
    await settle();
    const [{ id, method }] = this.wire.take();
    assert.equal(method, "server/discover");
    this.wire.answer(id, {
      supportedVersions: ["2026-07-28"],
      capabilities: { resources: { subscribe: true } },
    });
    await settle();
  }

  /** The filters that the server was asked to tell of, the last one acknowledged with `uris`. */
  async acknowledge(uris: string[]): Promise<Json[]> {
    await settle();
    const listens = this.wire.take().filter(({ method }) => method === "subscriptions/listen");
    this.wire.line({
      jsonrpc: "2.0",
      method: "notifications/subscriptions/acknowledged",
      params: {
        _meta: { [META.subscriptionId]: listens.at(-1).id },
        notifications: { resourceSubscriptions: uris },
      },
    });
    await settle();
    return listens.map(({ params }) => params.notifications.resourceSubscriptions);
  }
}

Deno.test("a modern server that rests is started for a client that wants to hear of a resource", async () => {
  const bench = new Bench();
  const first = bench.client.call("tools/list");
  await bench.discover();
  bench.wire.answer(bench.wire.take()[0].id, { tools: [] });
  await settle();
  assert.equal(first.outcome, "answered");
  bench.all.clock.advance(3_600_000);
  await settle();
  const reply = bench.client.call("resources/subscribe", { uri: "a://1" });
  await bench.discover();
  await bench.acknowledge(["a://1"]);
  assert.deepEqual(reply.answers[0].result, {});
});

Deno.test("a resource that a server does not tell of is not asked for again", async () => {
  const bench = new Bench();
  const reply = bench.client.call("resources/subscribe", { uri: "a://1" });
  await bench.discover();
  await bench.acknowledge(["a://1"]);
  assert.equal(reply.outcome, "answered");
  const refused = bench.client.call("resources/subscribe", { uri: "a://2" });
  assert.deepEqual(await bench.acknowledge(["a://1"]), [["a://1", "a://2"]]);
  assert.equal(refused.outcome, "invalid_params");
  assert.deepEqual(await bench.acknowledge(["a://1"]), [["a://1"]]);
});

Deno.test("a server that dies before it says what it will tell is no server that tells nothing", async () => {
  const bench = new Bench();
  const reply = bench.client.call("resources/subscribe", { uri: "a://1" });
  await bench.discover();
  bench.wire.end();
  await settle();
  assert.equal(reply.outcome, "upstream_exited");
});

Deno.test("what a server is asked before its era is known is said in the way of its era", async () => {
  for (const method of ["logging/setLevel", "resources/unsubscribe"]) {
    const bench = new Bench();
    const reply = bench.client.call(method, { level: "info", uri: "a://1" });
    await bench.discover();
    assert.deepEqual(bench.wire.take(), [], method);
    assert.deepEqual(reply.answers[0]?.result, {}, method);
  }
});

/** A legacy server that is played by the test, initialized; what it is asked first is answered. */
async function beginLegacy(all: Endpoints): Promise<FakeWire> {
  await settle();
  const wire = all.wire();
  wire.initialize({ capabilities: { resources: { subscribe: true }, logging: {} } });
  await settle();
  for (const { id } of wire.take()) if (id !== undefined) wire.answer(id);
  await settle();
  return wire;
}

/** What a client hears of a process that speaks before and after its call, and dies. */
async function heardBy(client: Client, wire: FakeWire): Promise<string> {
  const speak = () =>
    wire.line({
      jsonrpc: "2.0",
      method: "notifications/message",
      params: { level: "info", data: "about a://other" },
    });
  const reply = client.call("tools/call");
  speak();
  const asked = wire.take();
  for (const { id, method } of asked) if (method === "ping") wire.answer(id);
  for (const { id } of [...asked, ...wire.take()]) wire.answer(id);
  speak();
  client.call("tools/call");
  wire.end("was ended by SIGKILL", "about a://other");
  await settle();
  return JSON.stringify([reply.texts, client.read()]);
}

Deno.test("what the next process says may be about whoever is subscribed there, and is told to no other", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint();
  all.client("other", endpoint).call("resources/subscribe", { uri: "a://other" });
  (await beginLegacy(all)).end();
  const wire = await beginLegacy(all);
  const heard = await heardBy(all.client("a", endpoint), wire);
  assert.ok(!heard.includes("a://other"), heard);
});

Deno.test("so it is where a modern client listens", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint();
  new ModernClient(all, endpoint, { capabilities: {} }).call("subscriptions/listen", {
    notifications: { resourceSubscriptions: ["a://other"] },
  });
  const wire = await beginLegacy(all);
  const heard = await heardBy(all.client("a", endpoint), wire);
  assert.ok(!heard.includes("a://other"), heard);
});
