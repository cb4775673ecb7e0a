import assert from "node:assert/strict";
import type { JsonObject } from "../../protocol/json.ts";
import { META } from "../../protocol/modern.ts";
import { type Client, Endpoints } from "../../tests/fixtures/endpoints.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import type { FakeWire, Json } from "../../tests/fixtures/fake_wire.ts";

const ABLE = { elicitation: { form: {}, url: {} }, sampling: {}, roots: { listChanged: true } };

/** A modern server that is played by the test, and a legacy client. */
class Bench {
  readonly all = new Endpoints();
  readonly endpoint;
  readonly client: Client;

  constructor(capabilities: JsonObject = ABLE) {
    this.all.era = "modern";
    this.endpoint = this.all.endpoint();
    this.client = this.all.client("a", this.endpoint, {
      capabilities,
      clientInfo: { name: "old", version: "1" },
    });
  }

  get wire(): FakeWire {
    return this.all.wire();
  }

  async start(): Promise<this> {
    const ready = this.endpoint.initialize(this.client.session, {});
    await settle();
    const [{ id, method }] = this.wire.take();
    assert.equal(method, "server/discover");
    this.wire.answer(id, {
      resultType: "complete",
      supportedVersions: ["2026-07-28"],
      capabilities: { tools: {} },
      _meta: { [META.serverInfo]: { name: "fake", version: "1" } },
    });
    await ready;
    return this;
  }

  /** The one request that the server got since the last time. */
  async request(): Promise<Json> {
    await settle();
    const [request, ...more] = this.wire.take();
    assert.deepEqual(more, []);
    return request;
  }

  /** The server ends its answer with questions. */
  async ask(id: number, inputRequests: JsonObject, requestState?: unknown): Promise<void> {
    this.wire.answer(id, {
      resultType: "input_required",
      inputRequests,
      ...(requestState === undefined ? {} : { requestState }),
    });
    await settle();
  }
}

const FORM = { method: "elicitation/create", params: { message: "Name?", requestedSchema: {} } };

Deno.test("a call tells the server who makes it, and its result is one of the client's era", async () => {
  const bench = await new Bench().start();
  const reply = bench.client.call("tools/call", { name: "x", _meta: { progressToken: "p", a: 1 } });
  const { id, params } = await bench.request();
  const { progressToken, ...meta } = params._meta;
  assert.deepEqual({ ...params, _meta: meta }, {
    name: "x",
    _meta: {
      a: 1,
      [META.protocolVersion]: "2026-07-28",
      [META.clientInfo]: { name: "old", version: "1" },
      [META.clientCapabilities]: { ...ABLE, roots: {} },
      [META.logLevel]: "info",
    },
  });
  bench.wire.line({
    jsonrpc: "2.0",
    method: "notifications/progress",
    params: { progressToken, progress: 1 },
  });
  bench.wire.answer(id, { resultType: "complete", content: [], ttlMs: 5 });
  await settle();
  assert.deepEqual(reply.notified.map((message) => message.params), [
    { progressToken: "p", progress: 1 },
  ]);
  assert.deepEqual(reply.answers[0].result, { content: [] });
});

Deno.test("the log level of a session goes with each of its calls", async () => {
  const bench = await new Bench().start();
  assert.deepEqual(
    bench.client.call("logging/setLevel", { level: "error" }).answers[0]?.result,
    undefined,
  );
  await settle();
  bench.client.call("tools/call", { name: "x" });
  assert.equal((await bench.request()).params._meta[META.logLevel], "error");
});

Deno.test("what a server wants to know is asked on the stream of the call, and sent with the state as it was", async () => {
  const bench = await new Bench().start();
  const reply = bench.client.call("tools/call", { name: "x" });
  const first = await bench.request();
  const state = ' {"é": "\u{1F600}\u2028\\u0000"} =';
  await bench.ask(first.id, {
    who: FORM,
    model: { method: "sampling/createMessage", params: { messages: [], maxTokens: 1 } },
    roots: { method: "roots/list" },
  }, state);
  const asked = reply.notified;
  assert.deepEqual(asked.map(({ method }) => method), [
    "elicitation/create",
    "sampling/createMessage",
    "roots/list",
  ]);
  assert.deepEqual(asked[0].params, FORM.params);
  const answers = [{ action: "accept" }, { role: "assistant" }, { roots: [] }];
  for (const [index, result] of answers.entries()) bench.client.respond(asked[index], { result });
  const second = await bench.request();
  assert.notEqual(second.id, first.id);
  const { inputResponses, requestState, ...params } = second.params;
  assert.deepEqual(inputResponses, { who: answers[0], model: answers[1], roots: answers[2] });
  assert.equal(requestState, state);
  assert.deepEqual(params, first.params);
  bench.wire.answer(second.id, { resultType: "complete", content: [] });
  await settle();
  assert.deepEqual(reply.answers[0].result, { content: [] });
});

