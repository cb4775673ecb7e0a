import assert from "node:assert/strict";
import fc from "fast-check";
import { NotedCall } from "../../tests/fixtures/instances.ts";
import { DAEMON } from "./call.ts";
import { InFlight } from "./in_flight.ts";

interface Given {
  id: number;
  call: NotedCall;
  waiting: boolean;
}

const owner = fc.constantFrom("a", "b", "c", DAEMON);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("add" as const), owner }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("take" as const), index: fc.nat(8) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("abandon" as const), index: fc.nat(8) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("clear" as const) }) },
);

Deno.test("any history of calls gives the counts and the sole owner that a plain list gives", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const inFlight = new InFlight();
      let model: Given[] = [];
      steps.forEach((step, i) => {
        const id = i + 1;
        if (step.do === "add") {
          const call = new NotedCall(step.owner);
          inFlight.add(call, { id, progressToken: undefined, deadline: 0 });
          model.push({ id, call, waiting: true });
        } else if (step.do === "clear") {
          const waiting = model.filter(({ waiting }) => waiting).map(({ call }) => call);
          assert.deepEqual(inFlight.clear().map(({ call }) => call), waiting);
          model = [];
        } else {
          const given = model[step.index];
          if (step.do === "take") {
            const entry = inFlight.take(given?.id ?? -1);
            assert.equal(entry?.call, given?.waiting ? given.call : undefined);
            assert.equal(entry?.id, given?.id);
            model = model.filter((other) => other !== given);
            assert.equal(inFlight.take(given?.id ?? -1), undefined, "an answer is taken once");
          } else {
            const call = given?.call ?? new NotedCall("a");
            assert.equal(inFlight.abandon(call), given?.waiting ? given.id : undefined);
            if (given !== undefined) given.waiting = false;
          }
        }
        check(inFlight, model);
      });
    }),
    { numRuns: 500 },
  );
});

function check(inFlight: InFlight, model: Given[]): void {
  const waiting = model.filter(({ waiting }) => waiting);
  assert.equal(inFlight.waiting, waiting.length);
  for (const owner of ["a", "b", "c"]) {
    assert.equal(
      inFlight.waitingFor(owner),
      waiting.filter(({ call }) => call.owner === owner).length,
    );
  }
  assert.deepEqual([...inFlight.live()].map(({ id }) => id), waiting.map(({ id }) => id));
  // The daemon's own calls are work for nobody.
  const owners = new Set(model.map(({ call }) => call.owner).filter((owner) => owner !== DAEMON));
  const [sole] = owners;
  const mayBeAsked = owners.size === 1 && waiting.some(({ call }) => call.owner === sole);
  assert.equal(inFlight.soleOwner, mayBeAsked ? sole : undefined);
  for (const owner of ["a", "b"]) {
    const others = waiting.filter(({ call }) => call.owner !== owner && call.owner !== DAEMON);
    assert.equal(inFlight.othersWait(owner), others.length > 0);
  }
  for (const { id, call, waiting } of model) {
    assert.equal(inFlight.get(id)?.call, waiting ? call : undefined);
  }
}

Deno.test("abandoned calls are bounded; once some are forgotten, nothing is attributed any more", () => {
  const inFlight = new InFlight();
  const most = 10_000;
  for (let id = 1; id <= most + 5; id++) {
    const call = new NotedCall("a");
    inFlight.add(call, { id, progressToken: undefined, deadline: 0 });
    if (id === most) assert.equal(inFlight.soleOwner, "a");
    inFlight.abandon(call);
  }
  assert.equal(inFlight.get(5), undefined);
  assert.ok(inFlight.get(6));
  for (let id = 1; id <= most + 5; id++) inFlight.take(id);
  inFlight.add(new NotedCall("b"), { id: 20_000, progressToken: undefined, deadline: 0 });
  assert.equal(
    inFlight.soleOwner,
    undefined,
    "the server may still work for a forgotten call of a's",
  );
  inFlight.clear();
  inFlight.add(new NotedCall("b"), { id: 20_001, progressToken: undefined, deadline: 0 });
  assert.equal(inFlight.soleOwner, "b", "another process works for none of them");
});
