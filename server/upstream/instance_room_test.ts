import assert from "node:assert/strict";
import fc from "fast-check";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import { InstanceBench } from "../../tests/fixtures/instances.ts";

const big = (length: number) => ({ params: { text: "x".repeat(length) } });
const marksBoundaries = { capabilities: { tools: {}, logging: {} } };

Deno.test("a server that does not read yet: calls wait, in their order, and all are answered", async () => {
  const bench = await new InstanceBench().start();
  const wire = bench.wires.last;
  wire.room = 0;
  const calls = ["a", "a", "b", "a"].map((owner, i) => bench.call(owner, { params: { i } }));
  assert.deepEqual([wire.take().length, bench.instance.callsQueued], [0, 4]);
  wire.makeRoom();
  const sent = wire.take();
  assert.deepEqual(sent.map(({ params }) => params.i), [0, 2, 1, 3]);
  for (const { id } of sent) wire.answer(id);
  assert.deepEqual(
    calls.map(({ outcome, settled }) => [outcome, settled]),
    Array(4).fill(["answered", 1]),
  );
});

Deno.test("a call that comes when there is room again does not overtake one that waits", async () => {
  const bench = await new InstanceBench().start();
  const wire = bench.wires.last;
  wire.room = 0;
  bench.call("a", { params: { i: 0 } });
  wire.room = 10;
  bench.call("a", { params: { i: 1 } });
  assert.deepEqual(wire.take().map(({ params }) => params.i), [0, 1]);
});

Deno.test("a server that never reads: its calls end by their deadline, none was given to it", async () => {
  const bench = await new InstanceBench({ callTimeoutMs: 60_000 }).start();
  bench.wires.last.room = -5;
  const calls = [bench.call("a"), bench.call("b")];
  bench.clock.advance(59_000);
  assert.deepEqual(calls.map(({ settled }) => settled), [0, 0]);
  for (let i = 0; i < 3; i++) bench.clock.advance(1000);
  for (const call of calls) {
    assert.deepEqual([call.outcome, call.settled], ["upstream_timeout", 1]);
    assert.equal(call.faults[0].details.retryable, true);
  }
  bench.wires.last.makeRoom();
  assert.deepEqual(bench.wires.last.take(), []);
});

Deno.test("what waits is bounded, for one client and in all; whoever is alone is taken", async () => {
  const bench = await new InstanceBench({ maxQueued: 10_000 }).start();
  bench.wires.last.room = 0;
  const alone = bench.call("a", big(20_000));
  assert.equal(alone.outcome, undefined);
  bench.instance.abandon(alone, "left");
  assert.equal(bench.call("a", big(4000)).outcome, undefined);
  assert.equal(bench.call("a", big(3000)).outcome, undefined);
  const beyond = bench.call("a", big(1000));
  assert.deepEqual([beyond.outcome, beyond.settled], ["overloaded", 1]);
  assert.match(
    beyond.faults[0].message,
    /too busy to take tools\/call: 7 KiB of this client's calls/,
  );
  assert.equal(bench.call("b", big(2000)).outcome, undefined, "another client has its share");
  const last = bench.call("b", big(2000));
  assert.equal(last.outcome, "overloaded");
  assert.match(last.faults[0].message, /: 9 KiB of calls wait/);
  bench.wires.last.makeRoom();
  assert.equal(bench.wires.last.take().length, 3);
  bench.wires.last.room = 0;
  assert.equal(bench.call("a", big(8000)).outcome, undefined, "there is room in the queue again");
});

Deno.test("who leaves while a call waits for room: the server never hears of it", async () => {
  const bench = await new InstanceBench().start();
  bench.wires.last.room = 0;
  const left = bench.call("a");
  const stays = bench.call("b");
  bench.instance.abandon(left, "left");
  bench.wires.last.makeRoom();
  const sent = bench.wires.last.take();
  assert.deepEqual(sent.map(({ method }) => method), ["tools/call"]);
  bench.wires.last.answer(sent[0].id);
  assert.deepEqual([stays.outcome, left.settled], ["answered", 0]);
});

Deno.test("a cancellation that finds no room at all is sent once there is some", async () => {
  const bench = await new InstanceBench().start();
  const wire = bench.wires.last;
  const call = bench.call("a");
  const [{ id }] = wire.take();
  wire.full = true;
  wire.room = 0;
  bench.instance.abandon(call, "x".repeat(10_000));
  const next = bench.call("a");
  assert.deepEqual(wire.take(), []);
  wire.makeRoom();
  const [cancelled, { id: nextId }] = wire.take();
  assert.deepEqual(cancelled, {
    jsonrpc: "2.0",
    method: "notifications/cancelled",
    params: { requestId: id },
  });
  wire.answer(nextId);
  assert.equal(next.outcome, "answered");
});

Deno.test("a cancellation that was never sent is not the next process's business", async () => {
  const bench = await new InstanceBench().start();
  const call = bench.call("a");
  bench.wires.last.full = true;
  bench.instance.abandon(call, "left");
  bench.wires.last.room = 0;
  const waits = bench.call("b");
  bench.wires.last.end();
  await settle();
  bench.wires.last.initialize();
  const sent = bench.wires.last.take();
  assert.deepEqual(sent.map(({ method }) => method), ["tools/call"]);
  bench.wires.last.answer(sent[0].id);
  assert.deepEqual([waits.outcome, call.settled], ["answered", 0]);
});

