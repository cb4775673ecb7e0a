/**
 * How long starts take, side by side:
 *
 *     deno task startup [--rounds N]       of the binary that AICHAKU_TEST_BIN names, or of the source
 *
 * Medians of N rounds (default 20), one of each in every round, so that a busy machine is unfair to
 * all of them alike. `deno --version` is the measure: no program made with Deno starts faster. The
 * targets, for a binary on an idle machine, are 40, 80 and 400 ms.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { DaemonFixture, program } from "../tests/fixtures/daemon.ts";
import { runTask, type Task, TaskProblem } from "./lib/task.ts";

/** Runs something once. */
type Once = () => Promise<void>;

async function startup({ signal }: Task): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: { rounds: { type: "string", default: "20" } },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new TaskProblem(`--rounds must be a positive whole number: it is ${values.rounds}`);
  }
  await using running = await DaemonFixture.start();
  await using stopped = await DaemonFixture.create();
  const subjects: Record<string, Once> = {
    "deno --version": () => denoVersion(),
    "aichaku --version": () => expecting(running, 0, "--version"),
    "aichaku mcp --server-status (it runs)": () => expecting(running, 0, "mcp", "--server-status"),
    "aichaku mcp --server-status (it does not)": () =>
      expecting(stopped, 3, "mcp", "--server-status"),
    "aichaku mcp --start-server, to its health": () =>
      expecting(stopped, 0, "mcp", "--start-server"),
  };
  const times = new Map(Object.keys(subjects).map((name) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, once] of Object.entries(subjects)) {
      signal.throwIfAborted();
      const begin = performance.now();
      await once();
      times.get(name)!.push(performance.now() - begin);
    }
    await expecting(stopped, 0, "mcp", "--stop-server");
  }
  const { command, args } = program();
  console.log(`${[command, ...args].join(" ")}\nmedian of ${rounds}, and the fastest, ms`);
  for (const [name, all] of times) {
    all.sort((a, b) => a - b);
    const median = all[Math.floor(all.length / 2)];
    console.log(`${median.toFixed(0).padStart(6)} ${all[0].toFixed(0).padStart(6)}  ${name}`);
  }
  return 0;
}

async function expecting(home: DaemonFixture, code: number, ...args: string[]): Promise<void> {
  const result = await home.cli(...args);
  if (result.code === code) return;
  throw new TaskProblem(`aichaku ${args.join(" ")} ended with ${result.code}:\n${result.stderr}`);
}

async function denoVersion(): Promise<void> {
  await new Deno.Command(Deno.execPath(), { args: ["--version"], stdin: "null" }).output();
}

await runTask("startup", startup);
