import assert from "node:assert/strict";
import type { JsonObject } from "../../protocol/json.ts";
import { META } from "../../protocol/modern.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import type { Json } from "../../tests/fixtures/fake_wire.ts";
import { InstanceBench } from "../../tests/fixtures/instances.ts";
import { Listening } from "./listening.ts";

const LISTS = { tools: { listChanged: true }, prompts: {}, resources: { listChanged: true } };

/** A modern server that is played by the test, and somebody who listens to it. */
class Bench extends InstanceBench {
  readonly listening = new Listening({ instance: this.instance, clock: this.clock });

  constructor() {
    super({ knownEra: () => "modern" });
  }

  /** The server runs. */
  async serve(capabilities: JsonObject = LISTS): Promise<this> {
    const ready = this.instance.ready();
    await settle();
    const [{ id }] = this.wires.last.take();
    this.wires.last.answer(id, { supportedVersions: ["2026-07-28"], capabilities });
    await ready;
    return this;
  }

  /** What the server was sent, in short. */
  sent(): [string, unknown][] {
    return this.wires.last.take().map(({ id, method, params }) => [
      method,
      method === "subscriptions/listen" ? { id, ...params.notifications } : params.requestId,
    ]);
  }

  acknowledge(id: number, notifications: Json = {}): void {
    this.wires.last.line({
      jsonrpc: "2.0",
      method: "notifications/subscriptions/acknowledged",
      params: { _meta: { [META.subscriptionId]: id }, notifications },
    });
  }
}

Deno.test("a server is listened to for what it can tell, and says what of it it will", async () => {
  const bench = await new Bench().serve();
  const honoured = bench.listening.listen(["a://1", "a://2"]);
  assert.deepEqual(bench.sent(), [["subscriptions/listen", {
    id: 2,
    toolsListChanged: true,
    resourcesListChanged: true,
    resourceSubscriptions: ["a://1", "a://2"],
  }]]);
  bench.acknowledge(2, { resourceSubscriptions: ["a://2"] });
  assert.deepEqual(await honoured, new Set(["a://2"]));
});

Deno.test("a server that can tell nothing, or does not run, is not listened to", async () => {
  const silent = await new Bench().serve({ tools: {} });
  assert.deepEqual(await silent.listening.listen([]), new Set());
  const stopped = new Bench();
  assert.deepEqual(await stopped.listening.listen(["a://1"]), new Set());
  assert.deepEqual([silent.sent(), stopped.wires.opened], [[], []]);
});

Deno.test("a stream is replaced only when the next one is there, so that nothing is missed", async () => {
  const bench = await new Bench().serve();
  bench.listening.listen([]);
  bench.acknowledge(2);
  bench.listening.listen(["a://1"]);
  assert.deepEqual(bench.sent().map(([method]) => method), [
    "subscriptions/listen",
    "subscriptions/listen",
  ]);
  bench.acknowledge(3, { resourceSubscriptions: ["a://1"] });
  assert.deepEqual(bench.sent(), [["notifications/cancelled", 2]]);
});

Deno.test("a stream that ends is opened again, after pauses that grow until it works", async () => {
  const bench = await new Bench().serve();
  bench.listening.listen(["a://1"]);
  bench.sent();
  let id = 2;
  for (const pause of [1, 2, 4, 8, 16, 32, 60, 60]) {
    bench.wires.last.answer(id++);
    await settle();
    bench.clock.advance(pause * 1000 - 1);
    assert.deepEqual(bench.sent(), [], `${pause} s`);
    bench.clock.advance(1);
    assert.deepEqual(bench.sent().map(([, filter]) => (filter as Json).resourceSubscriptions), [
      ["a://1"],
    ]);
  }
  bench.acknowledge(id);
  bench.wires.last.line({ jsonrpc: "2.0", id, error: { code: -1, message: "no" } });
  bench.clock.advance(1000);
  assert.equal(bench.sent().length, 1, "it worked: the pause is short again");
});

Deno.test("a server that does not say what it will tell is waited for ten seconds", async () => {
  const bench = await new Bench().serve();
  const honoured = bench.listening.listen(["a://1"]);
  bench.clock.advance(10_000);
  assert.deepEqual(await honoured, new Set());
});

