import assert from "node:assert/strict";
import fc from "fast-check";
import { ChurningMap } from "./churning_map.ts";

type Step = { set: number } | { delete: number } | { clear: true };

Deno.test("it is a Map, order and all, however often it is replaced within", () => {
  const key = fc.integer({ min: 0, max: 40 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 10, arbitrary: fc.record({ set: key }) },
    { weight: 10, arbitrary: fc.record({ delete: key }) },
    { weight: 1, arbitrary: fc.constant({ clear: true as const }) },
  );
  fc.assert(
    fc.property(fc.array(step, { minLength: 1000, maxLength: 3000 }), (steps) => {
      const [map, model] = [new ChurningMap<number, number>(), new Map<number, number>()];
      for (const [at, each] of steps.entries()) {
        if ("set" in each) {
          map.set(each.set, at);
          model.set(each.set, at);
        } else if ("delete" in each) {
          assert.equal(map.delete(each.delete), model.delete(each.delete));
        } else {
          map.clear();
          model.clear();
        }
        assert.equal(map.size, model.size);
      }
      assert.deepEqual([...map], [...model]);
      assert.deepEqual([...map.keys()], [...model.keys()]);
      assert.deepEqual([...map.values()], [...model.values()]);
      for (const each of model.keys()) {
        assert.equal(map.get(each), model.get(each));
        assert.equal(map.has(each), true);
      }
      assert.equal(map.has(41), false);
    }),
    { numRuns: 20 },
  );
});

Deno.test("entries can be deleted while it is gone through, each seen once", () => {
  const map = new ChurningMap<number, string>();
  for (let i = 0; i < 2000; i++) map.set(i, "x");
  const seen: number[] = [];
  for (const [key] of map) {
    seen.push(key);
    map.delete(key);
  }
  assert.deepEqual([seen.length, new Set(seen).size, map.size], [2000, 2000, 0]);
});
