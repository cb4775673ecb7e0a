/**
 * Compares aichaku with a bare server and with a peer, side by side in one run:
 *
 *     deno task bench                    about six minutes; writes bench/results.md and results.json
 *     deno task bench --quick            under a minute
 *     deno task bench --out FOLDER       writes there instead
 *
 * `--rounds N`, `--seconds N` and `--only NAME` (more than once) narrow it down. Every contender is
 * started here, takes its turn in every round, and is ended with everything it started. Needs `wrk` and
 * a C compiler, and the npm registry the first time. `AICHAKU_TEST_BIN` names a compiled program to
 * measure instead of the source.
 *
 * @module
 */

import { join, resolve } from "@std/path";
import { parseArgs } from "node:util";
import { VERSION } from "../protocol/version.ts";
import { run } from "../scripts/lib/child.ts";
import { ROOT } from "../scripts/lib/project.ts";
import { runTask, type Task, TaskProblem } from "../scripts/lib/task.ts";
import { compileEcho, type Contender, CONTENDERS } from "./contenders.ts";
import { measureFlood } from "./flood.ts";
import { type Load, measure, requireWrk, verify } from "./load.ts";
import { describeMachine, findPinning, type Pinning, residentMb } from "./machine.ts";
import { type BenchResults, type Measurement, render, summarize } from "./results.ts";
import type { Target } from "./target.ts";

const LOADS: readonly Load[] = [1, 32].flatMap((connections) =>
  [100, 64 * 1024].map((bytes) => ({ connections, bytes }))
);

interface Settings {
  rounds: number;
  seconds: number;
  folder: string;
  contenders: readonly Contender[];
}

function readSettings(args: string[]): Settings {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      seconds: { type: "string" },
      only: { type: "string", multiple: true },
      out: { type: "string", default: join(ROOT, "bench") },
    },
  });
  const names = CONTENDERS.map(({ name }) => name);
  const unknown = values.only?.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new TaskProblem(`unknown --only ${unknown}; one of ${names.join(", ")}`);
  }
  return {
    rounds: wholeNumber("rounds", values.rounds ?? (values.quick ? "3" : "7")),
    seconds: wholeNumber("seconds", values.seconds ?? (values.quick ? "1" : "4")),
    folder: resolve(values.out),
    contenders: CONTENDERS.filter(({ name }) => values.only?.includes(name) ?? true),
  };
}

function wholeNumber(name: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) {
    throw new TaskProblem(`--${name} must be a whole number from 1 to 9999, not ${text}`);
  }
  return Number(text);
}

async function bench(task: Task): Promise<number> {
  const { signal } = task;
  const settings = readSettings(Deno.args);
  const machine = describeMachine();
  const wrk = await requireWrk(signal);
  const pinning = await findPinning(signal);
  const echo = await compileEcho(signal);

  const targets: Target[] = [];
  const memory = new Map<string, { idle?: number; after?: number }>();
  for (const contender of settings.contenders) {
    const target = await contender.start(task, echo);
    targets.push(target);
    memory.set(target.name, { idle: await residentMb(target.pid) });
  }
  for (const target of targets) {
    for (const bytes of new Set(LOADS.map(({ bytes }) => bytes))) {
      await verify(target, { connections: 32, bytes, seconds: 1, signal });
    }
  }
  const measurements = await takeTurns(targets, { settings, pinning, signal });
  for (const { name, pid } of targets) memory.get(name)!.after = await residentMb(pid);
  console.error("flood");
  const flood = await measureFlood(task, { echo, seconds: settings.seconds });

  await write(settings.folder, {
    version: VERSION,
    when: new Date().toISOString(),
    machine,
    settings: {
      rounds: settings.rounds,
      seconds: settings.seconds,
      wrk,
      pinned: pinning !== undefined,
    },
    contenders: settings.contenders.map(({ name, about }) => ({
      name,
      about,
      memoryMb: memory.get(name)!,
    })),
    summaries: summarize(measurements),
    flood,
    measurements,
  }, signal);
  return 0;
}

interface TurnOptions {
  settings: Settings;
  pinning: Pinning | undefined;
  signal: AbortSignal;
}

/** In every round every contender meets every load once, right after its rivals. */
async function takeTurns(
  targets: readonly Target[],
  { settings: { rounds, seconds }, pinning, signal }: TurnOptions,
): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  for (let round = 1; round <= rounds; round++) {
    console.error(`round ${round} of ${rounds}`);
    for (const load of LOADS) {
      for (const target of targets) {
        const options = { ...load, seconds, signal };
        const measured = load.connections === 1 && pinning !== undefined
          ? await pinning.pinned(
            target.pid,
            () => measure(target, { ...options, prefix: pinning.prefix }),
          )
          : await measure(target, options);
        measurements.push({ contender: target.name, round, ...load, ...measured });
      }
    }
  }
  return measurements;
}

async function write(folder: string, results: BenchResults, signal: AbortSignal): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const document = join(folder, "results.md");
  const data = join(folder, "results.json");
  await Deno.writeTextFile(data, JSON.stringify(results, null, 2) + "\n");
  await Deno.writeTextFile(document, render(results));
  const { code, stderr } = await run(
    {
      command: Deno.execPath(),
      args: ["fmt", "--quiet", "--config", join(ROOT, "deno.json"), document, data],
      cwd: ROOT,
    },
    { signal, ms: 30_000 },
  );
  if (code !== 0) throw new TaskProblem(`Cannot format ${document}: ${stderr}`);
  console.log(await Deno.readTextFile(document));
  console.error(`written: ${document}, ${data}`);
}

await runTask("bench", bench);
