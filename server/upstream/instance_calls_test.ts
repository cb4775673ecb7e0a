import assert from "node:assert/strict";
import fc from "fast-check";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import { InstanceBench, NotedCall } from "../../tests/fixtures/instances.ts";

const IDS = ["1", "-1", "0", "1.5", "12345678901234567890", '"1"', '""', '"a\\"b😀\\\\"'];

Deno.test("the same id from everybody, of every JSON type: each answer goes to its own call", async () => {
  const bench = await new InstanceBench().start();
  const calls = ["a", "b"].flatMap((owner) =>
    IDS.map((id) => bench.call(owner, { id, params: { secret: owner + id } }))
  );
  const sent = bench.wires.last.take();
  assert.equal(new Set(sent.map(({ id }) => id)).size, calls.length);
  for (const { id, params } of sent.toReversed()) bench.wires.last.answer(id, params);
  for (const call of calls) {
    assert.equal(call.settled, 1);
    assert.equal(
      call.texts[0],
      `{"jsonrpc":"2.0","id":${call.id},"result":${JSON.stringify(call.params)}}`,
    );
  }
});

Deno.test("an answer in whatever form it is written arrives with the client's id", async () => {
  const bench = await new InstanceBench().start();
  const forms: ((id: number) => string)[] = [
    (id) => `{"jsonrpc":"2.0","id":${id},"result":{"n":12345678901234567890}}`,
    (id) => `{"result":{"n":12345678901234567890},"jsonrpc":"2.0","id":${id}}`,
    (id) => `{ "id": ${id}, "result": {"n": 12345678901234567890}, "jsonrpc": "2.0" }`,
    (id) => `{"id":${id}.0,"jsonrpc":"2.0","result":{"n":12345678901234567890}}`,
    (id) => `{"id":${id},"result":{"n":12345678901234567890},"jsonrpc":"2.0","extra":{"id":1}}`,
  ];
  for (const form of forms) {
    const call = bench.call("a", { id: '"mine"' });
    const [{ id }] = bench.wires.last.take();
    bench.wires.last.line(form(id));
    assert.deepEqual(call.settled, 1, form(id));
    assert.equal(call.answers[0].id, "mine");
    assert.match(call.texts[0], /"n": ?12345678901234567890/);
  }
});

Deno.test("a server's own error is passed on as it is", async () => {
  const bench = await new InstanceBench().start();
  for (const order of ["head", "tail"]) {
    const call = bench.call("a", { id: '"x"' });
    const [{ id }] = bench.wires.last.take();
    const error = { code: -32602, message: "no", data: { id } };
    bench.wires.last.line(
      order === "head" ? { jsonrpc: "2.0", id, error } : { error, id, jsonrpc: "2.0" },
    );
    assert.deepEqual(call.answers, [{ jsonrpc: "2.0", id: "x", error }]);
  }
});

Deno.test("a crash fails each call in flight once; waiting ones go to the next process", async () => {
  const bench = await new InstanceBench({ maxCalls: 2 }).start();
  const inFlight = [bench.call("a"), bench.call("b")];
  const waiting = [bench.call("a"), bench.call("c")];
  const old = bench.wires.last;
  const oldIds = old.take().map(({ id }) => id);
  old.end("was ended by SIGKILL", "last words");
  for (const call of inFlight) {
    assert.deepEqual([call.outcome, call.settled], ["upstream_exited", 1]);
    // Of which of the two the last words speak is not known, so neither hears them.
    assert.equal(call.faults[0].details.detail, "was ended by SIGKILL");
  }
  assert.deepEqual(waiting.map(({ settled }) => settled), [0, 0]);
  // The old process answers out of its grave: nobody hears it.
  for (const id of oldIds) old.answer(id);
  await settle();
  bench.wires.last.initialize();
  const sent = bench.wires.last.take();
  assert.equal(sent.length, 2);
  for (const { id } of sent) {
    assert.ok(!oldIds.includes(id), "an id is used once in the life of an instance");
    bench.wires.last.answer(id);
  }
  assert.deepEqual(waiting.map(({ outcome }) => outcome), ["answered", "answered"]);
  assert.deepEqual(inFlight.map(({ settled }) => settled), [1, 1]);
});

