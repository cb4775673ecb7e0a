import assert from "node:assert/strict";
import { type JsonObject, parseJson } from "../../protocol/json.ts";
import { META } from "../../protocol/modern.ts";
import { Endpoints, stdioEntry } from "../../tests/fixtures/endpoints.ts";
import { newSession, NotedReply, request } from "../../tests/fixtures/exchange.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import type { FakeWire } from "../../tests/fixtures/fake_wire.ts";
import { InstanceBench } from "../../tests/fixtures/instances.ts";
import { ModernClient } from "../../tests/fixtures/modern_client.ts";
import type { SharingMode } from "../config/types.ts";
import { Call } from "../exchange/call.ts";
import { serverKey } from "../upstream/instance_key.ts";
import { BridgedCall } from "./bridged_call.ts";

const TOOL = { name: "x" };

/** A legacy server that runs, played by the test, and a modern client without a name. */
class Bench {
  readonly all = new Endpoints();
  readonly endpoint;
  readonly client;

  constructor(mode: SharingMode = "auto") {
    this.endpoint = this.all.endpoint(stdioEntry("fake", { sharing: { mode, from: "config" } }));
    this.client = new ModernClient(this.all, this.endpoint);
  }

  /** The connection opened last; it is initialized if it was not. */
  async wire(): Promise<FakeWire> {
    await settle();
    const wire = this.all.wire();
    if (!this.#initialized.has(wire)) wire.initialize();
    this.#initialized.add(wire);
    await settle();
    return wire;
  }

  readonly #initialized = new Set<FakeWire>();

  /** The id of the one call that the server was given. */
  async given(): Promise<number> {
    const [call, ...more] = (await this.wire()).take();
    assert.deepEqual([call.method, more], ["tools/call", []]);
    return call.id;
  }

  /** Long enough for questions to be collected. */
  async collect(): Promise<void> {
    await settle();
    this.all.clock.advance(15);
    await settle();
  }
}

Deno.test("an answer that is no JSON is told, and nobody waits for it for ever", async () => {
  const deep = `${"[".repeat(50_000)}12345678901234567890${"]".repeat(50_000)}`;
  const results = ['{"value":NaN}', '{"content":[}', '{"_meta":{},"value":NaN}'];
  for (const result of [...results, `{"_meta":{},"value":${deep}}`]) {
    const bench = new Bench();
    const reply = bench.client.call("tools/call", TOOL);
    const id = await bench.given();
    bench.all.wire().line(`{"jsonrpc":"2.0","id":${id},"result":${result}}`);
    assert.equal(reply.outcome, "upstream_invalid");
    assert.deepEqual(bench.all.log.errors, []);
  }
});

/** The server asks its client for a name. */
async function ask(bench: Bench): Promise<void> {
  const params = { message: "Name?", requestedSchema: {} };
  bench.all.wire().line({ jsonrpc: "2.0", id: "q", method: "elicitation/create", params });
  await bench.collect();
}

Deno.test("what only waits for its client is in nobody's way, and kept for its whole time", async () => {
  const bench = new Bench("serial");
  const parked = bench.client.call("tools/call", TOOL);
  const id = await bench.given();
  await ask(bench);
  bench.all.wire().answer(id, { content: ["done"] });
  bench.all.wire().take();
  bench.client.call("tools/call", TOOL);
  bench.client.call("tools/call", TOOL);
  bench.all.clock.advance(300_000);
  const { requestState } = parked.result;
  const again = bench.client.call("tools/call", { ...TOOL, requestState });
  assert.deepEqual(again.result?.content, ["done"]);
});

Deno.test("a call that asks when nothing more can be parked has been begun: it is not to be made again", async () => {
  const { instance, clock, wires } = await new InstanceBench().start();
  const keeper = { instance, clock, digest: () => "", park: () => undefined, unpark() {} };
  const reply = new NotedReply();
  const _meta = { [META.clientCapabilities]: { elicitation: { form: {} } } };
  const message = request("tools/call", { params: { ...TOOL, _meta } });
  const call = new Call(newSession("a", { kind: "request", clock }), message, reply);
  const bridged = new BridgedCall(call, TOOL, keeper);
  bridged.begin();
  const params = { message: "Name?", requestedSchema: {} };
  const { answer } = bridged.ask({ method: "elicitation/create", params, timeoutMs: 1_000 });
  const refused = assert.rejects(answer, { reason: "cancelled" });
  clock.advance(15);
  await refused;
  const { reason, retryable } = reply.answers[0].error.data;
  assert.deepEqual([reason, retryable], ["overloaded", false]);
  assert.deepEqual(wires.last.take().map(({ method }) => method), [
    "tools/call",
    "notifications/cancelled",
  ]);
});

Deno.test("a call that goes on stays where it is known when another one is parked", async () => {
  const bench = new Bench();
  bench.all.verdicts.add(serverKey(bench.endpoint.entry), { isolate: "it asked" });
  const first = bench.client.call("tools/call", TOOL);
  const elicitations = [{ message: "Sign in", url: "https://x", elicitationId: "e" }];
  const id = await bench.given();
  const wire = bench.all.wire();
  wire.line({ jsonrpc: "2.0", id, error: { code: -32042, message: "", data: { elicitations } } });
  await bench.collect();
  const { inputRequests, requestState } = first.result;
  const second = bench.client.call("tools/call", TOOL);
  await bench.given();
  const [key] = Object.keys(inputRequests);
  const inputResponses = { [key]: { action: "accept" } };
  const again = bench.client.call("tools/call", { ...TOOL, requestState, inputResponses });
  await settle();
  assert.deepEqual(wire.take(), [], "it waits for its turn");
  await ask(bench);
  assert.equal(second.result.resultType, "input_required");
  assert.equal(again.outcome, undefined);
});

Deno.test("who comes back and can visit no URL any more is told what is missing", async () => {
  const bench = new Bench();
  const first = bench.client.call("tools/call", TOOL);
  const elicitations = [{ message: "Sign in", url: "https://x", elicitationId: "e" }];
  const data = { elicitations };
  const id = await bench.given();
  bench.all.wire().line({ jsonrpc: "2.0", id, error: { code: -32042, message: "", data } });
  await bench.collect();
  const { requestState } = first.result;
  const capabilities = { elicitation: { form: {} } };
  const again = bench.client.call("tools/call", { ...TOOL, requestState }, { capabilities });
  await bench.collect();
  assert.equal(again.outcome, "missing_capability");
  assert.deepEqual(again.error.data.requiredCapabilities, { elicitation: { url: {} } });
});

Deno.test("what finds another process is found one by the entry that it came to", async () => {
  const all = new Endpoints();
  const [one, two] = ["one", "two"].map((name) =>
    all.endpoint(stdioEntry(name, { command: "same" }))
  );
  all.verdicts.add(serverKey(one.entry), { isolate: "it asked" });
  const parked = new ModernClient(all, one).call("tools/call", TOOL);
  const other = new ModernClient(all, two).call("tools/call", TOOL);
  await settle();
  all.wire().initialize();
  await settle();
  assert.equal(all.wire().take().length, 1, "they take turns");
  const params = { message: "Name?", requestedSchema: {} };
  all.wire().line({ jsonrpc: "2.0", id: "q", method: "elicitation/create", params });
  await settle();
  all.clock.advance(15);
  await settle();
  assert.equal(parked.result.resultType, "input_required");
  assert.equal(other.outcome, undefined);
  assert.deepEqual([one.clients, two.clients], [0, 1]);
  assert.equal(all.opened.length, 2);
});

Deno.test("a client that is served elsewhere from now on is to listen there", async () => {
  const bench = new Bench();
  const client = new ModernClient(bench.all, bench.endpoint, { name: "ada", capabilities: {} });
  const listening = client.call("subscriptions/listen", {
    notifications: { toolsListChanged: true },
  });
  await settle();
  bench.all.wire().initialize({ capabilities: { tools: { listChanged: true } } });
  await settle();
  assert.equal(listening.outcome, undefined);
  client.call("tools/call", TOOL);
  assert.equal(listening.outcome, undefined);
  client.call("tools/call", TOOL, { capabilities: { sampling: {} } });
  assert.equal(listening.outcome, "answered");
});

Deno.test("who wants to hear of very much hears of a part, and nothing is asked for who left", async () => {
  const bench = new Bench();
  const uris = Array.from({ length: 2_000 }, (_, n) => `a://${n}`);
  const notifications = { resourceSubscriptions: [...uris, ...uris] };
  const listens = [0, 1].map(() => bench.client.call("subscriptions/listen", { notifications }));
  await settle();
  const wire = bench.all.wire();
  wire.initialize({ capabilities: { resources: { subscribe: true } } });
  await settle();
  listens[1].leave();
  const asked: unknown[] = [];
  for (let sent = wire.take(); sent.length > 0; sent = wire.take()) {
    for (const { id, method, params } of sent) {
      if (method === "resources/subscribe") asked.push(params.uri);
      if (id !== undefined) wire.answer(id);
    }
    await settle();
  }
  // One of the second, which was under way when it left.
  assert.equal(asked.length, 1_001);
  assert.equal(listens[0].notified[0].params.notifications.resourceSubscriptions.length, 1_000);
});

Deno.test("nobody listens at a server that is stopped meanwhile", async () => {
  const bench = new Bench();
  const listening = bench.client.call("subscriptions/listen", {
    notifications: { toolsListChanged: true, resourceSubscriptions: ["a://1"] },
  });
  await settle();
  const capabilities = { tools: { listChanged: true }, resources: { subscribe: true } };
  bench.all.wire().initialize({ capabilities });
  await settle();
  await bench.endpoint.stop();
  await settle();
  assert.equal(listening.outcome, "draining");
});

Deno.test("a call goes on at the process where it is parked, although its server is configured anew", async () => {
  const bench = new Bench();
  const parked = bench.client.call("tools/call", TOOL);
  const id = await bench.given();
  const before = bench.all.wire();
  await ask(bench);
  bench.endpoint.update(stdioEntry("fake", { args: ["another"] }));
  const { inputRequests, requestState } = parked.result;
  const inputResponses = { [Object.keys(inputRequests)[0]]: { action: "accept" } };
  const again = bench.client.call("tools/call", { ...TOOL, requestState, inputResponses });
  await settle();
  assert.deepEqual(before.take().map(({ result }) => result), [{ action: "accept" }]);
  before.answer(id, { content: ["done"] });
  assert.deepEqual(again.result?.content, ["done"]);
  bench.all.clock.advance(60_000);
  await settle();
  assert.ok(before.closed !== undefined, "then it ends");
});

Deno.test("numbers beyond a double and keys like __proto__ are what they were, on every way", async () => {
  const odd = '{"__proto__":{"n":12345678901234567890},"constructor":-0,"f":1.10}';
  const bench = new Bench();
  const params = (n: string) =>
    parseJson(`{"name":"x","arguments":{"id":${n},"odd":${odd}}}`) as JsonObject;
  const first = bench.client.call("tools/call", params("12345678901234567890"));
  await bench.wire();
  const [text] = bench.all.wire().takeTexts();
  assert.ok(text.includes(`{"id":12345678901234567890,"odd":${odd}}`), text);
  const asked = `{"message":"?","requestedSchema":{"properties":${odd}}}`;
  bench.all.wire().line(
    `{"jsonrpc":"2.0","id":98765432109876543210,"method":"elicitation/create","params":${asked}}`,
  );
  await bench.collect();
  assert.ok(first.texts[0].includes(asked), first.texts[0]);
  const { requestState } = first.result;
  const inputResponses = parseJson(`{"q1":{"action":"accept","content":${odd}},"__proto__":{}}`);
  const come = (n: string) =>
    bench.client.call("tools/call", { ...params(n), requestState, inputResponses });
  assert.equal(come("12345678901234567891").outcome, "invalid_params", "another number");
  const again = come("12345678901234567890");
  await settle();
  const [told] = bench.all.wire().takeTexts();
  assert.equal(
    told,
    `{"jsonrpc":"2.0","id":98765432109876543210,"result":{"action":"accept","content":${odd}}}`,
  );
  const { id } = JSON.parse(text);
  bench.all.wire().line(`{"jsonrpc":"2.0","id":${id},"result":{"structuredContent":${odd}}}`);
  assert.ok(again.texts[0].includes(`"structuredContent":${odd}`), again.texts[0]);
});

Deno.test("who cannot be told anything before the answer cannot listen", async () => {
  const bench = new Bench();
  const deaf = new NotedReply();
  const session = newSession("deaf", { endpoint: bench.endpoint, kind: "modern" });
  const params = { notifications: { toolsListChanged: true } };
  bench.all.exchange.request(session, request("subscriptions/listen", { params }), {
    answer: (text, fault) => deaf.answer(text, fault),
    notify: () => false,
  });
  await bench.wire();
  assert.equal(deaf.outcome, "invalid_request");
});