Deno.test("a server that refuses to be listened to honours nothing", async () => {
  const bench = await new Bench().serve();
  const honoured = bench.listening.listen(["a://1"]);
  bench.wires.last.line({ jsonrpc: "2.0", id: 2, error: { code: -32601, message: "no" } });
  assert.deepEqual(await honoured, new Set());
});

Deno.test("nobody listens: the stream is ended and not opened again", async () => {
  const bench = await new Bench().serve();
  bench.listening.listen([]);
  bench.acknowledge(2);
  bench.sent();
  bench.listening.close();
  assert.deepEqual(bench.sent(), [["notifications/cancelled", 2]]);
  bench.wires.last.answer(2);
  bench.clock.advance(60_000);
  assert.deepEqual(bench.sent(), []);

  bench.listening.listen([]);
  bench.wires.last.answer(3);
  bench.listening.close();
  bench.sent();
  bench.clock.advance(60_000);
  assert.deepEqual(bench.sent(), []);
});

Deno.test("a stream that is overtaken by a later one is ended, and whoever asked for it is told", async () => {
  const bench = await new Bench().serve();
  bench.listening.listen([]);
  bench.acknowledge(2);
  const overtaken = bench.listening.listen(["a://1"]);
  bench.listening.listen(["a://1", "a://2"]);
  bench.sent();
  bench.acknowledge(4, { resourceSubscriptions: ["a://1", "a://2"] });
  assert.deepEqual(await overtaken, new Set(["a://1", "a://2"]));
  assert.deepEqual(bench.sent(), [["notifications/cancelled", 2], ["notifications/cancelled", 3]]);
});

Deno.test("when a stream is refused, the one before goes on until there is another", async () => {
  const bench = await new Bench().serve();
  bench.listening.listen([]);
  bench.acknowledge(2);
  const refused = bench.listening.listen(["a://1"]);
  bench.sent();
  bench.wires.last.line({ jsonrpc: "2.0", id: 3, error: { code: -32602, message: "no" } });
  assert.deepEqual(await refused, new Set());
  assert.deepEqual(bench.sent(), []);
  bench.listening.listen([]);
  bench.acknowledge(4);
  assert.deepEqual(bench.sent().map(([method, about]) => [method, method.endsWith("d") && about]), [
    ["subscriptions/listen", false],
    ["notifications/cancelled", 2],
  ]);
});

Deno.test("whoever waits to hear what a server will tell does not wait when it is gone", async () => {
  const bench = await new Bench().serve();
  const honoured = bench.listening.listen(["a://1"]);
  const { pending } = bench.clock;
  bench.listening.close();
  assert.deepEqual(await honoured, new Set());
  assert.equal(bench.clock.pending, pending - 1);
});

Deno.test("a server that does not read is listened to as soon as it reads on, in its turn", async () => {
  const bench = await new Bench().serve();
  bench.wires.last.full = true;
  const honoured = bench.listening.listen(["a://1"]);
  bench.wires.last.full = false;
  bench.listening.listen(["a://1", "a://2"]);
  assert.deepEqual(bench.sent(), [], "nothing overtakes what waits");
  bench.wires.last.makeRoom();
  const lists = { toolsListChanged: true, resourcesListChanged: true };
  assert.deepEqual(bench.sent(), [
    ["subscriptions/listen", { id: 2, ...lists, resourceSubscriptions: ["a://1"] }],
    ["subscriptions/listen", { id: 3, ...lists, resourceSubscriptions: ["a://1", "a://2"] }],
  ]);
  bench.acknowledge(2, { resourceSubscriptions: ["a://1"] });
  assert.deepEqual(await honoured, new Set(["a://1"]));
});

Deno.test("a stream that is ended before the server reads on is never opened; one that is open is ended then", async () => {
  const bench = await new Bench().serve();
  bench.listening.listen([]);
  bench.acknowledge(2);
  bench.sent();
  bench.wires.last.full = true;
  const unread = bench.listening.listen(["a://1"]);
  bench.listening.close();
  assert.deepEqual(await unread, new Set());
  bench.wires.last.makeRoom();
  assert.deepEqual(bench.sent(), [["notifications/cancelled", 2]]);
});