Deno.test("the last words of a process are told to the only client it worked for", async () => {
  const bench = await new InstanceBench().start();
  const calls = [bench.call("a"), bench.call("a")];
  bench.wires.last.end("exited with code 1", "last words");
  for (const call of calls) {
    assert.equal(call.faults[0].details.detail, "exited with code 1\nlast words");
  }
});

Deno.test("calls that wait when a crash opens the breaker are refused at once, not at their deadline", async () => {
  const bench = new InstanceBench({ maxCalls: 1 });
  for (let crash = 1; crash <= 10; crash++) {
    const ready = bench.instance.ready();
    bench.clock.advance(9_000); // Past every wait, and less than a stable time.
    await settle();
    bench.wires.last.initialize();
    await ready;
    if (crash < 10) bench.wires.last.end("exited with code 1");
  }
  const [running, waiting] = [bench.call("a"), bench.call("b")];
  bench.wires.last.end("exited with code 1");
  assert.equal(bench.state(), "failed");
  assert.deepEqual([running.outcome, waiting.outcome], ["upstream_exited", "upstream_unavailable"]);
});

Deno.test("a process that is about to end is given nothing more: new calls wait for the next one", async () => {
  const bench = await new InstanceBench().start();
  const dying = bench.wires.last;
  const before = bench.call("a");
  dying.writable = false;
  const after = bench.call("a");
  assert.equal(after.settled, 0);
  dying.end();
  assert.deepEqual([before.outcome, after.outcome], ["upstream_exited", undefined]);
  await settle();
  bench.wires.last.initialize();
  bench.wires.last.answer(bench.wires.last.take()[0].id);
  assert.equal(after.outcome, "answered");
});

Deno.test("a call that is silent for too long fails, and the server is told; its late answer reaches nobody", async () => {
  const bench = await new InstanceBench({ callTimeoutMs: 10_000 }).start();
  const slow = bench.call("a", { method: "tools/call" });
  const [{ id }] = bench.wires.last.take();
  bench.clock.advance(9_000);
  assert.equal(slow.settled, 0);
  bench.clock.advance(2_000);
  assert.deepEqual([slow.outcome, slow.settled], ["upstream_timeout", 1]);
  const [cancelled] = bench.wires.last.take();
  assert.deepEqual([cancelled.method, cancelled.params.requestId], ["notifications/cancelled", id]);
  bench.wires.last.answer(id, "late");
  assert.equal(slow.settled, 1);
  assert.equal(bench.instance.callsInFlight, 0);
  bench.clock.advance(2_000);
  assert.equal(bench.clock.pending, 0, "with nothing to watch, no timer runs");
});

Deno.test("progress keeps a call alive for as long as it comes", async () => {
  const bench = await new InstanceBench({ callTimeoutMs: 10_000 }).start();
  const call = bench.call("a", { params: { _meta: { progressToken: "t" } } });
  const [{ id }] = bench.wires.last.take();
  for (let i = 0; i < 10; i++) {
    bench.clock.advance(9_000);
    bench.wires.last.line({
      jsonrpc: "2.0",
      method: "notifications/progress",
      params: { progressToken: id, progress: i },
    });
  }
  assert.equal(call.settled, 0);
  bench.clock.advance(11_000);
  assert.equal(call.outcome, "upstream_timeout");
});

Deno.test("a machine that slept fails no call for it, and grants no endless life either", async () => {
  const bench = await new InstanceBench({ callTimeoutMs: 10_000, maxCalls: 1 }).start();
  const inFlight = bench.call("a");
  const waiting = bench.call("b");
  bench.clock.advance(5_000);
  bench.clock.sleep(3_600_000);
  assert.deepEqual([inFlight.settled, waiting.settled], [0, 0]);
  bench.clock.advance(12_000);
  assert.equal(inFlight.outcome, "upstream_timeout");
  assert.equal(waiting.settled, 0, "its turn came with the other's end");
  bench.clock.advance(12_000);
  assert.equal(waiting.outcome, "upstream_timeout");
});