Deno.test("a state without questions is sent back at once, and none is made up", async () => {
  const bench = await new Bench().start();
  bench.client.call("tools/call", { name: "x" });
  const first = await bench.request();
  bench.wire.answer(first.id, { resultType: "input_required", requestState: "s" });
  const second = await bench.request();
  assert.deepEqual([second.params.requestState, "inputResponses" in second.params], ["s", false]);
  await bench.ask(second.id, {});
  const third = await bench.request();
  assert.deepEqual(["requestState" in third.params, third.params.inputResponses], [false, {}]);
});

Deno.test("a call that its server had begun is not to be made again, whatever refuses its next round", async () => {
  const bench = await new Bench().start();
  const reply = bench.client.call("tools/call", { name: "x" });
  await bench.ask((await bench.request()).id, { who: FORM });
  await bench.endpoint.stop();
  bench.client.respond(reply.notified[0], { result: { action: "accept" } });
  await settle();
  const { reason, retryable } = reply.answers[0].error.data;
  assert.deepEqual([reason, retryable], ["draining", false]);
});

Deno.test("a URL to visit has an id for clients that know such ids", async () => {
  const bench = await new Bench().start();
  const reply = bench.client.call("tools/call", { name: "x" });
  const params = { mode: "url", message: "Sign in", url: "https://x" };
  await bench.ask((await bench.request()).id, { a: { method: "elicitation/create", params } });
  const { elicitationId, ...rest } = reply.notified[0].params;
  assert.deepEqual(rest, params);
  assert.match(elicitationId, /^[0-9a-f-]{36}$/);
});

Deno.test("what the client cannot be asked is not asked, and the call fails", async () => {
  const cases: [JsonObject, JsonObject][] = [
    [{}, FORM],
    [{ elicitation: {} }, { method: "elicitation/create", params: { mode: "url" } }],
    [{ sampling: {} }, { method: "sampling/createMessage", params: { tools: [] } }],
    [ABLE, { method: "tools/call" }],
    [ABLE, { method: "constructor" }],
    [ABLE, { params: {} }],
  ];
  for (const [capabilities, question] of cases) {
    const bench = await new Bench(capabilities).start();
    const reply = bench.client.call("tools/call", { name: "x" });
    await bench.ask((await bench.request()).id, { a: question });
    assert.equal(reply.outcome, "upstream_invalid", JSON.stringify(question));
    assert.deepEqual(reply.notified, []);
  }
});

Deno.test("an answer that says nothing, something unknown, or asks where it may not, is an error", async () => {
  const results: [string, JsonObject][] = [
    ["tools/call", { resultType: "input_required" }],
    ["tools/call", { resultType: "something_new" }],
    ["tools/list", { resultType: "input_required", requestState: "s" }],
  ];
  for (const [method, result] of results) {
    const bench = await new Bench().start();
    const reply = bench.client.call(method, {});
    bench.wire.answer((await bench.request()).id, result);
    await settle();
    assert.equal(reply.outcome, "upstream_invalid", JSON.stringify(result));
    assert.deepEqual(bench.wire.take(), []);
  }
});

Deno.test("rounds are bounded, in number and in time", async () => {
  const many = await new Bench().start();
  const reply = many.client.call("tools/call", { name: "x" });
  for (let round = 0; round < 9; round++) {
    assert.equal(reply.outcome, undefined, `round ${round}`);
    const { id } = await many.request();
    many.wire.answer(id, { resultType: "input_required", requestState: "s" });
  }
  await settle();
  assert.equal(reply.outcome, "upstream_invalid");

  const long = await new Bench().start();
  const slow = long.client.call("tools/call", { name: "x" });
  await long.ask((await long.request()).id, { a: FORM });
  long.all.clock.advance(600_000);
  await settle();
  assert.equal(slow.outcome, "upstream_timeout");
  assert.deepEqual(slow.notified.map(({ method }) => method), [
    "elicitation/create",
    "notifications/cancelled",
  ]);
});

