import assert from "node:assert/strict";
import fc from "fast-check";
import { FairQueue } from "./fair_queue.ts";

interface Item {
  owner: string;
  n: number;
}
const anybody = () => true;

function drain(queue: FairQueue<Item>, mayRun: (owner: string) => boolean = anybody): string[] {
  const taken: string[] = [];
  for (let item = queue.shift(mayRun); item !== undefined; item = queue.shift(mayRun)) {
    taken.push(item.owner + item.n);
  }
  return taken;
}

Deno.test("one client's thousand calls delay another's by one place at most", () => {
  const queue = new FairQueue<Item>();
  for (let n = 0; n < 1000; n++) queue.push({ owner: "a", n });
  for (let round = 0; round < 100; round++) {
    queue.push({ owner: "b", n: round });
    const two = [queue.shift(anybody), queue.shift(anybody)].map((item) => item?.owner);
    assert.deepEqual(two.toSorted(), ["a", "b"]);
  }
  assert.equal(queue.size, 900);
});

Deno.test("what waits is weighed, in all and for each turn", () => {
  const queue = new FairQueue<{ owner: string; turn?: string; weight?: number }>();
  const items = [
    { owner: "a", weight: 5 },
    { owner: "b", turn: "a", weight: 7 },
    { owner: "c", weight: 11 },
    { owner: "c" },
  ];
  for (const item of items) queue.push(item);
  const weigh =
    () => [queue.weight, queue.weightBeside({ owner: "a" }), queue.weightBeside(items[2])];
  assert.deepEqual(weigh(), [23, 12, 11]);
  assert.equal(queue.shift(anybody), items[0]);
  assert.deepEqual(weigh(), [18, 7, 11]);
  queue.unshift(items[0]);
  assert.deepEqual(weigh(), [23, 12, 11]);
  queue.remove(items[2]);
  assert.deepEqual(weigh(), [12, 12, 0]);
  queue.clear();
  assert.deepEqual(weigh(), [0, 0, 0]);
});

Deno.test("owners take turns, and each one's own order is kept", () => {
  const queue = new FairQueue<Item>();
  for (const owner of ["a", "b", "c"]) for (let n = 0; n < 3; n++) queue.push({ owner, n });
  assert.deepEqual(drain(queue), ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"]);
});

Deno.test("an owner that may not run is passed over, and keeps its turn", () => {
  const queue = new FairQueue<Item>();
  for (const owner of ["a", "b"]) for (let n = 0; n < 2; n++) queue.push({ owner, n });
  assert.deepEqual(drain(queue, (owner) => owner === "b"), ["b0", "b1"]);
  assert.equal(queue.size, 2);
  queue.push({ owner: "b", n: 2 });
  assert.deepEqual(drain(queue), ["a0", "b2", "a1"]);
  assert.equal(queue.shift(anybody), undefined);
});

Deno.test("any sequence of pushes, shifts and removals keeps what a plain list would", () => {
  const owner = fc.constantFrom("a", "b", "c");
  const step = fc.oneof(
    fc.record({ do: fc.constant("push" as const), owner }),
    fc.record({ do: fc.constant("shift" as const), blocked: fc.option(owner) }),
    fc.record({ do: fc.constant("remove" as const), index: fc.nat(10) }),
  );
  fc.assert(fc.property(fc.array(step), (steps) => {
    const queue = new FairQueue<Item>();
    let list: Item[] = [];
    steps.forEach((step, n) => {
      if (step.do === "push") {
        const item = { owner: step.owner, n };
        queue.push(item);
        list.push(item);
      } else if (step.do === "remove") {
        const item = list[step.index] ?? { owner: "a", n: -1 };
        assert.equal(queue.remove(item), list.includes(item));
        list = list.filter((other) => other !== item);
      } else {
        const item = queue.shift((owner) => owner !== step.blocked);
        const allowed = list.filter(({ owner }) => owner !== step.blocked);
        assert.equal(item === undefined, allowed.length === 0);
        if (item === undefined) return;
        assert.equal(item, list.find(({ owner }) => owner === item.owner), "the owner's oldest");
        list = list.filter((other) => other !== item);
      }
      assert.equal(queue.size, list.length);
      assert.deepEqual(new Set(queue), new Set(list));
    });
    assert.deepEqual(new Set(queue.clear()), new Set(list));
    assert.equal(queue.size, 0);
  }));
});