Deno.test("a call that waits for its turn too long fails, and is never sent", async () => {
  const bench = await new InstanceBench({ callTimeoutMs: 10_000, maxCalls: 1 }).start();
  const first = bench.call("a", { params: { _meta: { progressToken: 1 } } });
  const second = bench.call("b");
  const [{ id }] = bench.wires.last.take();
  bench.clock.advance(6_000);
  bench.wires.last.line({
    jsonrpc: "2.0",
    method: "notifications/progress",
    params: { progressToken: id, progress: 1 },
  });
  bench.clock.advance(5_000);
  assert.deepEqual([first.settled, second.outcome], [0, "upstream_timeout"]);
  bench.wires.last.answer(id);
  assert.deepEqual([first.outcome, second.settled], ["answered", 1]);
  assert.deepEqual(bench.wires.last.take(), []);
});

Deno.test("cancelling tells the server, frees the place, and drops the late answer", async () => {
  const bench = await new InstanceBench({ maxCalls: 1 }).start();
  const cancelled = bench.call("a");
  const next = bench.call("a");
  const [{ id }] = bench.wires.last.take();
  bench.instance.abandon(cancelled, "changed my mind");
  const [notice, request] = bench.wires.last.take();
  assert.deepEqual(notice, {
    jsonrpc: "2.0",
    method: "notifications/cancelled",
    params: { requestId: id, reason: "changed my mind" },
  });
  bench.wires.last.answer(id);
  assert.equal(cancelled.settled, 0, "whoever abandons answers its client itself");
  bench.wires.last.answer(request.id);
  assert.equal(next.outcome, "answered");
});

Deno.test("a waiting call that is cancelled is never sent; cancelling twice does nothing", async () => {
  const bench = await new InstanceBench({ maxCalls: 1 }).start();
  bench.call("a");
  const waiting = bench.call("b");
  bench.wires.last.take();
  bench.instance.abandon(waiting, "x");
  bench.instance.abandon(waiting, "x");
  bench.instance.abandon(new NotedCall("c"), "x");
  assert.deepEqual([bench.instance.callsQueued, bench.wires.last.take()], [0, []]);
});

Deno.test("what the server does is certain to be for one client only while no other call is unanswered", async () => {
  const bench = await new InstanceBench().start();
  const { instance } = bench;
  assert.equal(instance.soleOwner, undefined);
  const first = bench.call("a");
  assert.equal(instance.soleOwner, "a");
  bench.call("a");
  assert.equal(instance.soleOwner, "a");
  bench.call("b");
  assert.equal(instance.soleOwner, undefined);
  const [one, two, three] = bench.wires.last.take().map(({ id }) => id);
  // Abandoned: the server may still be working for a.
  instance.abandon(first, "left");
  bench.wires.last.answer(two);
  assert.equal(instance.soleOwner, undefined);
  bench.wires.last.answer(one);
  assert.equal(instance.soleOwner, "b");
  bench.wires.last.answer(three);
  assert.equal(instance.soleOwner, undefined);
});

Deno.test("after a crash nothing of the dead process's clients is left in the way of attribution", async () => {
  const bench = await new InstanceBench().start();
  bench.instance.abandon(bench.call("a"), "left");
  bench.wires.last.end();
  bench.call("b");
  await settle();
  bench.wires.last.initialize();
  assert.equal(bench.instance.soleOwner, "b");
});

