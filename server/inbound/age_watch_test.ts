import { deepEqual, equal } from "node:assert/strict";
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
