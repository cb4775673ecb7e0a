import assert from "node:assert/strict";
import type { Load } from "../request.ts";
import type { Measurement } from "../results.ts";
import { isMet, type Verdict } from "../section.ts";
import { describe } from "./headline.ts";
import { memoryVerdicts } from "./memory.ts";
import { scaleVerdicts } from "./scale.ts";
import { ratioOf } from "./startup.ts";
import { throughputVerdicts } from "./throughput.ts";
import { waysVerdicts } from "./ways.ts";

const MANY: Load = { connections: 32, bytes: 100, text: "plain" };

function measured(contender: string, perSecond: number, load = MANY, cpuUs = 1): Measurement {
  return { contender, round: 1, load, perSecond, p50: 1000 / perSecond, p99: 9, cpuUs };
}

/** `what: found`, with what was not met in capitals. */
function told(verdicts: readonly Verdict[]): string[] {
  return verdicts.map((each) => `${each.what}: ${each.found} ${isMet(each) ? "met" : "NOT MET"}`);
}

Deno.test("throughput is held against each peer, and the bare server", () => {
  const verdicts = throughputVerdicts([
    measured("aichaku", 40_000),
    measured("bare", 50_000),
    measured("supergateway", 5_000),
    measured("mcp-hub", 10_000),
  ]);
  assert.deepEqual(told(verdicts), [
    "throughput / supergateway's, 32 connections, 100 B: 8 NOT MET",
    "throughput / mcp-hub's, 32 connections, 100 B: 4 met",
    "throughput / bare's, 32 connections, 100 B: 0.8 met",
  ]);
});

Deno.test("with one connection latency counts, and for large texts what they are made of", () => {
  const one = { ...MANY, connections: 1 };
  const large = { ...MANY, bytes: 64 * 1024 };
  const verdicts = throughputVerdicts([
    measured("aichaku", 400, one),
    measured("bare", 1000, one),
    measured("aichaku", 100, large),
    measured("aichaku", 80, { ...large, text: "escapes" }),
    measured("aichaku", 70, { ...large, text: "unicode" }),
  ]);
  assert.deepEqual(told(verdicts), [
    "p50 / bare's, 1 connection, 100 B: 2.5 NOT MET",
    "throughput with text of escapes / with plain text, 32 connections, 64 KiB: 0.8 met",
    "throughput with text of unicode / with plain text, 32 connections, 64 KiB: 0.7 NOT MET",
  ]);
});

Deno.test("the bridge is held against the straight path of either era, by time and by processor time", () => {
  const measurements = [
    measured("http", 30_000, MANY, 20),
    measured("http-modern-legacy", 15_000, MANY, 28),
    measured("http-modern", 18_000, MANY, 25),
  ];
  const verdicts = waysVerdicts(measurements);
  assert.deepEqual(told(verdicts), [
    "time of a call over the bridge / http, 32 connections, 100 B: 2 NOT MET",
    "processor time of a call over the bridge / http, 32 connections, 100 B: 1.4 met",
    "time of a call over the bridge / http-modern, 32 connections, 100 B: 1.2 met",
    "processor time of a call over the bridge / http-modern, 32 connections, 100 B: 1.12 met",
  ]);
});

Deno.test("many servers and sessions may cost 15 %", () => {
  const verdicts = scaleVerdicts([
    measured("one", 1000),
    measured("50-servers", 860),
    measured("1000-sessions", 840),
  ]);
  assert.deepEqual(told(verdicts), [
    "throughput, 50-servers / one: 0.86 met",
    "throughput, 1000-sessions / one: 0.84 NOT MET",
  ]);
});

Deno.test("memory is held against its bounds, and against what it was before", () => {
  const verdicts = memoryVerdicts({
    idle: { mb: 59, anonymousMb: 20 },
    calls: [{ count: 10, mb: 100, anonymousMb: 50 }, { count: 100, mb: 120, anonymousMb: 60 }],
    streams: [{ kind: "streams", count: 3, mb: 201, anonymousMb: 150 }],
    stalled: [],
  });
  assert.deepEqual(verdicts.map(isMet), [true, false, true, false]);
});

Deno.test("ratios of starts are taken within a round", () => {
  assert.equal(ratioOf({ ours: [10, 100, 15], theirs: [40, 400, 30] }, "ours", "theirs"), 0.25);
});

Deno.test("the headline is a sentence of processes and memory", () => {
  const usage = (processes: number, mb: number) => ({
    processes,
    ...{ residentMb: 2 * mb, anonymousMb: mb },
    proportionalMb: mb,
  });
  const section = describe([
    { way: "alone", usage: usage(100, 2687.4), seconds: 42 },
    { way: "aichaku", usage: usage(12, 405), seconds: 4 },
  ], { clients: 10, servers: 10 });
  assert.match(section.text, /\*\*100 processes and 2687 MB become 12 processes and 405 MB\.\*\*/);
  assert.deepEqual(section.tables[0].rows[1], ["aichaku", "12", "405", "810", "4.0"]);
});
