/**
 * Contenders take turns: in every round each of them meets every load once, right after its rivals, so
 * that a slow moment of the machine is nobody's alone.
 *
 * @module
 */

import type { Pinning } from "./machine.ts";
import type { Load } from "./request.ts";
import { loadName, type Measurement, ratio, summarize } from "./results.ts";
import type { Table } from "./section.ts";
import { measure, type Target } from "./target.ts";

/** How to take turns. */
export interface TurnOptions {
  loads: readonly Load[];
  rounds: number;
  seconds: number;
  /** Where one connection's runs go. */
  pinning: Pinning | undefined;
  signal: AbortSignal;
}

/**
 * Warms everyone up with each size and kind of text, and makes sure that what will be measured are right
 * answers.
 *
 * @throws {TaskProblem} when one is wrong.
 */
export async function verifyAll(
  targets: readonly Target[],
  { loads, signal }: Pick<TurnOptions, "loads" | "signal">,
): Promise<void> {
  for (const { bytes, text } of distinctTexts(loads)) {
    const load = { connections: 32, bytes, text };
    for (const target of takers(targets, load)) {
      await measure(target, { load, seconds: 1, verify: true, signal });
    }
  }
}

/** Everyone under every load, `rounds` times. */
export async function takeTurns(
  targets: readonly Target[],
  { loads, rounds, seconds, pinning, signal }: TurnOptions,
): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  for (let round = 1; round <= rounds; round++) {
    console.error(`  round ${round} of ${rounds}`);
    for (const load of loads) {
      for (const target of takers(targets, load)) {
        const run = { load, seconds, signal };
        const measured = load.connections === 1 && pinning !== undefined
          ? await pinning.pinned(
            await target.pids(),
            () => measure(target, { ...run, prefix: pinning.prefix }),
          )
          : await measure(target, run);
        measurements.push({ contender: target.name, round, load, ...measured });
      }
    }
  }
  return measurements;
}

function takers(targets: readonly Target[], load: Load): Target[] {
  return targets.filter((target) => target.takes?.(load) ?? true);
}

function distinctTexts(loads: readonly Load[]): Load[] {
  const byText = new Map(loads.map((load) => [`${load.text} ${load.bytes}`, load]));
  return [...byText.values()];
}

/** A table for each load: medians, and how `subject` compares with each of them. */
export function loadTables(measurements: readonly Measurement[], subject: string): Table[] {
  const loads = Map.groupBy(summarize(measurements), ({ load }) => loadName(load));
  return [...loads].map(([title, rows]) => ({
    title,
    head: ["contender", "calls/s", "p50 ms", "p99 ms", "CPU µs a call", `${subject} / this`],
    rows: rows.map(({ contender, load, perSecond, p50, p99, cpuUs }) => [
      contender,
      perSecond.toFixed(0),
      p50.toFixed(3),
      p99.toFixed(3),
      cpuUs?.toFixed(1) ?? "",
      ratio(measurements, {
        of: { contender: subject, load },
        to: { contender, load },
      })?.toPrecision(3) ?? "",
    ]),
  }));
}
