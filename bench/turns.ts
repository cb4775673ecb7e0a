/**
 * Contenders take turns: in every round each of them meets every load once, right after its rivals, so
 * that a slow moment of the machine is nobody's alone.
 *
 * @module
 */

import { TaskProblem } from "../scripts/lib/task.ts";
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

/** Most seconds for which every answer is looked at: enough for the slowest to give some. */
const VERIFY_S = 2;

/** Most seconds for which a run on one core goes on before it counts. */
const SETTLE_S = 2;

/** Who could not do what, and why. */
export interface Failure {
  contender: string;
  load: Load;
  /** What was told of it. */
  problem: string;
}

/** What came of it. */
export interface Turns {
  measurements: Measurement[];
  failures: Failure[];
}

/**
 * Everyone under every load, `rounds` times; before that, everyone is warmed up with each size and kind
 * of text, and every answer is looked at. Whoever gives a wrong answer or none under a load has failed
 * under it, and is not measured under it any more.
 */
export async function takeTurns(
  targets: readonly Target[],
  { loads, rounds, seconds, pinning, signal }: TurnOptions,
): Promise<Turns> {
  const measurements: Measurement[] = [];
  const failures: Failure[] = [];
  const forEachAble = async (load: Load, body: (target: Target) => Promise<void>) => {
    for (const target of targets) {
      if (target.takes?.(load) === false) continue;
      if (failures.some((each) => each.contender === target.name && each.load === load)) continue;
      try {
        await body(target);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof TaskProblem)) throw error;
        failures.push({ contender: target.name, load, problem: error.message });
        console.error(`  ${error.message}`);
      }
    }
  };
  for (const load of heaviestOfEachText(loads)) {
    await forEachAble(load, async (target) => {
      await measure(target, { load, seconds: Math.min(seconds, VERIFY_S), verify: true, signal });
    });
  }
  for (let round = 1; round <= rounds; round++) {
    console.error(`  round ${round} of ${rounds}`);
    for (const load of loads) {
      await forEachAble(load, async (target) => {
        const run = { load, seconds, signal };
        const measured = load.connections === 1 && pinning !== undefined
          ? await pinning.pinned(await target.pids(), async () => {
            const pinned = { ...run, prefix: pinning.prefix };
            // What the load before has left, garbage and code to be compiled, would take its one core.
            await measure(target, { ...pinned, seconds: Math.min(seconds, SETTLE_S) });
            return await measure(target, pinned);
          })
          : await measure(target, run);
        measurements.push({ contender: target.name, round, load, ...measured });
      });
    }
  }
  return { measurements, failures };
}

function heaviestOfEachText(loads: readonly Load[]): Load[] {
  const heaviest = new Map<string, Load>();
  for (const load of loads) {
    const text = `${load.text} ${load.bytes} ${load.answerOnly}`;
    if (load.connections > (heaviest.get(text)?.connections ?? 0)) heaviest.set(text, load);
  }
  return [...heaviest.values()];
}

/** A table for each load: medians, and how `subject` compares with each of them. */
export function loadTables({ measurements, failures }: Turns, subject: string): Table[] {
  const summaries = summarize(measurements);
  const loads = new Set([...summaries, ...failures].map(({ load }) => loadName(load)));
  const at = (title: string) => ({ load }: { load: Load }) => loadName(load) === title;
  return [...loads].map((title) => ({
    title,
    head: ["contender", "calls/s", "p50 ms", "p99 ms", "CPU µs a call", `${subject} / this`],
    rows: [
      ...summaries.filter(at(title)).map(({ contender, load, perSecond, p50, p99, cpuUs }) => [
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
      ...failures.filter(at(title)).map(({ contender }) => [contender, "failed", "", "", "", ""]),
    ],
  }));
}
