import { deepEqual } from "node:assert/strict";
import fc from "fast-check";
import { MostlyOneMap } from "./mostly_one_map.ts";

Deno.test("it is a Map, whatever is done with it", () => {
  const step = fc.record({
    does: fc.constantFrom("set", "delete", "get"),
    key: fc.constantFrom<string | number>(1, 2, 3, "1", ""),
    value: fc.integer(),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const one = new MostlyOneMap<string | number, number>();
    const map = new Map<string | number, number>();
    for (const { does, key, value } of steps) {
      if (does === "set") {
        one.set(key, value);
        map.set(key, value);
      } else if (does === "delete") deepEqual(one.delete(key), map.delete(key));
      deepEqual([one.get(key), one.has(key)], [map.get(key), map.has(key)]);
      deepEqual([one.size, [...one.values()]], [map.size, [...map.values()]]);
    }
  }));
});
