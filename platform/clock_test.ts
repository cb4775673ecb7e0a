import assert from "node:assert/strict";
import { systemClock } from "./clock.ts";

Deno.test("the system's clock calls back once, and never after it was disposed", async () => {
  const called: string[] = [];
  const before = systemClock.now();
  // The sanitizers fail this test when a timer is left behind.
  systemClock.after(60_000, () => called.push("disposed"))[Symbol.dispose]();
  const disposed = systemClock.after(1, () => called.push("disposed"));
  disposed[Symbol.dispose]();
  await new Promise<void>((resolve) => {
    systemClock.after(2, () => {
      called.push("called");
      resolve();
    });
  });
  assert.deepEqual(called, ["called"]);
  assert.ok(systemClock.now() >= before);
});