Deno.test("a client's error is a user that was not asked, or the error of the call", async () => {
  for (
    const [method, expected] of [
      ["elicitation/create", { action: "cancel" }],
      ["sampling/createMessage", undefined],
    ] as const
  ) {
    const bench = await new Bench().start();
    const reply = bench.client.call("tools/call", { name: "x" });
    await bench.ask((await bench.request()).id, { a: { method, params: {} } });
    const error = { code: -1, message: "no" };
    bench.client.respond(reply.notified[0], { error });
    await settle();
    if (expected === undefined) assert.deepEqual(reply.answers[0].error, error);
    else assert.deepEqual((await bench.request()).params.inputResponses, { a: expected });
  }
});

Deno.test("a client that cancels is not asked any further, and the server gets nothing more", async () => {
  const bench = await new Bench().start();
  const reply = bench.client.call("tools/call", { name: "x" });
  await bench.ask((await bench.request()).id, { a: FORM, b: FORM });
  bench.client.cancel(1);
  await settle();
  assert.equal(reply.outcome, "cancelled");
  assert.deepEqual(reply.texts.map((text) => JSON.parse(text).method), [
    "elicitation/create",
    "elicitation/create",
    undefined,
  ]);
  assert.deepEqual(bench.client.read().map(({ method }) => method), [
    "notifications/cancelled",
    "notifications/cancelled",
  ]);
  assert.deepEqual(bench.wire.take(), []);

  const other = bench.client.call("tools/call", { name: "x" });
  const { id } = await bench.request();
  bench.client.cancel(2);
  assert.equal(other.outcome, "cancelled");
  const { method, params } = await bench.request();
  assert.deepEqual([method, params.requestId], ["notifications/cancelled", id]);
});

Deno.test("one bad question of several takes the others back", async () => {
  const bench = await new Bench({ elicitation: {} }).start();
  const reply = bench.client.call("tools/call", { name: "x" });
  await bench.ask((await bench.request()).id, { a: FORM, b: { method: "roots/list" } });
  assert.equal(reply.outcome, "upstream_invalid");
  assert.deepEqual(bench.client.read().map(({ method }) => method), ["notifications/cancelled"]);
});

Deno.test("the server's errors are the client's, and its death is told", async () => {
  const bench = await new Bench().start();
  const failing = bench.client.call("tools/call", { name: "x" });
  const error = { code: -32602, message: "Unknown tool", data: { a: 1 } };
  bench.wire.line({ jsonrpc: "2.0", id: (await bench.request()).id, error });
  await settle();
  assert.deepEqual(failing.answers[0].error, error);
  const lost = bench.client.call("tools/call", { name: "x" });
  await bench.request();
  bench.wire.end();
  await settle();
  assert.equal(lost.outcome, "upstream_exited");
});

Deno.test("a call that is cancelled just behind its last answer is not made again", async () => {
  const bench = await new Bench().start();
  const reply = bench.client.call("tools/call", { name: "x" });
  await bench.ask((await bench.request()).id, { a: FORM });
  bench.client.respond(reply.notified[0], { result: { action: "accept" } });
  bench.client.cancel(1);
  await settle();
  assert.equal(reply.outcome, "cancelled");
  assert.deepEqual(bench.wire.take(), []);
});

Deno.test("a client is not flooded with questions", async () => {
  const bench = await new Bench().start();
  const reply = bench.client.call("tools/call", { name: "x" });
  const requests = Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`q${n}`, FORM]));
  await bench.ask((await bench.request()).id, requests);
  assert.equal(reply.outcome, "upstream_invalid");
  assert.deepEqual(reply.notified, []);
});

Deno.test("a server whose questions are none is not called again", async () => {
  for (const inputRequests of [[], "x", 12345678901234567890n]) {
    const bench = await new Bench().start();
    const reply = bench.client.call("tools/call", { name: "x" });
    const { id } = await bench.request();
    const text = typeof inputRequests === "bigint" ? inputRequests : JSON.stringify(inputRequests);
    bench.wire.line(
      `{"jsonrpc":"2.0","id":${id},"result":{"resultType":"input_required","inputRequests":${text}}}`,
    );
    await settle();
    assert.deepEqual(bench.wire.take(), []);
    assert.equal(reply.outcome, "upstream_invalid");
  }
});
