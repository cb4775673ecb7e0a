import assert from "node:assert/strict";
import { Fault } from "../../protocol/errors.ts";
import { parseJson } from "../../protocol/json.ts";
import type { Json } from "../../tests/fixtures/fake_wire.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import { InstanceBench } from "../../tests/fixtures/instances.ts";
import { BOUNDARY_MS } from "./boundary.ts";

function progress(progressToken: Json, more: Json = { progress: 1, message: "half" }): Json {
  return {
    jsonrpc: "2.0",
    method: "notifications/progress",
    params: { progressToken, ...more },
  };
}

const TOKENS = ["1", '"1"', '"a\\"b😀"', "0", "-1", "12345678901234567890", "null", '{"a":[1]}'];

for (const token of TOKENS) {
  Deno.test(`progress comes back with the client's own token: ${token}`, async () => {
    const bench = await new InstanceBench().start();
    const call = bench.call("a", {
      params: { keep: 1, _meta: { other: true, progressToken: parseJson(token) } },
    });
    const [{ id, params }] = bench.wires.last.take();
    assert.deepEqual(params, { keep: 1, _meta: { other: true, progressToken: id } });
    bench.wires.last.line(progress(id));
    bench.wires.last.line(progress(id, {}));
    assert.deepEqual(call.progressed, [
      progress(JSON.parse(token)),
      progress(JSON.parse(token), {}),
    ]);
    if (token.length === 20) assert.match(call.progressTexts[0], new RegExp(`:${token},`));
  });
}

Deno.test("the same token of two clients: each gets only its own progress", async () => {
  const bench = await new InstanceBench().start();
  const calls = ["a", "b"].map((owner) =>
    bench.call(owner, { params: { _meta: { progressToken: 1 } } })
  );
  const [, second] = bench.wires.last.take();
  bench.wires.last.line(progress(second.id, { progress: 7 }));
  assert.deepEqual(calls[0].progressed, []);
  assert.deepEqual(calls[1].progressed, [progress(1, { progress: 7 })]);
});

Deno.test("progress that belongs to no call anybody waits for reaches nobody", async () => {
  const bench = await new InstanceBench().start();
  const withToken = bench.call("a", { params: { _meta: { progressToken: 1 } } });
  const without = bench.call("b");
  const left = bench.call("c", { params: { _meta: { progressToken: 3 } } });
  const [first, second, third] = bench.wires.last.take().map(({ id }) => id);
  bench.instance.abandon(left, "left");
  for (const token of [second, third, 999, String(first), `"${first}"`, -1, null, {}, [first]]) {
    bench.wires.last.line(progress(token));
  }
  bench.wires.last.line({ jsonrpc: "2.0", method: "notifications/progress" });
  bench.wires.last.answer(first);
  bench.wires.last.line(progress(first));
  assert.deepEqual(
    [withToken, without, left].map(({ progressed }) => progressed),
    [[], [], []],
  );
  assert.deepEqual([bench.notifications, bench.log.errors], [[], []]);
});

Deno.test("answers that are late, doubled or never asked for are dropped, and nobody else is touched", async () => {
  const bench = await new InstanceBench().start();
  const call = bench.call("a");
  const other = bench.call("b");
  const [first] = bench.wires.last.take().map(({ id }) => id);
  bench.wires.last.answer(first);
  bench.wires.last.answer(first, "again");
  for (const id of [999_999, 0, -1, 1.5]) bench.wires.last.answer(id);
  for (const id of ['"' + first + '"', "null", "true", "[2]", "12345678901234567890"]) {
    bench.wires.last.line(`{"jsonrpc":"2.0","id":${id},"result":{}}`);
  }
  assert.deepEqual([call.settled, other.settled], [1, 0]);
  assert.deepEqual(bench.log.errors, []);
  assert.ok(bench.log.lines.some(({ message }) => /never asked/.test(message)));
});

