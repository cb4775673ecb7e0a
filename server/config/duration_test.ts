import assert from "node:assert/strict";
import fc from "fast-check";
import { formatDuration, MAX_DURATION_MS, parseDuration } from "./duration.ts";

Deno.test("a duration is read in the unit it names, and a number as milliseconds", () => {
  const cases: [string | number, number][] = [
    ["500ms", 500],
    ["30s", 30_000],
    ["15m", 900_000],
    ["2h", 7_200_000],
    ["1.5s", 1_500],
    [" 2 m ", 120_000],
    [250, 250],
    ["24h", 86_400_000],
  ];
  for (const [written, ms] of cases) assert.equal(parseDuration(written), ms, String(written));
});

Deno.test("what is no duration, not positive or beyond a timer's reach is not read", () => {
  const wrong = ["", "5", "m", "5 minutes", "-1s", "1h30m", "0s", "0.2ms", "1e9h", "600h"];
  for (const written of [...wrong, 0, -5, NaN, Infinity, MAX_DURATION_MS + 1]) {
    assert.equal(parseDuration(written), undefined, String(written));
  }
  assert.equal(parseDuration(MAX_DURATION_MS), MAX_DURATION_MS);
});

Deno.test("a formatted duration reads back as the same", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: MAX_DURATION_MS }), (ms) => {
      assert.equal(parseDuration(formatDuration(ms)), ms);
    }),
  );
  assert.equal(formatDuration(90_000), "90s");
  assert.equal(formatDuration(7_200_000), "2h");
  assert.equal(formatDuration(1_001), "1001ms");
});
