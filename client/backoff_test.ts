import assert from "node:assert/strict";

import { backoff } from "./backoff.ts";

Deno.test("backoff: doubles up to its bound, and stays there", () => {
  const waits = [1, 2, 3, 4, 5, 5000].map((failures) =>
    backoff(failures, { firstMs: 40, maxMs: 500, random: () => 1 })
  );
  assert.deepEqual(waits, [40, 80, 160, 320, 500, 500]);
});

Deno.test("backoff: two clients do not wait equally long, and none waits not at all", () => {
  const options = { firstMs: 40, maxMs: 500 };
  assert.equal(backoff(1, { ...options, random: () => 0 }), 20);
  assert.equal(backoff(1, { ...options, random: () => 0.5 }), 30);
});