Deno.test("a server that is busy for long answers a ping late, and nothing is wrong with that", async () => {
  const bench = await new InstanceBench().start({ capabilities: { tools: {}, logging: {} } });
  bench.call("a");
  bench.wires.last.answer(bench.wires.last.take()[0].id);
  const call = bench.call("b");
  const [ping] = bench.wires.last.take();
  assert.equal(ping.method, "ping");
  bench.clock.advance(BOUNDARY_MS);
  bench.wires.last.answer(ping.id);
  bench.wires.last.answer(bench.wires.last.take()[0].id);
  assert.deepEqual([call.outcome, call.settled], ["answered", 1]);
  assert.deepEqual(bench.log.lines.filter(({ message }) => /never asked/.test(message)), []);
});

const UNREADABLE: [name: string, line: (id: number) => string, why: RegExp][] = [
  ["half a line", (id) => `{"jsonrpc":"2.0","id":${id},"result":{"a":"`, /is not JSON$/],
  ["something behind it", (id) => `{"jsonrpc":"2.0","id":${id},"result":{}} ok`, /is not JSON$/],
  ["no version", (id) => `{"id": ${id}, "result": {}}`, /is not JSON-RPC$/],
  [
    "both result and error",
    (id) => `{"id":${id},"result":1,"error":null,"jsonrpc":"2.0"}`,
    /JSON-RPC$/,
  ],
  [
    "nested too deeply to be written again",
    (id) => `{"id":${id},"jsonrpc":"2.0","result":{"0":${"[".repeat(2e5)}${"]".repeat(2e5)}}}`,
    /too deeply$/,
  ],
];

for (const [name, line, why] of UNREADABLE) {
  Deno.test(`an answer that cannot be read fails its call at once, and only that: ${name}`, async () => {
    const bench = await new InstanceBench().start();
    const [call, other] = [bench.call("a"), bench.call("b")];
    const [{ id }] = bench.wires.last.take();
    bench.wires.last.line(line(id));
    assert.deepEqual(bench.log.errors, []);
    assert.equal(other.settled, 0);
    assert.deepEqual([call.outcome, call.settled], ["upstream_invalid", 1]);
    assert.match(call.faults[0].message, why);
  });
}

Deno.test("two clients' answers on one line: both are told, neither sees the other's", async () => {
  const bench = await new InstanceBench().start();
  const calls = [bench.call("a"), bench.call("b")];
  const [first, second] = bench.wires.last.take().map(({ id }) => id);
  const text = (id: number, secret: string) => `{"jsonrpc":"2.0","id":${id},"result":"${secret}"}`;
  bench.wires.last.line(text(first, "for a") + text(second, "for b"));
  assert.deepEqual(calls.map(({ outcome }) => outcome), ["upstream_invalid", "upstream_invalid"]);
  assert.deepEqual(calls.flatMap(({ texts }) => texts), []);
});

Deno.test("an answer beyond the limit fails its call, found at either end of the line", async () => {
  const bench = await new InstanceBench().start();
  const calls = [bench.call("a"), bench.call("b"), bench.call("c")];
  const [first, second] = bench.wires.last.take().map(({ id }) => id);
  bench.wires.last.oversize({ head: `{"jsonrpc":"2.0","id":${first},"result":{"x`, tail: "…" });
  bench.wires.last.oversize({ head: '{"result":{"x', tail: `},"jsonrpc":"2.0","id":${second}}` });
  bench.wires.last.oversize({ head: "noise", tail: "noise" });
  assert.deepEqual(calls.map(({ outcome }) => outcome), [
    "upstream_invalid",
    "upstream_invalid",
    undefined,
  ]);
});

Deno.test("noise on stdout is dropped, and the answers between are not", async () => {
  const bench = await new InstanceBench().start();
  const call = bench.call("a");
  const [{ id }] = bench.wires.last.take();
  for (const noise of ["Server started", "[info] {}", "null", "5", "[]", '"x"', "{", "\u0000"]) {
    bench.wires.last.line(noise);
  }
  bench.wires.last.answer(id);
  assert.equal(call.outcome, "answered");
  assert.deepEqual(bench.log.errors, []);
});

