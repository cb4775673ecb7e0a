import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { FakeClock } from "../../tests/fixtures/fake_clock.ts";
import { AgeWatch } from "./age_watch.ts";

function watchOf(ageMs: number) {
  const clock = new FakeClock();
  const old: string[] = [];
  const watch = new AgeWatch<string>({ clock, ageMs, onAge: (item) => old.push(item) });
  return { clock, old, watch };
}

Deno.test("each is told once it is old, and at most a second later; who went away is not", () => {
  const { clock, old, watch } = watchOf(10_000);
  watch.add("first");
  clock.advance(999);
  watch.add("second");
  const gone = watch.add("gone");
  clock.advance(1);
  watch.add("third");
  gone[Symbol.dispose]();
  gone[Symbol.dispose]();
  clock.advance(9_000);
  deepEqual(old, [], "none is older than its age");
  clock.advance(1_000);
  deepEqual(old, ["first", "second"]);
  clock.advance(1_000);
  deepEqual(old, ["first", "second", "third"]);
  equal(clock.pending, 0, "nothing is waited for when nothing is watched");
});

Deno.test("an age of less than a second is looked at as often", () => {
  const { clock, old, watch } = watchOf(500);
  watch.add("first");
  clock.advance(500);
  deepEqual(old, []);
  clock.advance(500);
  deepEqual(old, ["first"]);
});

Deno.test("what is added again after a rest is as young as anything", () => {
  const { clock, old, watch } = watchOf(500);
  watch.add("first")[Symbol.dispose]();
  clock.advance(60_000);
  watch.add("second");
  clock.advance(500);
  deepEqual(old, []);
  clock.advance(500);
  deepEqual(old, ["second"]);
});

Deno.test("nobody is told any more once it was disposed of", () => {
  const { clock, old, watch } = watchOf(500);
  watch.add("first");
  watch[Symbol.dispose]();
  clock.advance(60_000);
  deepEqual(old, []);
  equal(clock.pending, 0);
});

/** A watch whose items say themselves what is done about them. */
function watchOfActions() {
  const clock = new FakeClock();
  const watch = new AgeWatch<() => void>({ clock, ageMs: 1_000, onAge: (act) => act() });
  return { clock, watch };
}

Deno.test("one that is told may end others that are as old, itself, and the next one of all", () => {
  const { clock, watch } = watchOfActions();
  const told: string[] = [];
  const ends: Record<string, Disposable> = {};
  const add = (name: string, ...others: string[]) => {
    ends[name] = watch.add(() => {
      told.push(name);
      for (const other of others) ends[other][Symbol.dispose]();
    });
  };
  add("first", "first", "second");
  add("second");
  add("third", "fourth", "first");
  add("fourth");
  add("fifth");
  clock.advance(2_000);
  deepEqual(told, ["first", "third", "fifth"]);
  equal(clock.pending, 0);
});

Deno.test("what begins while others are told waits for its own time, and needs no second timer", () => {
  const { clock, watch } = watchOfActions();
  const told: string[] = [];
  watch.add(() => {
    told.push("first");
    watch.add(() => told.push("child"));
    watch.add(() => told.push("ended"))[Symbol.dispose]();
  });
  watch.add(() => told.push("second"));
  clock.advance(2_000);
  deepEqual(told, ["first", "second"]);
  equal(clock.pending, 1);
  clock.advance(1_000);
  equal(told.length, 2);
  clock.advance(1_000);
  deepEqual(told, ["first", "second", "child"]);
  equal(clock.pending, 0);
});

Deno.test("a watch that is disposed of while it tells is silent at once, whatever had begun", () => {
  const { clock, watch } = watchOfActions();
  const told: string[] = [];
  watch.add(() => {
    told.push("first");
    watch.add(() => told.push("child"));
    watch[Symbol.dispose]();
  });
  const second = watch.add(() => told.push("second"));
  clock.advance(60_000);
  second[Symbol.dispose]();
  deepEqual(told, ["first"]);
  equal(clock.pending, 0);
});

Deno.test("one that fails keeps nobody from being told", () => {
  const { clock, watch } = watchOfActions();
  const told: string[] = [];
  watch.add(() => {
    throw new Error("it failed");
  });
  watch.add(() => told.push("as old"));
  clock.advance(1_000);
  watch.add(() => told.push("younger"));
  throws(() => clock.advance(1_000), /it failed/);
  clock.advance(1_000);
  deepEqual(told, ["as old", "younger"]);
  equal(clock.pending, 0);
});

type Step =
  | { add: "nothing" | "add" | "end"; at: number }
  | { end: number }
  | { wait: number };

Deno.test("whatever begins and ends when: each that stays is told once, in order and in time", () => {
  const AGE = 500;
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ add: fc.constant("nothing" as const), at: fc.nat() }) },
    fc.record({ add: fc.constantFrom("add", "end"), at: fc.nat() }),
    { weight: 3, arbitrary: fc.record({ end: fc.nat() }) },
    { weight: 3, arbitrary: fc.record({ wait: fc.nat(2 * AGE) }) },
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const clock = new FakeClock();
    const watch = new AgeWatch<() => void>({ clock, ageMs: AGE, onAge: (act) => act() });
    const all: { since: number; told: number[]; ended: boolean; handle: Disposable }[] = [];
    const order: number[] = [];
    const end = (at: number) => {
      if (all.length === 0) return;
      const one = all[at % all.length];
      if (one.told.length === 0) one.ended = true;
      one.handle[Symbol.dispose]();
    };
    const add = (then: "nothing" | "add" | "end", at: number) => {
      const number = all.length;
      const handle = watch.add(() => {
        all[number].told.push(clock.now());
        order.push(number);
        if (then === "add") add("nothing", 0);
        if (then === "end") end(at);
      });
      all.push({ since: clock.now(), told: [], ended: false, handle });
    };
    for (const each of steps) {
      if ("add" in each) add(each.add, each.at);
      else if ("end" in each) end(each.end);
      else clock.advance(each.wait);
      ok(clock.pending <= 1);
    }
    clock.advance(10 * AGE);
    equal(clock.pending, 0);
    for (const { since, told, ended } of all) {
      equal(told.length, ended ? 0 : 1);
      for (const moment of told) ok(moment - since >= AGE && moment - since <= 2 * AGE);
    }
    deepEqual(order, order.toSorted((a, b) => a - b));
  }));
});
