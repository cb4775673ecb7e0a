import assert from "node:assert/strict";
import { Fault } from "../../protocol/errors.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import { InstanceBench } from "../../tests/fixtures/instances.ts";

Deno.test("whoever comes first starts the server; everybody else waits for the same start", async () => {
  const bench = new InstanceBench();
  const { instance, wires } = bench;
  assert.equal(bench.state(), "idle");
  const ready = [instance.ready(), instance.ready()];
  const calls = ["a", "b", "a"].map((owner) => bench.call(owner));
  await settle();
  assert.equal(wires.opened.length, 1);
  assert.equal(bench.state(), "starting");
  wires.last.initialize({ instructions: "be kind" });
  const [first, second] = await Promise.all(ready);
  assert.equal(first.instructions, "be kind");
  assert.equal(first, second);
  assert.equal(bench.state(), "ready");
  assert.equal(bench.readies, 1);
  const sent = wires.last.take();
  assert.deepEqual(sent.map(({ method }) => method), ["tools/call", "tools/call", "tools/call"]);
  for (const { id } of sent) wires.last.answer(id);
  assert.deepEqual(calls.map(({ settled }) => settled), [1, 1, 1]);
  assert.equal((await instance.ready()).instructions, "be kind");
});

Deno.test("initialize declares no capability: what only some clients can do is not promised", async () => {
  const { instance, wires } = new InstanceBench();
  const ready = instance.ready();
  await settle();
  const [initialize, ...others] = wires.last.takeTexts().map((text) => JSON.parse(text));
  assert.deepEqual(others, []);
  assert.deepEqual(initialize.params, {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "aichaku", version: "1.2.3" },
  });
  wires.last.answer(initialize.id, { protocolVersion: "2024-11-05" });
  const result = await ready;
  assert.deepEqual([result.capabilities, result.serverInfo], [{}, { name: "fake", version: "" }]);
});

const REFUSALS: [name: string, answer: object, detail: RegExp][] = [
  ["an error", { error: { code: -32602, message: "not you" } }, /not you/],
  ["an unknown revision", { result: { protocolVersion: "1999-01-01" } }, /1999/],
  ["no revision", { result: {} }, /^undefined$|^$/],
  ["a result that is no object", { result: "hello" }, /hello/],
];

for (const [name, answer, detail] of REFUSALS) {
  Deno.test(`a server that answers initialize with ${name} is ended, and all who wait are told`, async () => {
    const bench = new InstanceBench();
    const ready = bench.instance.ready();
    const call = bench.call("a");
    await settle();
    const [{ id }] = bench.wires.last.take();
    bench.wires.last.line({ jsonrpc: "2.0", id, ...answer });
    const fault = await ready.catch((error) => error);
    assert.ok(fault instanceof Fault);
    assert.equal(fault.reason, "upstream_unavailable");
    assert.match(String(fault.details.detail ?? ""), detail);
    assert.deepEqual(call.faults, [fault]);
    assert.ok(bench.wires.last.closed, "the process must be ended");
    assert.equal(bench.state(), "idle");
    assert.equal(bench.clock.pending, 1, "only the look at deadlines is left");
  });
}

Deno.test("whoever waits is told when what the server is started with cannot be known", async () => {
  let failures = 1;
  const prepare = () => failures-- > 0 ? Promise.reject(new Error("no shell")) : Promise.resolve();
  const bench = new InstanceBench({ prepare });
  const ready = bench.instance.ready();
  const call = bench.call("a");
  await assert.rejects(ready, /no shell/);
  assert.equal(call.settled, 1);
  assert.equal(bench.wires.opened.length, 0);
  const next = bench.call("a");
  await settle();
  bench.wires.last.initialize();
  bench.wires.last.answer(bench.wires.last.take().at(-1)!.id);
  assert.equal(next.settled, 1);
});

Deno.test("a command that cannot be run fails who waits, with its fault", async () => {
  const bench = new InstanceBench();
  bench.wires.failure = new Fault("upstream_unavailable", "no such command", { detail: "ENOENT" });
  const ready = bench.instance.ready();
  const call = bench.call("a");
  await assert.rejects(ready, /no such command/);
  assert.deepEqual([call.outcome, call.settled], ["upstream_unavailable", 1]);
  bench.wires.failure = undefined;
  const next = bench.call("a");
  await settle();
  bench.wires.last.initialize();
  bench.wires.last.answer(bench.wires.last.take()[0].id);
  assert.equal(next.outcome, "answered");
});

