import assert from "node:assert/strict";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import { InstanceBench } from "../../tests/fixtures/instances.ts";

const IDLE = 600_000;
const start = () => new InstanceBench({ idleTimeoutMs: IDLE }).start();

Deno.test("a server that nobody has used for long is ended, and the next call starts it again", async () => {
  const bench = await start();
  bench.clock.advance(IDLE - 1);
  assert.equal(bench.state(), "ready");
  bench.clock.advance(1);
  assert.equal(bench.state(), "idle");
  assert.ok(bench.wires.last.closed);
  assert.deepEqual(bench.gone, [{ crashed: false }]);
  await settle();
  const call = bench.call("a");
  await settle();
  assert.equal(bench.wires.opened.length, 2);
  bench.wires.last.initialize();
  bench.wires.last.answer(bench.wires.last.take()[0].id);
  assert.equal(call.outcome, "answered");
});

Deno.test("every call gives it the whole time again, and one in flight keeps it however long it takes", async () => {
  const bench = await start();
  bench.clock.advance(IDLE - 1);
  bench.call("a");
  bench.clock.advance(IDLE - 1000);
  assert.equal(bench.state(), "ready", "the call is in flight");
  bench.wires.last.answer(bench.wires.last.take()[0].id);
  bench.clock.advance(IDLE - 1000);
  assert.equal(bench.state(), "ready", "it was answered not long ago");
  bench.clock.advance(IDLE);
  assert.equal(bench.state(), "idle");
});

Deno.test("a server that somebody waits to hear of is not ended", async () => {
  const bench = await start();
  bench.needed = true;
  bench.clock.advance(5 * IDLE);
  assert.equal(bench.state(), "ready");
  bench.needed = false;
  bench.clock.advance(2 * IDLE);
  assert.equal(bench.state(), "idle");
});

Deno.test("the sleep of a machine is nobody's idleness", async () => {
  const bench = await start();
  bench.clock.sleep(10 * 60 * 60_000);
  assert.equal(bench.state(), "ready");
  bench.clock.advance(IDLE);
  assert.equal(bench.state(), "idle");
});

Deno.test("resting is no crash: it costs no wait and opens no breaker", async () => {
  const bench = await start();
  for (let i = 0; i < 20; i++) {
    bench.clock.advance(IDLE);
    await settle();
    const ready = bench.instance.ready();
    await settle();
    bench.wires.last.initialize();
    await ready;
  }
  assert.equal(bench.state(), "ready");
});

Deno.test("a call that only reads is made again after a crash, once; any other fails", async () => {
  const bench = await new InstanceBench().start();
  bench.repeatable.add("tools/list");
  const list = bench.call("a", { method: "tools/list" });
  const call = bench.call("a");
  bench.wires.last.end();
  assert.deepEqual([list.outcome, call.outcome], [undefined, "upstream_exited"]);
  await settle();
  bench.wires.last.initialize();
  bench.wires.last.end();
  assert.equal(list.outcome, "upstream_exited", "the second time it is not made again");
});

Deno.test("a call that its client has heard of is never made again", async () => {
  const bench = await new InstanceBench().start();
  bench.repeatable.add("resources/read");
  const params = { _meta: { progressToken: "t" } };
  const call = bench.call("a", { method: "resources/read", params });
  const [{ id }] = bench.wires.last.take();
  bench.wires.last.line({
    jsonrpc: "2.0",
    method: "notifications/progress",
    params: { progressToken: id, progress: 1 },
  });
  bench.wires.last.end();
  assert.equal(call.outcome, "upstream_exited");
});

Deno.test("taking turns: calls of one client at a time, in the order of the clients", async () => {
  const bench = await new InstanceBench().start();
  bench.instance.takeTurns();
  const calls = ["a", "a", "b", "c"].map((owner) => bench.call(owner));
  const [one, two, ...more] = bench.wires.last.take();
  assert.deepEqual(more, [], "both of a's, and nobody else's");
  bench.wires.last.answer(one.id);
  assert.deepEqual(bench.wires.last.take(), []);
  bench.wires.last.answer(two.id);
  const [three, ...others] = bench.wires.last.take();
  assert.deepEqual(others, []);
  bench.wires.last.answer(three.id);
  bench.wires.last.answer(bench.wires.last.take()[0].id);
  assert.deepEqual(calls.map(({ outcome }) => outcome), Array(4).fill("answered"));
});

Deno.test("a busy machine, on which the last short wait fires a little late, keeps nothing running", async () => {
  const bench = await new InstanceBench({ idleTimeoutMs: 5_000 }).start();
  // Used shortly after it was ready: the first look comes too early by as much.
  bench.clock.advance(10);
  const call = bench.call("a");
  bench.wires.last.answer(bench.wires.last.take()[0].id);
  assert.equal(call.outcome, "answered");
  bench.clock.advance(4_990);
  assert.equal(bench.state(), "ready");
  bench.clock.sleep(200);
  assert.equal(bench.state(), "idle");
});