Deno.test("bounds: no more in flight than allowed, in all and for one client", async () => {
  const bench = await new InstanceBench({ maxCalls: 3, maxCallsPerOwner: 2 }).start();
  for (let i = 0; i < 5; i++) bench.call("a", { params: { i } });
  const b = bench.call("b");
  const sent = bench.wires.last.take();
  assert.deepEqual([sent.length, bench.instance.callsQueued], [3, 3]);
  assert.deepEqual(sent.map(({ params }) => params?.i), [0, 1, undefined]);
  bench.wires.last.answer(sent[2].id);
  assert.equal(b.outcome, "answered");
  assert.equal(bench.wires.last.take().length, 0, "a has its share already");
  bench.wires.last.answer(sent[0].id);
  assert.deepEqual(bench.wires.last.take().map(({ params }) => params.i), [2]);
});

const TOO_DEEP = JSON.parse('{"0":' + "[".repeat(200_000) + "]".repeat(200_000) + "}");

Deno.test("params too deep to be written are the call's own fault, also while it waits", async () => {
  const params = [{ deep: TOO_DEEP }, { _meta: { progressToken: TOO_DEEP } }];
  const bench = new InstanceBench();
  const early = params.map((params) => bench.call("a", { params }));
  await bench.start();
  const late = params.map((params) => bench.call("a", { params }));
  for (const call of [...early, ...late]) {
    assert.deepEqual([call.outcome, call.settled], ["invalid_request", 1]);
  }
  assert.deepEqual(bench.log.errors, []);
});

Deno.test("every call is settled exactly once, whatever happens in whatever order", async () => {
  const action = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant("call" as const),
        owner: fc.constantFrom("a", "b", "c"),
      }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("answer" as const), n: fc.nat(20) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("cancel" as const), n: fc.nat(20) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("wait" as const),
        ms: fc.integer({ min: 1, max: 20_000 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constantFrom(
          "end" as const,
          "initialize" as const,
          "dying" as const,
          "full" as const,
        ),
      }),
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
      const bench = new InstanceBench({
        maxCalls: 3,
        maxCallsPerOwner: 2,
        startTimeoutMs: 15_000,
        callTimeoutMs: 30_000,
      });
      const calls: NotedCall[] = [];
      const abandoned = new Set<NotedCall>();
      let unanswered: number[] = [];
      const wire = () => bench.wires.opened.at(-1);
      const read = () => {
        for (const { id, method } of wire()?.take() ?? []) {
          if (method === "tools/call") unanswered.push(id);
        }
      };
      for (const action of actions) {
        await settle();
        switch (action.do) {
          case "call":
            calls.push(bench.call(action.owner, { id: String(calls.length) }));
            break;
          case "answer": {
            const [id] = unanswered.splice(action.n % (unanswered.length || 1), 1);
            if (id !== undefined) wire()!.answer(id);
            break;
          }
          case "cancel": {
            const call = calls[action.n];
            if (call === undefined || call.settled > 0) break;
            bench.instance.abandon(call, "x");
            abandoned.add(call);
            break;
          }
          case "wait":
            bench.clock.advance(action.ms);
            break;
          case "initialize":
            if (bench.state() === "starting" && wire()?.writable) wire()!.initialize();
            break;
          case "end":
            if (wire() !== undefined && wire()!.closed === undefined && wire()!.writable) {
              wire()!.end();
            }
            unanswered = [];
            break;
          case "dying":
            if (wire() !== undefined && bench.state() === "ready") {
              wire()!.writable = false;
            }
            break;
          case "full":
            if (bench.state() === "ready") wire()!.full = !wire()!.full;
        }
        if (bench.state() === "ready") read();
        assert.ok(bench.instance.callsInFlight <= 3);
      }
      bench.clock.advance(120_000);
      await settle();
      bench.clock.advance(120_000);
      for (const call of calls) {
        assert.equal(call.settled, abandoned.has(call) ? 0 : 1);
        if (call.answers.length > 0) assert.equal(String(call.answers[0].id), call.id);
      }
      assert.deepEqual([bench.instance.callsInFlight, bench.instance.callsQueued], [0, 0]);
      assert.deepEqual(bench.log.errors, []);
    }),
    { numRuns: 150 },
  );
});
