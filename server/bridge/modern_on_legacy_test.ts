import assert from "node:assert/strict";
import type { JsonObject } from "../../protocol/json.ts";
import { Endpoints, stdioEntry } from "../../tests/fixtures/endpoints.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import type { FakeWire, Json } from "../../tests/fixtures/fake_wire.ts";
import {
  EVERYTHING,
  ModernClient,
  type ModernClientOptions,
  type ModernReply,
} from "../../tests/fixtures/modern_client.ts";
import type { Sharing } from "../config/types.ts";
import { serverKey } from "../upstream/instance_key.ts";

/** A legacy server that is played by the test. */
class Bench {
  readonly all = new Endpoints();
  readonly endpoint;
  #lastId = 0;

  constructor(mode: Sharing["mode"] = "auto") {
    this.endpoint = this.all.endpoint(stdioEntry("fake", { sharing: { mode, from: "config" } }));
  }

  client(options: ModernClientOptions = {}): ModernClient {
    return new ModernClient(this.all, this.endpoint, options);
  }

  /** The connection opened last; it is initialized first if need be. */
  async wire(): Promise<FakeWire> {
    await settle();
    const wire = this.all.wire();
    const texts = wire.takeTexts();
    if (texts.some((text) => text.includes('"initialize"'))) {
      const { id } = JSON.parse(texts.find((text) => text.includes('"initialize"'))!);
      wire.answer(id, {
        protocolVersion: "2025-11-25",
        capabilities: { tools: {}, prompts: {}, resources: {} },
        serverInfo: { name: "fake", version: "1" },
      });
      wire.takeTexts().filter((text) => !text.includes("notifications/initialized"))
        .forEach((text) => this.#sent.push(JSON.parse(text)));
      await settle();
    } else texts.forEach((text) => this.#sent.push(JSON.parse(text)));
    wire.take().forEach((message) => this.#sent.push(message));
    return wire;
  }

  readonly #sent: Json[] = [];

  /** What the server was sent since the last time. */
  async sent(): Promise<Json[]> {
    await this.wire();
    return this.#sent.splice(0);
  }

  /** The server asks something. @returns its id. */
  async ask(
    method = "elicitation/create",
    params: JsonObject = { message: "Name?", requestedSchema: { type: "object" } },
  ): Promise<string> {
    const id = `s${++this.#lastId}`;
    (await this.wire()).line({ jsonrpc: "2.0", id, method, params });
    await settle();
    return id;
  }

  /** Long enough for questions to be collected. */
  async collect(): Promise<void> {
    this.all.clock.advance(15);
    await settle();
  }

  /** What the server was answered to its question `id`. */
  async told(id: string): Promise<Json> {
    return (await this.sent()).find((message) => message.id === id && !("method" in message));
  }
}

const TOOL = { name: "x", arguments: { a: 1, b: 2 } };

/** A call that was asked one question. */
async function parkedCall(bench: Bench, client = bench.client(), params: JsonObject = TOOL) {
  const reply = client.call("tools/call", params);
  const [{ id: callId }] = await bench.sent();
  const questionId = await bench.ask();
  await bench.collect();
  return { client, reply, callId, questionId, ...reply.result as JsonObject } as {
    client: ModernClient;
    reply: ModernReply;
    callId: number;
    questionId: string;
    requestState: string;
    inputRequests: Record<string, Json>;
  };
}

const ACCEPT = { action: "accept", content: { name: "Ada" } };

Deno.test("a server's question ends the client's call, and the next one brings the answer", async () => {
  const bench = new Bench();
  const { client, reply, callId, questionId, requestState, inputRequests } = await parkedCall(
    bench,
  );
  assert.deepEqual(Object.keys(reply.result).sort(), [
    "inputRequests",
    "requestState",
    "resultType",
  ]);
  assert.equal(reply.result.resultType, "input_required");
  const [[key, question]] = Object.entries(inputRequests);
  assert.deepEqual(question, {
    method: "elicitation/create",
    params: { message: "Name?", requestedSchema: { type: "object" } },
  });
  const again = client.call("tools/call", {
    ...TOOL,
    requestState,
    inputResponses: { [key]: ACCEPT, other: { action: "accept" } },
  });
  assert.deepEqual((await bench.told(questionId)).result, ACCEPT);
  (await bench.wire()).answer(callId, { content: [] });
  assert.deepEqual(again.result, {
    resultType: "complete",
    content: [],
    _meta: { "io.modelcontextprotocol/serverInfo": { name: "fake", version: "1" } },
  });
  assert.deepEqual(await bench.sent(), [], "the server was called once");
});

Deno.test("what a server asks together is asked together, and what it asks later, later", async () => {
  const bench = new Bench();
  const client = bench.client();
  const first = client.call("tools/call", TOOL);
  const [{ id: callId }] = await bench.sent();
  const ids = [
    await bench.ask(),
    await bench.ask("sampling/createMessage", { messages: [], maxTokens: 1 }),
  ];
  await bench.collect();
  const { inputRequests, requestState } = first.result;
  const keys = Object.keys(inputRequests);
  assert.deepEqual(keys.map((key) => inputRequests[key].method), [
    "elicitation/create",
    "sampling/createMessage",
  ]);
  const answers = { [keys[0]]: ACCEPT, [keys[1]]: { role: "assistant" } };
  const second = client.call("tools/call", { ...TOOL, requestState, inputResponses: answers });
  const told = await bench.sent();
  assert.deepEqual(ids.map((id) => told.find((message) => message.id === id).result), [
    ACCEPT,
    { role: "assistant" },
  ]);
  await bench.ask();
  await bench.collect();
  const [key] = Object.keys(second.result.inputRequests);
  assert.ok(!keys.includes(key), "keys are not used twice");
  assert.notEqual(second.result.requestState, requestState);
  const old = client.call("tools/call", { ...TOOL, requestState, inputResponses: answers });
  assert.equal(old.outcome, "invalid_params");
  const third = client.call("tools/call", {
    ...TOOL,
    requestState: second.result.requestState,
    inputResponses: { [key]: ACCEPT },
  });
  (await bench.wire()).answer(callId, { content: [] });
  assert.equal(third.result.resultType, "complete");
});

Deno.test("a parked call is found by nobody else, for nothing else, and once", async () => {
  const bench = new Bench();
  const { client, callId, requestState, inputRequests } = await parkedCall(
    bench,
    bench.client({ principal: "ada" }),
  );
  const [key] = Object.keys(inputRequests);
  const inputResponses = { [key]: ACCEPT };
  const wrong: [string, ModernClient, string, JsonObject][] = [
    ["another principal", bench.client({ principal: "eve" }), "tools/call", TOOL],
    ["another argument", client, "tools/call", { name: "x", arguments: { a: 1, b: 3 } }],
    ["another tool", client, "tools/call", { ...TOOL, name: "y" }],
    ["another method", client, "prompts/get", TOOL],
  ];
  for (const [what, who, method, params] of wrong) {
    const reply = who.call(method, { ...params, requestState, inputResponses });
    assert.equal(reply.outcome, "invalid_params", what);
  }
  for (const state of [`${requestState}x`, requestState.slice(1), "", 7, null, {}]) {
    const reply = client.call("tools/call", { ...TOOL, requestState: state, inputResponses });
    await settle();
    assert.equal(reply.outcome, "invalid_params", JSON.stringify(state));
  }
  const malformed = client.call("tools/call", { ...TOOL, requestState, inputResponses: [] });
  assert.equal(malformed.outcome, "invalid_params");
  assert.deepEqual(await bench.sent(), [], "the server heard of none of them");

  // The same, however it is written.
  const params = { arguments: { b: 2, a: 1 }, name: "x" };
  const right = client.call("tools/call", { ...params, requestState, inputResponses });
  const replayed = client.call("tools/call", { ...params, requestState, inputResponses });
  assert.equal(replayed.outcome, "invalid_params");
  (await bench.wire()).answer(callId, { content: [] });
  assert.equal(right.outcome, "answered");
  const late = client.call("tools/call", { ...params, requestState, inputResponses });
  await settle();
  assert.equal(late.outcome, "invalid_params");
});

Deno.test("what was not answered, or with no result, is asked again under its key", async () => {
  const bench = new Bench();
  const parked = await parkedCall(bench);
  const { client, questionId, inputRequests } = parked;
  const [key] = Object.keys(inputRequests);
  let { requestState } = parked;
  for (const inputResponses of [undefined, {}, { other: ACCEPT }, { [key]: 7 }, { [key]: null }]) {
    const reply = client.call("tools/call", {
      ...TOOL,
      requestState,
      ...(inputResponses === undefined ? {} : { inputResponses }),
    });
    await bench.collect();
    assert.deepEqual(reply.result.inputRequests, inputRequests);
    assert.notEqual(reply.result.requestState, requestState);
    requestState = reply.result.requestState;
  }
  assert.deepEqual(await bench.sent(), []);
  client.call("tools/call", { ...TOOL, requestState, inputResponses: { [key]: ACCEPT } });
  assert.deepEqual((await bench.told(questionId)).result, ACCEPT);
});

Deno.test("answers without a state belong to nothing: the call begins anew", async () => {
  const bench = new Bench();
  const reply = bench.client().call("tools/call", { ...TOOL, inputResponses: { q1: ACCEPT } });
  const [call] = await bench.sent();
  assert.deepEqual(call.params, TOOL);
  await bench.ask();
  await bench.collect();
  assert.equal(reply.result.resultType, "input_required");
});

Deno.test("a call that nobody comes back for is given up, and the server is told", async () => {
  const bench = new Bench();
  const { client, callId, questionId, requestState } = await parkedCall(bench);
  bench.all.clock.advance(599_000);
  assert.deepEqual(await bench.sent(), []);
  bench.all.clock.advance(1_000);
  await settle();
  const sent = await bench.sent();
  assert.equal(sent.find(({ id }) => id === questionId).error.data.reason, "cancelled");
  assert.deepEqual(
    sent.find(({ method }) => method === "notifications/cancelled").params,
    { requestId: callId, reason: "nobody came back" },
  );
  const late = client.call("tools/call", { ...TOOL, requestState, inputResponses: {} });
  await settle();
  assert.equal(late.outcome, "invalid_params");
});

Deno.test("it is given up sooner where others wait for their turn behind it", async () => {
  const bench = new Bench("serial");
  const { requestState, client } = await parkedCall(bench);
  const other = bench.client().call("tools/call", { name: "y" });
  bench.all.clock.advance(59_000);
  assert.deepEqual(await bench.sent(), []);
  bench.all.clock.advance(1_000);
  await settle();
  const sent = await bench.sent();
  assert.ok(sent.some(({ method }) => method === "notifications/cancelled"));
  (await bench.wire()).answer(sent.find(({ params }) => params?.name === "y").id, {});
  assert.equal(other.outcome, "answered");
  const late = client.call("tools/call", { ...TOOL, requestState });
  await settle();
  assert.equal(late.outcome, "invalid_params");
});

Deno.test("a client that leaves its call cancels it; one that leaves between two calls does not", async () => {
  const bench = new Bench();
  const { client, reply, callId, questionId, requestState, inputRequests } = await parkedCall(
    bench,
  );
  reply.leave();
  assert.deepEqual(await bench.sent(), []);
  const [key] = Object.keys(inputRequests);
  const again = client.call("tools/call", {
    ...TOOL,
    requestState,
    inputResponses: { [key]: ACCEPT },
  });
  assert.deepEqual((await bench.told(questionId)).result, ACCEPT);
  again.leave();
  assert.deepEqual((await bench.sent()).map(({ method, params }) => [method, params.requestId]), [
    ["notifications/cancelled", callId],
  ]);
});

Deno.test("a question that comes while the client leaves is asked of nobody", async () => {
  const bench = new Bench();
  const reply = bench.client().call("tools/call", TOOL);
  await bench.sent();
  const id = await bench.ask();
  reply.leave();
  assert.equal((await bench.told(id)).error.data.reason, "cancelled");
  await bench.collect();
  assert.equal(reply.outcome, "cancelled");
  assert.equal(bench.all.clock.pending > 0, true);
});

Deno.test("an answer that the server gives without waiting is there for whoever comes back", async () => {
  const bench = new Bench();
  const { client, callId, requestState } = await parkedCall(bench);
  (await bench.wire()).answer(callId, { content: [{ type: "text", text: "done" }] });
  const again = client.call("tools/call", { ...TOOL, requestState, inputResponses: {} });
  assert.deepEqual(again.result.content, [{ type: "text", text: "done" }]);
  const replayed = client.call("tools/call", { ...TOOL, requestState });
  await settle();
  assert.equal(replayed.outcome, "invalid_params");
});

Deno.test("whoever comes back for a call whose server has died is told so", async () => {
  const bench = new Bench();
  const { client, requestState } = await parkedCall(bench);
  (await bench.wire()).end();
  await settle();
  const again = client.call("tools/call", { ...TOOL, requestState, inputResponses: {} });
  await settle();
  assert.equal(again.outcome, "upstream_exited");
});

Deno.test("a parked call is in nobody's way: others have another process meanwhile", async () => {
  const bench = new Bench();
  const { client, callId, questionId, requestState, inputRequests } = await parkedCall(bench);
  const first = await bench.wire();
  const other = bench.client().call("tools/call", { name: "y" });
  const second = await bench.wire();
  assert.notEqual(first, second);
  const [call] = await bench.sent();
  assert.equal(call.params.name, "y");
  await bench.ask();
  await bench.collect();
  assert.equal(other.result.resultType, "input_required");

  const [key] = Object.keys(inputRequests);
  const again = client.call("tools/call", {
    ...TOOL,
    requestState,
    inputResponses: { [key]: ACCEPT },
  });
  await settle();
  const told = first.take();
  assert.deepEqual(told.map(({ id, result }) => [id, result]), [[questionId, ACCEPT]]);
  first.answer(callId, { content: [] });
  assert.equal(again.outcome, "answered");
  bench.client().call("tools/call", { name: "z" });
  await settle();
  assert.equal(first.take()[0].params.name, "z", "the first process serves again");
  assert.equal(bench.all.opened.length, 2);
});

Deno.test("what waits for its turn when a call is parked goes to another process", async () => {
  const bench = new Bench();
  bench.all.verdicts.add(serverKey(bench.endpoint.entry), { isolate: "it asked" });
  const client = bench.client();
  client.call("tools/call", TOOL);
  const other = bench.client().call("tools/call", { name: "y" });
  const first = await bench.wire();
  assert.deepEqual((await bench.sent()).map(({ params }) => params.name), ["x"]);
  await bench.ask();
  await bench.collect();
  assert.notEqual(await bench.wire(), first);
  const [{ id, params }] = await bench.sent();
  assert.equal(params.name, "y");
  (await bench.wire()).answer(id, { content: [] });
  assert.equal(other.outcome, "answered");
});

Deno.test("a client's capabilities choose its process, and a retry goes where its call is parked", async () => {
  const bench = new Bench();
  const { client, questionId, requestState, inputRequests } = await parkedCall(bench);
  assert.deepEqual(bench.all.opened[0].spec.capabilities, {
    elicitation: { form: {}, url: {} },
    sampling: {},
  });
  const [key] = Object.keys(inputRequests);
  const params = { ...TOOL, requestState, inputResponses: { [key]: ACCEPT } };
  client.call("tools/call", params, { capabilities: { sampling: {} } });
  assert.deepEqual((await bench.told(questionId)).result, ACCEPT);
  assert.equal(bench.all.opened.length, 1);
});

Deno.test("what a client cannot be asked is refused, and its call fails by the code for that", async () => {
  const bench = new Bench();
  const cases: [JsonObject, string, JsonObject, JsonObject][] = [
    [{}, "sampling/createMessage", { messages: [], maxTokens: 1 }, { sampling: {} }],
    [{ sampling: {} }, "sampling/createMessage", { tools: [] }, { sampling: { tools: {} } }],
    [{ elicitation: {} }, "elicitation/create", { mode: "url", url: "https://x" }, {
      elicitation: { url: {} },
    }],
  ];
  for (const [capabilities, method, params, requiredCapabilities] of cases) {
    const failing = bench.client({ capabilities }).call("tools/call", TOOL);
    const [{ id: callId }] = await bench.sent();
    const id = await bench.ask(method, params);
    assert.equal((await bench.told(id)).error.code, -32601);
    const wire = await bench.wire();
    wire.line({ jsonrpc: "2.0", id: callId, error: { code: -32603, message: "no sampling" } });
    assert.equal(failing.error.code, -32021);
    assert.deepEqual(failing.error.data.requiredCapabilities, requiredCapabilities);
    assert.match(failing.error.data.detail, /no sampling/);
  }
});

Deno.test("a server that can do without is taken at its word", async () => {
  const bench = new Bench();
  const client = bench.client({ capabilities: {} });
  for (const isError of [true, false]) {
    const reply = client.call("tools/call", TOOL);
    const [{ id: callId }] = await bench.sent();
    await bench.ask();
    (await bench.wire()).answer(callId, { content: [], isError });
    await bench.sent();
    assert.equal(reply.error?.code, isError ? -32021 : undefined);
  }
  // Nothing was asked here: the failure is the tool's own.
  const reply = client.call("tools/call", TOOL);
  const [{ id }] = await bench.sent();
  (await bench.wire()).answer(id, { content: [], isError: true });
  assert.equal(reply.result.isError, true);
});

Deno.test("a tool that fails for a client without roots says why in its own words", async () => {
  const bench = new Bench("session");
  const client = bench.client({ name: "ada", capabilities: {} });
  const content = [{ type: "text", text: "Browser is already in use" }];
  const reply = client.call("tools/call", TOOL);
  const [{ id: callId }] = await bench.sent();
  const id = await bench.ask("roots/list");
  assert.equal((await bench.told(id)).error.code, -32601);
  (await bench.wire()).answer(callId, { content, isError: true });
  await bench.sent();
  assert.equal(reply.error, undefined);
  assert.deepEqual(reply.result.content, content);
  assert.equal(reply.result.isError, true);
});

Deno.test("a client that comes back saying that it can do less is not asked again", async () => {
  const bench = new Bench();
  const { client, questionId, requestState } = await parkedCall(bench);
  const again = client.call("tools/call", { ...TOOL, requestState }, { capabilities: {} });
  await bench.collect();
  assert.equal((await bench.told(questionId)).error.code, -32601);
  assert.equal(again.outcome, undefined, "the server may go on without");
});

Deno.test("only calls that may be answered so are answered with questions", async () => {
  const bench = new Bench();
  for (const method of ["tools/list", "completion/complete", "something/else"]) {
    const reply = bench.client().call(method);
    const [{ id: callId }] = await bench.sent();
    const id = await bench.ask();
    await bench.collect();
    assert.equal((await bench.told(id)).error.data.reason, "unattributable", method);
    (await bench.wire()).answer(callId, {});
    assert.equal(reply.result.resultType, "complete");
  }
  for (const method of ["prompts/get", "resources/read"]) {
    const reply = bench.client().call(method);
    await bench.sent();
    await bench.ask();
    await bench.collect();
    assert.equal(reply.result.resultType, "input_required", method);
    assert.equal(reply.result.cacheScope, undefined, "what is not complete is not kept");
  }
});

Deno.test("URLs that a server demands are visited, and then its call is made again", async () => {
  const bench = new Bench();
  const required = {
    code: -32042,
    message: "Visit first",
    data: { elicitations: [{ elicitationId: "e1", message: "Sign in", url: "https://x" }] },
  };
  const client = bench.client();
  for (const action of ["accept", "decline"]) {
    const reply = client.call("tools/call", TOOL);
    const [{ id }] = await bench.sent();
    (await bench.wire()).line({ jsonrpc: "2.0", id, error: required });
    await bench.collect();
    const { requestState, inputRequests } = reply.result;
    const [[key, question]] = Object.entries<Json>(inputRequests);
    assert.deepEqual(question, {
      method: "elicitation/create",
      params: { mode: "url", message: "Sign in", url: "https://x" },
    });
    const again = client.call("tools/call", {
      ...TOOL,
      requestState,
      inputResponses: { [key]: { action } },
    });
    const sent = await bench.sent();
    if (action === "decline") {
      assert.equal(again.outcome, "cancelled");
      assert.deepEqual(sent, []);
      continue;
    }
    assert.deepEqual(sent.map(({ params }) => params), [TOOL]);
    (await bench.wire()).answer(sent[0].id, { content: [] });
    assert.equal(again.outcome, "answered");
  }
  const unable = bench.client({ capabilities: {} }).call("tools/call", TOOL);
  const [{ id }] = await bench.sent();
  (await bench.wire()).line({ jsonrpc: "2.0", id, error: required });
  assert.equal(unable.error.code, -32021);
  assert.deepEqual(unable.error.data.requiredCapabilities, { elicitation: { url: {} } });
});

Deno.test("progress goes to whoever waits now, under the name that is his", async () => {
  const bench = new Bench();
  const client = bench.client();
  const first = client.call("tools/call", TOOL, { meta: { progressToken: "first" } });
  const [{ id: callId, params }] = await bench.sent();
  const { progressToken } = params._meta;
  const wire = await bench.wire();
  const progress = (value: number) =>
    wire.line({
      jsonrpc: "2.0",
      method: "notifications/progress",
      params: { progressToken, progress: value },
    });
  progress(1);
  await bench.ask();
  await bench.collect();
  progress(2);
  let { requestState } = first.result;
  assert.deepEqual(first.notified.map((message) => message.params), [
    { progressToken: "first", progress: 1 },
  ]);
  const silent = client.call("tools/call", { ...TOOL, requestState });
  progress(3);
  await bench.collect();
  ({ requestState } = silent.result);
  assert.deepEqual(silent.notified, []);
  const third = client.call("tools/call", { ...TOOL, requestState }, {
    meta: { progressToken: 3 },
  });
  progress(4);
  assert.deepEqual(third.notified.map((message) => message.params), [
    { progressToken: 3, progress: 4 },
  ]);
  wire.answer(callId, {});
});

Deno.test("a client that has the process for itself may make several calls at once", async () => {
  const bench = new Bench("session");
  const client = bench.client({ name: "ada" });
  const replies = [
    client.call("tools/call", { name: "a" }),
    client.call("tools/call", { name: "b" }),
  ];
  const calls = await bench.sent();
  assert.deepEqual(bench.all.opened.map(({ spec }) => spec.capabilities), [EVERYTHING]);
  const id = await bench.ask();
  await bench.collect();
  const asked = replies.findIndex(({ outcome }) => outcome === "answered");
  const { requestState, inputRequests } = replies[asked].result;
  const [key] = Object.keys(inputRequests);
  const name = ["a", "b"][asked];
  const again = client.call("tools/call", {
    name,
    requestState,
    inputResponses: { [key]: ACCEPT },
  });
  assert.deepEqual((await bench.told(id)).result, ACCEPT);
  const wire = await bench.wire();
  for (const call of calls) wire.answer(call.id, { content: [call.params.name] });
  assert.deepEqual(again.result.content, [name]);
  assert.deepEqual(replies[1 - asked].result.content, [["b", "a"][asked]]);
});

Deno.test("what such a process asks with no call to bring it waits for the next one", async () => {
  const bench = new Bench("session");
  const client = bench.client({ name: "ada" });
  const list = client.call("tools/list");
  const [{ id: listId }] = await bench.sent();
  const id = await bench.ask("roots/list", {});
  (await bench.wire()).answer(listId, { tools: [] });
  assert.equal(list.outcome, "answered");
  assert.deepEqual(await bench.sent(), []);
  const reply = client.call("tools/call", TOOL);
  await bench.collect();
  const [[key, question]] = Object.entries<Json>(reply.result.inputRequests);
  assert.deepEqual(question, { method: "roots/list", params: {} });
  client.call("tools/call", {
    ...TOOL,
    requestState: reply.result.requestState,
    inputResponses: { [key]: { roots: [] } },
  });
  assert.deepEqual((await bench.told(id)).result, { roots: [] });
});
