import assert from "node:assert/strict";
import { settlesWithin } from "./deadline.ts";

// The sanitizers fail these tests when a timer is left behind.
Deno.test("a promise that settles either way is in time", async () => {
  assert.equal(await settlesWithin(Promise.resolve(1), 60_000), true);
  assert.equal(await settlesWithin(Promise.reject(new Error("x")), 60_000), true);
});

Deno.test("one that never settles is not", async () => {
  assert.equal(await settlesWithin(new Promise(() => {}), 1), false);
});