Deno.test("a server that ends before it is ready: its last words reach everybody who waits", async () => {
  const bench = new InstanceBench();
  const ready = bench.instance.ready();
  const calls = [bench.call("a"), bench.call("b")];
  await settle();
  bench.wires.last.end("exited with code 3", "Error: no API key");
  const fault = await ready.catch((error) => error);
  assert.equal(fault.reason, "upstream_unavailable");
  assert.match(fault.message, /exited with code 3/);
  assert.match(fault.details.detail, /no API key/);
  assert.deepEqual(calls.map(({ faults }) => faults), [[fault], [fault]]);
});

Deno.test("a server that never answers initialize is ended when its time is over", async () => {
  const bench = new InstanceBench({ startTimeoutMs: 5000 });
  const ready = bench.instance.ready();
  const call = bench.call("a");
  await settle();
  bench.clock.advance(4999);
  assert.equal(call.settled, 0);
  bench.clock.advance(1);
  await assert.rejects(ready, { reason: "upstream_timeout" });
  assert.deepEqual([call.outcome, call.settled], ["upstream_timeout", 1]);
  assert.ok(bench.wires.last.closed);
  // Its answer comes too late, and starts nothing.
  bench.wires.last.answer(1, { protocolVersion: "2025-11-25" });
  assert.equal(bench.state(), "idle");
  assert.equal(bench.readies, 0);
});

Deno.test("a server that waits for somebody to log in: the error has what it wrote", async () => {
  const bench = new InstanceBench({ startTimeoutMs: 5000 });
  const ready = bench.instance.ready();
  await settle();
  bench.wires.last.lastWords = "Please log in: open https://login.example.com/device";
  bench.clock.advance(5000);
  const fault = await ready.catch((error) => error);
  assert.equal(fault.reason, "upstream_timeout");
  assert.equal(
    fault.details.detail,
    "did not answer initialize within 5 s\n" +
      "Please log in: open https://login.example.com/device",
  );
});

Deno.test("a server that refuses to initialize: the message says why, in its own words", async () => {
  for (const message of ["the endpoint is unreachable: fetch failed", undefined]) {
    const bench = new InstanceBench();
    const refused = bench.instance.ready().catch((error) => error);
    await settle();
    const wire = bench.wires.last;
    // Whatever it is asked at its start.
    for (let asked = wire.take(); asked.length > 0; asked = wire.take()) {
      wire.line({ jsonrpc: "2.0", id: asked[0].id, error: { code: -32000, message } });
    }
    const fault = await refused;
    assert.equal(
      fault.message.replace(/^.*?: /, ""),
      `it refused to initialize${message === undefined ? "" : `: ${message}`}`,
    );
    assert.match(fault.details.detail, /-32000/);
  }
});

Deno.test("a machine that slept through the start gives the server its time again", async () => {
  const bench = new InstanceBench({ startTimeoutMs: 5000 });
  const ready = bench.instance.ready();
  await settle();
  bench.clock.sleep(3_600_000);
  assert.equal(bench.state(), "starting");
  bench.wires.last.initialize();
  await ready;
});

Deno.test("the next process is not started before the last one has ended", async () => {
  const bench = new InstanceBench({ startTimeoutMs: 5000 });
  bench.instance.ready().catch(() => {});
  await settle();
  const first = bench.wires.last;
  first.polite = false;
  bench.clock.advance(5000);
  const call = bench.call("a");
  await settle();
  assert.equal(bench.wires.opened.length, 1);
  first.end();
  await settle();
  assert.equal(bench.wires.opened.length, 2);
  bench.wires.last.initialize();
  bench.wires.last.answer(bench.wires.last.take()[0].id);
  assert.equal(call.outcome, "answered");
});

