import { equal, rejects } from "node:assert/strict";
import { FakeClock, settle } from "../tests/fixtures/fake_clock.ts";
import { pause } from "./pause.ts";

Deno.test("a pause is over after its time, and not before", async () => {
  const clock = new FakeClock();
  let over = false;
  const paused = pause(clock, 100, new AbortController().signal).then(() => over = true);
  clock.advance(99);
  await settle();
  equal(over, false);
  clock.advance(1);
  await paused;
});

Deno.test("a pause that is given up ends at once, with the reason", async () => {
  const clock = new FakeClock();
  const giving = new AbortController();
  const paused = pause(clock, 100, giving.signal);
  giving.abort(new Error("enough"));
  await rejects(paused, /enough/);
  await rejects(pause(clock, 100, giving.signal), /enough/);
});
