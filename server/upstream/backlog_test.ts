import assert from "node:assert/strict";
import fc from "fast-check";
import { Backlog } from "./backlog.ts";

function backlogOf(maxOwed: number) {
  const told: number[] = [];
  const backlog: Backlog = new Backlog({ maxOwed, onRoom: () => told.push(backlog.owed) });
  return { backlog, told };
}

Deno.test("calls have room up to the half, what is about them up to the whole", () => {
  const { backlog } = backlogOf(100);
  assert.equal(backlog.room, 50);
  backlog.add(49);
  assert.ok(backlog.room > 0 && backlog.takes(1_000_000), "room takes a message of any length");
  backlog.add(2);
  assert.ok(backlog.room <= 0);
  assert.deepEqual([backlog.takes(49), backlog.takes(50)], [true, false]);
});

Deno.test("room is told once, each time there was none", () => {
  const { backlog, told } = backlogOf(100);
  backlog.add(40);
  backlog.done(40);
  assert.deepEqual(told, [], "there was room all the time");
  for (let i = 0; i < 8; i++) backlog.add(10);
  for (let i = 0; i < 8; i++) backlog.done(10);
  assert.deepEqual(told, [40]);
  backlog.add(1000);
  backlog.done(1000);
  assert.deepEqual(told, [40, 0]);
});

Deno.test("whoever hears of room may use it at once", () => {
  let rounds = 0;
  const backlog: Backlog = new Backlog({
    maxOwed: 100,
    onRoom: () => rounds++ < 3 && backlog.add(60),
  });
  backlog.add(60);
  for (let i = 0; i < 4; i++) backlog.done(60);
  assert.deepEqual([rounds, backlog.owed], [4, 0]);
});

Deno.test("nothing is told after the end", () => {
  const { backlog, told } = backlogOf(100);
  backlog.add(90);
  backlog.clear();
  backlog.add(1);
  backlog.done(1);
  assert.deepEqual([told, backlog.owed], [[], 0]);
});

Deno.test("whatever comes and goes, what waits is bounded, and no want of room is left untold", () => {
  const moves = fc.array(fc.tuple(fc.integer({ min: 1, max: 70 }), fc.boolean()));
  fc.assert(fc.property(moves, (moves) => {
    const { backlog, told } = backlogOf(100);
    const waiting: number[] = [];
    let toldBefore = 0;
    let wanting = false;
    for (const [length, goes] of moves) {
      if (goes && waiting.length > 0) backlog.done(waiting.shift()!);
      else if (backlog.takes(length)) {
        backlog.add(length);
        waiting.push(length);
      }
      const rest = waiting.reduce((sum, next) => sum + next, 0);
      assert.equal(backlog.owed, rest);
      assert.ok(rest <= 100 || rest < 50 + 70);
      if (wanting && backlog.room > 0) assert.ok(told.length > toldBefore);
      wanting = backlog.room <= 0;
      toldBefore = told.length;
    }
  }));
});