Deno.test("a process that never ends holds up nobody for longer than the time of a start", async () => {
  const bench = new InstanceBench({ startTimeoutMs: 5000 });
  bench.instance.ready().catch(() => {});
  await settle();
  bench.wires.last.polite = false;
  bench.clock.advance(5000);
  for (let attempt = 0; attempt < 2; attempt++) {
    const ready = bench.instance.ready();
    bench.clock.advance(6000); // The second one also waits for its turn to start.
    await assert.rejects(ready, { reason: "upstream_timeout" });
  }
  // When it does end at last, the starts that were given up begin nothing.
  bench.wires.last.end();
  await settle();
  assert.equal(bench.wires.opened.length, 1);
});

Deno.test("a crash loop is held up longer and longer, then refused, then tried again", async () => {
  const bench = new InstanceBench({ startTimeoutMs: 5000 });
  const crash = async () => {
    const ready = bench.instance.ready();
    await settle();
    bench.wires.last.end("exited with code 1", "boom");
    await assert.rejects(ready, { reason: "upstream_unavailable" });
  };
  await crash();
  assert.equal(bench.state(), "idle", "the first end costs nothing");
  await crash();
  assert.equal(bench.state(), "backoff");

  const waiting = bench.call("a");
  await settle();
  assert.equal(bench.wires.opened.length, 2);
  bench.clock.advance(125);
  await settle();
  assert.equal(bench.wires.opened.length, 3);
  bench.wires.last.end("exited with code 1", "boom");
  assert.equal(waiting.outcome, "upstream_unavailable");

  assert.equal(bench.state(), "failed");
  const refused = bench.call("a");
  assert.equal(refused.outcome, "upstream_unavailable");
  assert.match(refused.faults[0].message, /again in 15 s/);
  assert.match(refused.faults[0].details.detail!, /boom/);
  await assert.rejects(bench.instance.ready(), { reason: "upstream_unavailable" });
  assert.equal(bench.wires.opened.length, 3);

  bench.clock.advance(15_000);
  const call = bench.call("a");
  await settle();
  bench.wires.last.initialize();
  bench.wires.last.answer(bench.wires.last.take()[0].id);
  assert.equal(call.outcome, "answered");
});

Deno.test("stop waits for the process, also for one that failed to start and is still ending", async () => {
  for (const stage of ["ready", "starting", "given up"]) {
    const bench = new InstanceBench({ startTimeoutMs: 5000 });
    bench.instance.ready().catch(() => {});
    await settle();
    const wire = bench.wires.last;
    wire.polite = false;
    if (stage === "ready") wire.initialize();
    if (stage === "given up") bench.clock.advance(5000);
    let stopped = false;
    const stop = bench.instance.stop(new Fault("draining", "stopping")).then(() => stopped = true);
    await settle();
    assert.ok(wire.closed, stage);
    assert.equal(stopped, false, stage);
    wire.end();
    await stop;
    assert.equal(bench.state(), "stopped");
    assert.equal(bench.clock.pending, 0, `${stage}: a timer was left behind`);
  }
});

Deno.test("stop fails what runs and what waits, once each, and takes nothing more", async () => {
  const bench = await new InstanceBench({ maxCalls: 1 }).start();
  const running = bench.call("a");
  const waiting = bench.call("b");
  const fault = new Fault("draining", "stopping", { retryable: false });
  const stop = bench.instance.stop(fault);
  const late = bench.call("c");
  await assert.rejects(bench.instance.ready(), { reason: "draining" });
  await stop;
  assert.deepEqual(running.faults, [fault]);
  assert.deepEqual([waiting.outcome, waiting.settled], ["draining", 1]);
  assert.equal(waiting.faults[0].toErrorObject().data.retryable, true, "it was never sent");
  assert.deepEqual([late.outcome, late.settled], ["draining", 1]);
  assert.equal(bench.wires.opened.length, 1);
  assert.equal(bench.clock.pending, 0, "a timer was left behind");
  assert.deepEqual(bench.log.errors, []);
});

Deno.test("stop before the process was opened opens none", async () => {
  const bench = new InstanceBench();
  const ready = bench.instance.ready();
  await Promise.all([
    assert.rejects(ready, { reason: "draining" }),
    bench.instance.stop(new Fault("draining", "stopping")),
  ]);
  await settle();
  assert.equal(bench.wires.opened.length, 0);
  assert.equal(bench.clock.pending, 0);
});