Deno.test("a server's questions: ping is answered here, the others by whoever listens, with the server's own id", async () => {
  const bench = await new InstanceBench().start();
  const wire = bench.wires.last;
  wire.line({ jsonrpc: "2.0", id: "p", method: "ping" });
  wire.line('{"jsonrpc":"2.0","id":12345678901234567890,"method":"roots/list"}');
  wire.line('{"jsonrpc":"2.0","id":"x","method":"constructor","params":{"a":1}}');
  const [roots, other] = bench.requests;
  assert.deepEqual([other.method, other.params], ["constructor", { a: 1 }]);
  roots.respond({ result: { roots: [] } });
  other.respond(new Fault("method_not_found", "no"));
  const [pong, answer, refusal] = wire.takeTexts();
  assert.equal(pong, '{"jsonrpc":"2.0","id":"p","result":{}}');
  assert.equal(answer, '{"jsonrpc":"2.0","id":12345678901234567890,"result":{"roots":[]}}');
  assert.match(refusal, /^\{"jsonrpc":"2\.0","id":"x","error":\{"code":-32601,/);
});

Deno.test("an answer to a question of a process that is gone is told to no other", async () => {
  const bench = await new InstanceBench().start();
  bench.wires.last.line({ jsonrpc: "2.0", id: 7, method: "roots/list" });
  bench.wires.last.end();
  bench.call("a");
  await settle();
  bench.wires.last.initialize();
  bench.wires.last.take();
  bench.requests[0].respond({ result: {} });
  assert.deepEqual(bench.wires.last.takeTexts(), []);
});

Deno.test("a question whose id is that of a client's call is not its answer", async () => {
  const bench = await new InstanceBench().start();
  const call = bench.call("a");
  const [{ id }] = bench.wires.last.take();
  bench.wires.last.line({ jsonrpc: "2.0", id, method: "roots/list" });
  bench.wires.last.line({ jsonrpc: "2.0", id, method: "roots/list", params: [] });
  assert.equal(call.settled, 0);
  bench.wires.last.answer(id);
  assert.equal(call.outcome, "answered");
});

Deno.test("other notifications go to the listener with the text they came in", async () => {
  const bench = await new InstanceBench().start();
  const text = '{"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": 1e400}}';
  bench.wires.last.line(text);
  assert.deepEqual(bench.notifications.map(({ text }) => text), [text]);
  assert.equal(bench.notifications[0].message.method, "notifications/message");
});

Deno.test("a process that was given up is not listened to while it is being ended", async () => {
  const bench = await new InstanceBench().start();
  const stop = bench.instance.stop(new Fault("draining", "stopping"));
  bench.wires.last.line({ jsonrpc: "2.0", method: "notifications/tools/list_changed" });
  await stop;
  assert.deepEqual(bench.notifications, []);
});

Deno.test("a fault in handling one line does not end the reading of the next", async () => {
  const bench = new InstanceBench({
    listener: {
      onReady() {},
      onNotification() {
        throw new Error("a bug");
      },
      onRequest() {},
      onGone() {},
      mayRepeat: () => false,
      isNeeded: () => false,
    },
  });
  await bench.start();
  const call = bench.call("a");
  const [{ id }] = bench.wires.last.take();
  bench.wires.last.line({ jsonrpc: "2.0", method: "notifications/message" });
  bench.wires.last.answer(id);
  assert.equal(call.outcome, "answered");
  assert.equal(bench.log.errors.length, 1);
});

Deno.test("notifications of clients reach a server that runs, and start none", async () => {
  const bench = new InstanceBench();
  bench.instance.notify("notifications/x", { a: 1 });
  assert.equal(bench.wires.opened.length, 0);
  await bench.start();
  bench.instance.notify("notifications/x", { a: 1 });
  assert.deepEqual(bench.wires.last.take(), [
    { jsonrpc: "2.0", method: "notifications/x", params: { a: 1 } },
  ]);
});
