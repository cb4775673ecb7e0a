import assert from "node:assert/strict";
import { garbageCollector } from "./collect_garbage.ts";
import { isDenoBefore } from "./runtime.ts";

Deno.test("what nobody holds is gone after a collection", async () => {
  const collect = await garbageCollector();
  if (collect === undefined) {
    assert.ok(isDenoBefore([2, 9, 0]), "there is a collector on newer ones");
    return;
  }
  const lost = new WeakRef({ held: "by nobody" });
  // A weak reference that was just made holds until the turn is over.
  await new Promise((resolve) => setTimeout(resolve, 0));
  collect();
  assert.equal(lost.deref(), undefined);
});
