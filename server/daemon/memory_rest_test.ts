import assert from "node:assert/strict";
import { FakeClock, settle } from "../../tests/fixtures/fake_clock.ts";
import { giveMemoryBack } from "./memory_rest.ts";

const MB = 1024 * 1024;

/** A daemon that rests at 80 MB. */
function watched() {
  const clock = new FakeClock();
  const it = { changes: 0, resident: 80 * MB, floor: 80 * MB, possible: true, broken: false };
  const seen = { collected: [] as number[][], errors: [] as unknown[] };
  const watch = giveMemoryBack({
    clock,
    changes: () => it.changes,
    resident: () => it.resident,
    async collect() {
      await Promise.resolve();
      if (it.broken) throw new Error("broken");
      if (it.possible) it.resident = it.floor;
      return it.possible;
    },
    onCollected: (before, after) => seen.collected.push([before / MB, after / MB]),
    onError: (error) => seen.errors.push(error),
  });
  const pass = async (seconds: number, happens = false) => {
    for (let second = 0; second < seconds; second++) {
      if (happens) it.changes++;
      clock.advance(1000);
      await settle();
    }
  };
  return { clock, it, seen, watch, pass };
}

Deno.test("what a burst left is given back when nothing happens any more", async () => {
  const { clock, it, seen, watch, pass } = watched();
  it.resident = 500 * MB;
  await pass(60, true);
  assert.deepEqual(seen.collected, [], "never while something happens");
  await pass(5);
  assert.deepEqual(seen.collected, [[500, 80]]);
  it.resident = 500 * MB;
  await pass(60);
  assert.equal(seen.collected.length, 1, "once it is done, only what happens leads to more");
  it.changes++;
  await pass(10);
  assert.equal(seen.collected.length, 2);
  watch[Symbol.dispose]();
  assert.equal(clock.pending, 0);
});

Deno.test("what is little, or needed, is not collected again and again", async () => {
  const { it, seen, pass } = watched();
  it.resident = 140 * MB;
  await pass(2, true);
  await pass(10);
  assert.deepEqual(seen.collected, []);
  Object.assign(it, { resident: 500 * MB, floor: 400 * MB });
  for (let again = 0; again < 5; again++) {
    await pass(2, true);
    await pass(10);
  }
  assert.deepEqual(seen.collected, [[500, 400], [400, 400]]);
  it.resident = 100 * MB;
  await pass(2, true);
  await pass(10);
  it.resident = 300 * MB;
  await pass(2, true);
  await pass(10);
  assert.equal(seen.collected.length, 3, "what is worth it goes by the least it came down to");
});

Deno.test("what one collection only finalizes, the next one frees, in the same rest", async () => {
  const { it, seen, pass } = watched();
  it.resident = 600 * MB;
  it.changes++;
  for (const floor of [400, 200, 195]) {
    it.floor = floor * MB;
    await pass(floor === 400 ? 4 : 2);
  }
  await pass(60);
  assert.deepEqual(seen.collected, [[600, 400], [400, 200], [200, 195]]);
});

Deno.test("where it is impossible, or fails, it is not tried again", async () => {
  for (const fate of [{ possible: false }, { broken: true }]) {
    const { clock, it, seen, pass } = watched();
    Object.assign(it, { resident: 500 * MB, ...fate });
    await pass(2, true);
    await pass(10);
    assert.deepEqual([seen.collected, clock.pending], [[], 0]);
    assert.equal(seen.errors.length, "broken" in fate ? 1 : 0);
  }
});

Deno.test("a daemon that ends meanwhile leaves nothing behind", async () => {
  const { clock, it, seen, watch } = watched();
  it.resident = 500 * MB;
  it.changes++;
  clock.advance(2000);
  clock.advance(2000);
  watch[Symbol.dispose]();
  await settle();
  assert.deepEqual([seen.collected, clock.pending], [[], 0]);
});
