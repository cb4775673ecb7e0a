import assert from "node:assert/strict";
import { type BenchResults, type Measurement, median, render, summarize } from "./results.ts";

function measurement(
  contender: string,
  round: number,
  perSecond: number,
  connections = 32,
): Measurement {
  return { contender, round, perSecond, connections, bytes: 100, p50: 1000 / perSecond, p99: 9 };
}

Deno.test("the median is the middle value, or the mean of the middle two", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([9, 1, 5, 7]), 6);
  assert.equal(median([10, 9, 100]), 10);
  assert.throws(() => median([]), /no values/);
});

Deno.test("ratios are taken within a round, so that a slow round of the machine does not count", () => {
  // In the second round everything is ten times slower; aichaku is twice as fast in each.
  const summaries = summarize([
    measurement("peer", 1, 1000),
    measurement("aichaku", 1, 2000),
    measurement("peer", 2, 100),
    measurement("aichaku", 2, 200),
    measurement("peer", 3, 1000),
    measurement("aichaku", 3, 2000),
  ]);
  assert.deepEqual(summaries.map(({ contender }) => contender), ["peer", "aichaku"]);
  const [peer, aichaku] = summaries;
  assert.deepEqual(aichaku.ratios, { peer: 2 });
  assert.deepEqual(peer.ratios, { aichaku: 0.5 });
  assert.equal(aichaku.perSecond, 2000);
  assert.equal(aichaku.p50, 0.5);
});

Deno.test("different loads are never compared with each other", () => {
  const summaries = summarize([
    measurement("peer", 1, 10, 1),
    measurement("peer", 1, 1000, 32),
    measurement("aichaku", 1, 2000, 32),
  ]);
  assert.deepEqual(summaries.map(({ connections, ratios }) => ({ connections, ratios })), [
    { connections: 1, ratios: {} },
    { connections: 32, ratios: { aichaku: 0.5 } },
    { connections: 32, ratios: { peer: 2 } },
  ]);
});

function results(loadBefore: number): BenchResults {
  const measurements = [measurement("peer", 1, 1000), measurement("aichaku", 1, 2000)];
  return {
    version: "0.1.0",
    when: "2026-01-01T00:00:00.000Z",
    machine: { os: "linux", cpu: "fast", cores: 2, deno: "2.9.6", loadBefore },
    settings: { rounds: 1, seconds: 1, wrk: "wrk 4", pinned: true },
    contenders: [
      { name: "peer", about: "another program", memoryMb: { idle: 40.4, after: 99.6 } },
      { name: "aichaku", about: "the daemon", memoryMb: {} },
    ],
    summaries: summarize(measurements),
    flood: {
      queued: 1000,
      alone: { p50: 0.1, p99: 0.2, calls: 10 },
      beside: { p50: 0.3, p99: 0.4, calls: 10 },
      flooding: { p50: 5, p99: 6, calls: 100 },
    },
    measurements,
  };
}

Deno.test("the document has a table for each load with the ratios in it", () => {
  const text = render(results(0));
  assert.match(text, /## 32 connections, 100 B/);
  assert.match(text, /\| aichaku \| 2000 \| 0\.500 \| 9\.000 \| 2\.00 \| +\|/);
  assert.match(text, /\| peer \| 40 \| 100 \|/);
  assert.match(text, /\| aichaku \| unknown \| unknown \|/);
});

Deno.test("results of a busy machine say so", () => {
  assert.doesNotMatch(render(results(0.4)), /busy/);
  assert.match(render(results(1.5)), /busy before the bench began \(load 1\.5\)/);
});