Deno.test("calls behind a boundary take room as well, and wait on where there is none", async () => {
  const bench = await new InstanceBench().start(marksBoundaries);
  const wire = bench.wires.last;
  wire.room = 5000;
  bench.call("a");
  wire.answer(wire.take()[0].id);
  const calls = ["b", "b", "b"].map((owner) => bench.call(owner, big(4000)));
  const [ping, ...more] = wire.take();
  assert.deepEqual([ping.method, more.length, bench.instance.callsQueued], ["ping", 0, 1]);
  // What was held does not fit after all: it is neither lost nor refused.
  wire.full = true;
  wire.answer(ping.id);
  assert.deepEqual(wire.take(), []);
  wire.room = 0;
  bench.call("b", { params: { last: true } });
  wire.makeRoom();
  const sent = wire.take();
  assert.equal(sent.length, 4);
  assert.equal(sent[3].params.last, true);
  for (const { id } of sent) wire.answer(id);
  for (const call of calls) assert.deepEqual([call.outcome, call.settled], ["answered", 1]);
});

Deno.test("a boundary that passes lets those in for whom there was no room before it", async () => {
  const bench = await new InstanceBench().start(marksBoundaries);
  const wire = bench.wires.last;
  bench.call("a");
  wire.answer(wire.take()[0].id);
  wire.room = 5000;
  for (let i = 0; i < 3; i++) bench.call("b", big(4000));
  const [ping] = wire.take();
  wire.room = 50_000;
  wire.answer(ping.id);
  assert.equal(wire.take().length, 3);
});

Deno.test("whatever room comes and goes: every call is given once, and each client's in order", async () => {
  const moves = fc.array(
    fc.oneof(
      fc.record({ is: fc.constant("call" as const), owner: fc.constantFrom("a", "b") }),
      fc.record({ is: fc.constant("room" as const), room: fc.constantFrom(0, -1, 100, 100_000) }),
      fc.record({ is: fc.constant("tell" as const) }),
      fc.record({ is: fc.constant("answer" as const) }),
    ),
    { maxLength: 60 },
  );
  await fc.assert(fc.asyncProperty(moves, async (moves) => {
    const bench = await new InstanceBench({ maxCalls: 3 }).start();
    const wire = bench.wires.last;
    const calls: ReturnType<InstanceBench["call"]>[] = [];
    const given: { id: number; params: { owner: string; i: number } }[] = [];
    let answered = 0;
    const answer = () => {
      given.push(...wire.take());
      if (answered < given.length) wire.answer(given[answered++].id);
    };
    for (const move of moves) {
      if (move.is === "call") {
        const params = { owner: move.owner, i: calls.length };
        calls.push(bench.call(move.owner, { params }));
      } else if (move.is === "room") wire.room = move.room;
      else if (move.is === "tell") wire.makeRoom();
      else answer();
    }
    wire.makeRoom();
    for (let i = 0; i <= calls.length; i++) answer();
    assert.deepEqual(
      calls.map(({ settled, outcome }) => [settled, outcome]),
      calls.map(() => [1, "answered"]),
    );
    for (const owner of ["a", "b"]) {
      const order = given.filter(({ params }) => params.owner === owner).map(({ params }) =>
        params.i
      );
      assert.deepEqual(order, order.toSorted((x, y) => x - y));
    }
    assert.equal(given.length, calls.length);
  }));
});

Deno.test("the answer to a server's question waits until the server reads on, and dies with its process", async () => {
  const bench = await new InstanceBench().start();
  const wire = bench.wires.last;
  wire.full = true;
  wire.line({ jsonrpc: "2.0", id: 7, method: "roots/list" });
  bench.requests[0].respond({ result: { roots: [] } });
  wire.makeRoom();
  assert.deepEqual(wire.take(), [{ jsonrpc: "2.0", id: 7, result: { roots: [] } }]);
  wire.full = true;
  wire.line({ jsonrpc: "2.0", id: 8, method: "ping" });
  wire.end();
  bench.call("a");
  await settle();
  const next = bench.wires.last;
  next.initialize();
  next.makeRoom();
  assert.deepEqual(next.take().map(({ method }) => method), ["tools/call"]);
});

Deno.test("a server that asks on and on without reading: so many answers wait, and no more", async () => {
  const bench = await new InstanceBench().start();
  const wire = bench.wires.last;
  wire.full = true;
  const text = "x".repeat(1024 * 1024);
  for (let id = 0; id < 6; id++) {
    wire.line({ jsonrpc: "2.0", id, method: "sampling/createMessage" });
    bench.requests[id].respond({ result: { text } });
  }
  const told = bench.log.lines.filter(({ level }) => level === "warn");
  assert.equal(told.length, 3);
  assert.match(told[0].message, /does not read its input; the answer to a question/);
  wire.makeRoom();
  assert.deepEqual(wire.take().map(({ id }) => id), [0, 1, 2]);
});
