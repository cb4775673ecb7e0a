import assert from "node:assert/strict";
import { InstanceBench } from "../../tests/fixtures/instances.ts";

/** A server that runs, with bounds that a reload of the configuration may change. */
async function benchOf(bounds: { maxCalls: number; maxCallsPerOwner: number }) {
  const bench = new InstanceBench({
    get maxCalls() {
      return bounds.maxCalls;
    },
    get maxCallsPerOwner() {
      return bounds.maxCallsPerOwner;
    },
  });
  return { bench: await bench.start(), bounds };
}

Deno.test("a server that runs may have as many calls as the configuration says now", async () => {
  const { bench, bounds } = await benchOf({ maxCalls: 1, maxCallsPerOwner: 64 });
  const calls = [bench.call("a"), bench.call("b"), bench.call("c")];
  assert.deepEqual([bench.instance.callsInFlight, bench.instance.callsQueued], [1, 2]);
  bounds.maxCalls = 3;
  calls.push(bench.call("d"));
  assert.deepEqual([bench.instance.callsInFlight, bench.instance.callsQueued], [3, 1]);
  bounds.maxCalls = 1;
  const [first, second, third] = bench.wires.last.take();
  bench.wires.last.answer(first.id);
  bench.wires.last.answer(second.id);
  assert.deepEqual([bench.instance.callsInFlight, bench.instance.callsQueued], [1, 1]);
  bench.wires.last.answer(third.id);
  bench.wires.last.answer(bench.wires.last.take()[0].id);
  assert.deepEqual(calls.map(({ settled }) => settled), [1, 1, 1, 1]);
});

Deno.test("a client may have as many calls at a server that runs as the configuration says now", async () => {
  const { bench, bounds } = await benchOf({ maxCalls: 64, maxCallsPerOwner: 1 });
  bench.call("a");
  bench.call("a");
  assert.deepEqual([bench.instance.callsInFlight, bench.instance.callsQueued], [1, 1]);
  bounds.maxCallsPerOwner = 3;
  bench.call("a");
  assert.deepEqual([bench.instance.callsInFlight, bench.instance.callsQueued], [3, 0]);
});
