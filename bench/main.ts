/**
 * Compares aichaku with what it can be compared with, side by side in one run:
 *
 *     deno task bench                    all of it, about 25 minutes; writes results.md and results.json
 *     deno task bench --quick            a first look, under a minute
 *     deno task bench --part memory      one part; more than once for several
 *     deno task bench --only throughput/aichaku --only throughput/bare
 *
 * `--only` names a part, a contender, or a contender of a part. `--rounds N` and `--seconds N` change how
 * often and how long everyone is measured. A run that leaves something out only prints what it found,
 * unless `--out FOLDER` says where to write it. Needs `wrk`, a C compiler and Node, and the npm registry
 * the first time. `AICHAKU_TEST_BIN` names a compiled program to measure instead of the source.
 *
 * Everything is started here and ended with everything it started; nobody's own daemon is touched.
 *
 * @module
 */

import { join, resolve } from "@std/path";
import { parseArgs } from "node:util";
import { VERSION } from "../protocol/version.ts";
import { run } from "../scripts/lib/child.ts";
import { ROOT, temporaryFolder } from "../scripts/lib/project.ts";
import { runTask, type Task, TaskProblem } from "../scripts/lib/task.ts";
import { type Choice, choose } from "./choice.ts";
import { requireWrk } from "./load.ts";
import { describeMachine, findPinning } from "./machine.ts";
import { compiled } from "./programs.ts";
import { PARTS } from "./parts/mod.ts";
import { type BenchResults, render } from "./report.ts";
import type { Section } from "./section.ts";

interface Settings {
  choice: Choice;
  quick: boolean;
  rounds: number | undefined;
  seconds: number;
  /** Where to write; undefined to print only. */
  folder: string | undefined;
}

function readSettings(args: string[]): Settings {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      seconds: { type: "string" },
      part: { type: "string", multiple: true, default: [] },
      only: { type: "string", multiple: true, default: [] },
      out: { type: "string" },
    },
  });
  const { quick } = values;
  const wanted = [...values.part, ...values.only];
  const whole = wanted.length === 0 && !quick;
  const folder = values.out ?? (whole ? join(ROOT, "bench") : undefined);
  return {
    choice: choose(PARTS, { wanted, quick }),
    quick,
    rounds: wholeNumber("rounds", values.rounds ?? (quick ? "1" : undefined)),
    seconds: wholeNumber("seconds", values.seconds ?? (quick ? "1" : "2"))!,
    folder: folder === undefined ? undefined : resolve(folder),
  };
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,3}$/.test(text)) {
    throw new TaskProblem(`--${name} must be a whole number from 1 to 9999, not ${text}`);
  }
  return Number(text);
}

async function bench({ signal }: Task): Promise<number> {
  const settings = readSettings(Deno.args);
  const { choice, quick, seconds } = settings;
  const begin = performance.now();
  const machine = await describeMachine(signal);
  const wrk = await requireWrk(signal);
  const pinning = await findPinning(signal);
  const programs = {
    echo: await compiled("echo", signal),
    client: await compiled("client", signal),
  };
  const sections: Section[] = [];
  for (const { part, wants } of choice) {
    console.error(`${part.name} (${Math.round((performance.now() - begin) / 1000)} s)`);
    // What a part started ends with it: the next one has the machine for itself.
    await using stack = new AsyncDisposableStack();
    const rounds = settings.rounds ?? part.rounds ?? 5;
    sections.push(
      await part.run({ stack, signal }, { programs, rounds, seconds, quick, pinning, wants }),
    );
  }
  await write(settings.folder, {
    version: VERSION,
    program: Deno.env.get("AICHAKU_TEST_BIN") ? "compiled" : "source",
    when: new Date().toISOString(),
    machine,
    wrk,
    pinned: pinning !== undefined,
    sections,
  }, signal);
  console.error(`took ${Math.round((performance.now() - begin) / 1000)} s`);
  return 0;
}

async function write(
  folder: string | undefined,
  results: BenchResults,
  signal: AbortSignal,
): Promise<void> {
  await using temporary = await temporaryFolder();
  const place = folder ?? temporary.path;
  await Deno.mkdir(place, { recursive: true });
  const document = join(place, "results.md");
  const data = join(place, "results.json");
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
  if (folder !== undefined) console.error(`written: ${document}, ${data}`);
}

await runTask("bench", bench);
