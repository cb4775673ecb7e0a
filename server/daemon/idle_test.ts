import { equal } from "node:assert/strict";
import { FakeClock } from "../../tests/fixtures/fake_clock.ts";
import { type Activity, watchIdle } from "./idle.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A watched daemon, and how often it was found idle. */
function watched(idleMs = 5 * MINUTE, firstMs?: number) {
  const clock = new FakeClock();
  const activity: Activity = { held: 0, changes: 0 };
  const seen = { idle: 0 };
  const watch = watchIdle({
    clock,
    idleMs,
    firstMs,
    activity: () => ({ ...activity }),
    onIdle: () => seen.idle++,
  });
  return { clock, activity, seen, watch };
}

Deno.test("a daemon that nobody uses ends once, after its time and hardly later", () => {
  const { clock, seen } = watched();
  clock.advance(5 * MINUTE - 1);
  equal(seen.idle, 0);
  clock.advance(5_001);
  equal(seen.idle, 1);
  clock.advance(HOUR);
  equal(seen.idle, 1);
  equal(clock.pending, 0);
});

Deno.test("a lease that is held keeps the daemon, however long nothing else happens", () => {
  const { clock, activity, seen } = watched();
  activity.held = 1;
  clock.advance(24 * HOUR);
  equal(seen.idle, 0);
  activity.held = 0;
  clock.advance(5 * MINUTE - 5_000);
  equal(seen.idle, 0, "the whole period counts from the end of the lease");
  clock.advance(10_000);
  equal(seen.idle, 1);
});

Deno.test("a client that came and went between two looks counts", () => {
  const { clock, activity, seen } = watched();
  for (let round = 0; round < 20; round++) {
    clock.advance(4 * MINUTE);
    activity.changes++; // Nothing is held at any look.
  }
  equal(seen.idle, 0);
  clock.advance(5 * MINUTE + 10_000);
  equal(seen.idle, 1);
});

Deno.test("a client that comes right before the end is seen by the look that would have ended it", () => {
  const { clock, activity, seen } = watched();
  clock.advance(5 * MINUTE - 1);
  activity.changes++;
  clock.advance(2 * MINUTE);
  equal(seen.idle, 0);
});

for (const [what, ms] of [["a minute under SIGSTOP", MINUTE], ["ten hours of sleep", 10 * HOUR]]) {
  Deno.test(`${what} is nobody's idle time: a fresh period begins`, () => {
    const { clock, seen } = watched();
    clock.advance(5 * MINUTE - 10_000);
    clock.sleep(ms as number);
    equal(seen.idle, 0, "the late timer itself ends nothing");
    clock.advance(5 * MINUTE - 10_000);
    equal(seen.idle, 0, "and the period is a whole one");
    clock.advance(20_000);
    equal(seen.idle, 1);
  });
}

Deno.test("a machine that wakes for a moment every hour does not end the daemon", () => {
  const { clock, seen } = watched();
  for (let night = 0; night < 8; night++) {
    clock.sleep(HOUR);
    clock.advance(30_000);
  }
  equal(seen.idle, 0);
});

Deno.test("a busy machine, whose timers are a little late, still ends its idle daemon", () => {
  const { clock, seen } = watched();
  for (let look = 0; look < 100 && seen.idle === 0; look++) clock.sleep(5_400);
  equal(seen.idle, 1);
});

Deno.test("a short period is looked at often enough to be kept", () => {
  const { clock, seen } = watched(1_000);
  clock.advance(999);
  equal(seen.idle, 0);
  clock.advance(251);
  equal(seen.idle, 1);
});

Deno.test("a watch that was given up neither ends the daemon nor leaves a timer", () => {
  const { clock, seen, watch } = watched();
  clock.advance(MINUTE);
  watch[Symbol.dispose]();
  equal(clock.pending, 0);
  clock.advance(HOUR);
  equal(seen.idle, 0);
});

Deno.test("the first client may take longer to arrive, the ones after it may not", () => {
  const { clock, activity, seen } = watched(1_000, 10_000);
  clock.advance(9_000);
  equal(seen.idle, 0);
  activity.changes++;
  clock.advance(900);
  equal(seen.idle, 0);
  clock.advance(1_000);
  equal(seen.idle, 1);
});
