import assert from "node:assert/strict";
import type { Load } from "./request.ts";
import { loadName, type Measurement, median, ratio, summarize } from "./results.ts";

function load(connections = 32): Load {
  return { connections, bytes: 100, text: "plain" };
}

function measurement(
  contender: string,
  round: number,
  perSecond: number,
  connections = 32,
): Measurement {
  return {
    ...{ contender, round, perSecond, load: load(connections) },
    ...{ p50: 1000 / perSecond, p99: 9, cpuUs: 10 * round },
  };
}

Deno.test("the median is the middle value, or the mean of the middle two", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([9, 1, 5, 7]), 6);
  assert.equal(median([10, 9, 100]), 10);
  assert.throws(() => median([]), /no values/);
});

Deno.test("a summary is the median of each contender under each load, first come first", () => {
  const summaries = summarize([
    measurement("peer", 1, 10, 1),
    measurement("peer", 1, 1000),
    measurement("aichaku", 1, 2000),
    measurement("peer", 2, 3000),
    measurement("peer", 3, 2000),
    { ...measurement("aichaku", 2, 4000), cpuUs: undefined },
  ]);
  assert.deepEqual(
    summaries.map(({ contender, load, perSecond, cpuUs }) => [
      ...[contender, load.connections, perSecond, cpuUs],
    ]),
    [["peer", 1, 10, 10], ["peer", 32, 2000, 20], ["aichaku", 32, 3000, 10]],
  );
});

Deno.test("ratios are taken within a round, so that a slow round of the machine does not count", () => {
  // In the second round everything is ten times slower; aichaku is twice as fast in each.
  const measurements = [
    measurement("peer", 1, 1000),
    measurement("aichaku", 1, 2000),
    measurement("peer", 2, 100),
    measurement("aichaku", 2, 200),
    measurement("aichaku", 3, 9999),
  ];
  const of = { contender: "aichaku", load: load() };
  const to = { contender: "peer", load: load() };
  assert.equal(ratio(measurements, { of, to }), 2);
  assert.equal(ratio(measurements, { of: to, to: of }), 0.5);
  assert.equal(ratio(measurements, { of, to, value: ({ p50 }) => p50 }), 0.5);
});

Deno.test("different loads are never compared with each other, nor what was not measured", () => {
  const measurements = [measurement("peer", 1, 10, 1), measurement("aichaku", 1, 2000)];
  const of = { contender: "aichaku", load: load() };
  assert.equal(ratio(measurements, { of, to: { contender: "peer", load: load() } }), undefined);
  assert.equal(ratio(measurements, { of, to: { contender: "peer", load: load(1) } }), 200);
  const value = () => undefined;
  assert.equal(
    ratio(measurements, { of, to: { contender: "peer", load: load(1) }, value }),
    undefined,
  );
});

Deno.test("loads have names of their own", () => {
  assert.equal(loadName(load(1)), "1 connection, 100 B");
  assert.equal(
    loadName({ connections: 32, bytes: 65536, text: "plain" }),
    "32 connections, 64 KiB",
  );
  assert.equal(
    loadName({ connections: 2, bytes: 1024 * 1024, text: "escapes" }),
    "2 connections, 1 MiB of escapes",
  );
});
