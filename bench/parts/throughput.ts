/**
 * Everyone with the same echo server behind, under the same loads: throughput, latency, processor time
 * and memory.
 *
 * @module
 */

import type { Task } from "../../scripts/lib/task.ts";
import { CONTENDERS } from "../contenders/mod.ts";
import { DIRECT } from "../contenders/own.ts";
import { MCPORTER } from "../contenders/peers.ts";
import { processTree, usageOf } from "../machine.ts";
import type { Load } from "../request.ts";
import { loadName, type Measurement, ratio } from "../results.ts";
import {
  type Part,
  type PartOptions,
  type Section,
  type Table,
  type Verdict,
  verdict,
} from "../section.ts";
import type { Target } from "../target.ts";
import { loadTables, takeTurns } from "../turns.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

const ONE: Load = { connections: 1, bytes: 100, text: "plain" };
const MANY: Load = { connections: 32, bytes: 100, text: "plain" };
const LARGE: Load = { connections: 32, bytes: 64 * KIB, text: "plain" };
/** As most tools are: little is asked, and much is answered. */
const GIVEN: Load = { ...LARGE, answerOnly: true };

const QUICK: readonly Load[] = [ONE, MANY, LARGE];

const LOADS: readonly Load[] = [
  ONE,
  MANY,
  { ...MANY, connections: 256 },
  { ...LARGE, connections: 1 },
  LARGE,
  { ...LARGE, text: "escapes" },
  { ...LARGE, text: "unicode" },
  GIVEN,
  { ...GIVEN, text: "escapes" },
  { ...GIVEN, text: "unicode" },
  { ...LARGE, connections: 1, bytes: MIB },
  { ...LARGE, bytes: MIB },
];

export const THROUGHPUT: Part = {
  name: "throughput",
  contenders: CONTENDERS.map(({ name }) => name),
  inQuick: true,
  // No target names them, and they take long to start.
  notInQuick: [MCPORTER.name, DIRECT.name],
  rounds: 3,
  run,
};

async function run(task: Task, options: PartOptions): Promise<Section> {
  const { programs, quick, wants, ...turns } = options;
  const chosen = CONTENDERS.filter(({ name }) => wants(name));
  const loads = quick ? QUICK : LOADS;
  const targets: Target[] = [];
  const memory: Memory[] = [];
  for (const contender of chosen) {
    const target = await contender.start(task, programs);
    targets.push(target);
    memory.push({ name: target.name, idle: await memoryOf(target), after: undefined });
  }
  const measured = await takeTurns(targets, { ...turns, loads, signal: task.signal });
  for (const [i, target] of targets.entries()) memory[i].after = await memoryOf(target);
  return {
    title: "Throughput",
    text: chosen.map(({ name, about }) => `- **${name}**: ${about}`).join("\n"),
    tables: [...loadTables(measured, "aichaku"), memoryTable(memory)],
    verdicts: throughputVerdicts(measured.measurements),
    problems: measured.failures.map(({ problem }) => problem),
    data: { ...measured, memory },
  };
}

interface Memory {
  name: string;
  /** MB, of everything but what `after` adds. */
  idle: number | undefined;
  after: number | undefined;
}

async function memoryOf(target: Target): Promise<number | undefined> {
  const pids = await target.pids();
  return pids.length === 0 ? undefined : (await usageOf(await processTree(pids)))?.residentMb;
}

function memoryTable(memory: readonly Memory[]): Table {
  const mb = (value: number | undefined) => value?.toFixed(0) ?? "";
  return {
    title: "Resident memory before and after, MB, with what each started",
    head: ["contender", "before", "after"],
    rows: memory.map(({ name, idle, after }) => [name, mb(idle), mb(after)]),
  };
}

/** What has to be shown of these loads, of what was measured. */
export function throughputVerdicts(measurements: readonly Measurement[]): Verdict[] {
  const against = (contender: string, load: Load) =>
    ratio(measurements, { of: { contender: "aichaku", load }, to: { contender, load } });
  const atLeast = (contender: string, load: Load, bound: number) =>
    verdict(
      `throughput / ${contender}'s, ${loadName(load)}`,
      against(contender, load),
      ["at least", bound, "x"],
    );
  const p50 = ratio(measurements, {
    of: { contender: "aichaku", load: ONE },
    to: { contender: "bare", load: ONE },
    value: ({ p50 }) => p50,
  });
  const kept = (plain: Load, text: Load["text"]) =>
    verdict(
      `throughput with text of ${text} / with plain text, ${loadName(plain)}`,
      ratio(measurements, {
        of: { contender: "aichaku", load: { ...plain, text } },
        to: { contender: "aichaku", load: plain },
      }),
      ["at least", 0.75, "x"],
    );
  return [
    ...atLeast("supergateway", MANY, 10),
    ...atLeast("mcp-proxy", MANY, 10),
    ...atLeast("mcp-hub", MANY, 3),
    ...atLeast("bare", MANY, 0.65),
    ...verdict(`p50 / bare's, ${loadName(ONE)}`, p50, ["at most", 2, "x"]),
    ...atLeast("supergateway", ONE, 5),
    ...atLeast("supergateway", LARGE, 3),
    ...atLeast("bare", LARGE, 0.45),
    ...[LARGE, GIVEN].flatMap((plain) => [...kept(plain, "escapes"), ...kept(plain, "unicode")]),
  ];
}
