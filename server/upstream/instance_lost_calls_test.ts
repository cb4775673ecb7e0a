import assert from "node:assert/strict";
import { Fault } from "../../protocol/errors.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import { InstanceBench } from "../../tests/fixtures/instances.ts";
Deno.test("a call that a remote server never had goes to the next connection, once", async () => {
  const bench = await new InstanceBench().start();
  const call = bench.call("a");
  const other = bench.call("b");
  const [first, second] = bench.wires.last.take();
  bench.wires.last.end("forgot the session", "", [first.id]);
  assert.equal(other.outcome, "upstream_exited");
  assert.equal(call.outcome, undefined);
  await settle();
  bench.wires.last.initialize();
  const [again] = bench.wires.last.take();
  assert.notEqual(again.id, first.id);
  assert.notEqual(again.id, second.id);
  bench.wires.last.answer(again.id);
  assert.equal(call.outcome, "answered");
});

Deno.test("a call that a remote server dropped fails alone", async () => {
  const bench = await new InstanceBench().start();
  const call = bench.call("a");
  const other = bench.call("b");
  const [first, second] = bench.wires.last.take();
  bench.wires.last.lose(first.id, new Fault("upstream_unavailable", "dropped"));
  assert.equal(call.outcome, "upstream_unavailable");
  bench.wires.last.answer(second.id);
  assert.equal(other.outcome, "answered");
});
