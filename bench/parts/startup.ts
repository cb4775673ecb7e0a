/**
 * Cold starts: what a person or a hook waits for who runs one command.
 *
 * @module
 */

import type { Task } from "../../scripts/lib/task.ts";
import { TaskProblem } from "../../scripts/lib/task.ts";
import { run as runChild } from "../../scripts/lib/child.ts";
import { denoRun } from "../../scripts/lib/project.ts";
import { DaemonFixture } from "../../tests/fixtures/daemon.ts";
import { mcporter } from "../contenders/peers.ts";
import { EVERYTHING, installed } from "../programs.ts";
import { median } from "../results.ts";
import { type Part, type PartOptions, type Section, type Verdict, verdict } from "../section.ts";
import { beginSession } from "../session.ts";

/** Milliseconds of each round, by the name of what was started. */
type Times = Readonly<Record<string, number[]>>;

/** Runs something once, to its end. */
interface Subject {
  name: string;
  once(): Promise<void>;
  /** Afterwards, not measured. */
  undo?(): Promise<void>;
}

const CALL = "aichaku call, the daemon runs";
const MCPORTER_CALL = "mcporter call, its daemon runs";
const SPAWNED = "a client of the SDK that starts the server";

export const STARTUP: Part = {
  name: "startup",
  contenders: [],
  inQuick: false,
  rounds: 20,
  run,
};

async function run(task: Task, { quick, rounds }: PartOptions): Promise<Section> {
  const subjects = await prepare(task);
  const times: Record<string, number[]> = Object.fromEntries(
    subjects.map(({ name }) => [name, []]),
  );
  for (let round = 0; round < (quick ? Math.max(rounds, 3) : rounds); round++) {
    for (const { name, once, undo } of subjects) {
      task.signal.throwIfAborted();
      const begin = performance.now();
      await once();
      times[name].push(performance.now() - begin);
      await undo?.();
    }
  }
  return {
    title: "Cold starts",
    text:
      `From the start of a command to its end. The calls are of \`${EVERYTHING}\`'s \`echo\`. ` +
      "`deno --version` and a program that makes the same call with one `fetch` and prints what came " +
      "are the bounds: nothing made with this runtime is faster.",
    tables: [{
      title: "",
      head: ["what", "median ms", "fastest ms", `${CALL} / this`],
      rows: subjects.map(({ name }) => [
        name,
        median(times[name]).toFixed(0),
        Math.min(...times[name]).toFixed(0),
        ratioOf(times, CALL, name).toPrecision(3),
      ]),
    }],
    verdicts: startupVerdicts(times),
    data: { times },
  };
}

async function prepare(task: Task): Promise<Subject[]> {
  const { stack, signal } = task;
  const command = "node";
  const args = [await installed(EVERYTHING, "dist/index.js", signal)];
  const config = { mcpServers: { everything: { command, args } } };
  const running = stack.use(await DaemonFixture.start({ config }));
  const alone = stack.use(await DaemonFixture.create({ config }));
  const starting = stack.use(
    await DaemonFixture.create({ config, env: { AICHAKU_AUTOSTART: "1" } }),
  );
  const url = `${running.url}/mcp/everything`;
  const headers = await beginSession(url, signal);
  const peer = await mcporter(task, { everything: { command, args } });
  const program = (command: string, args: string[], env?: Record<string, string>) => async () => {
    const { code, stdout, stderr } = await runChild({ command, args, env }, { signal, ms: 60_000 });
    if (code !== 0) {
      throw new TaskProblem(`${command} ${args.join(" ")} failed:\n${stdout}${stderr}`);
    }
  };
  const aichaku = (home: DaemonFixture, ...args: string[]) => async () => {
    const { code, stdout, stderr } = await home.cli(...args);
    if (code !== 0) throw new TaskProblem(`aichaku ${args.join(" ")} failed:\n${stdout}${stderr}`);
  };
  const call = ["call", "everything", "echo", "message=hello"];
  const subjects: Subject[] = [
    { name: "deno --version", once: program(Deno.execPath(), ["--version"]) },
    {
      name: "a fetch",
      once: program(
        Deno.execPath(),
        denoRun("bench/programs/fetch.ts", JSON.stringify({ url, headers })),
      ),
    },
    { name: "aichaku --version", once: aichaku(alone, "--version") },
    { name: CALL, once: aichaku(running, ...call) },
    {
      name: "aichaku call, which starts daemon and server",
      once: aichaku(starting, ...call),
      undo: aichaku(starting, "mcp", "--stop-server"),
    },
    {
      name: MCPORTER_CALL,
      once: program(
        peer.program,
        [...peer.args, "call", "everything.echo", "message=hello"],
        peer.env,
      ),
    },
    {
      name: SPAWNED,
      once: program(
        Deno.execPath(),
        denoRun(
          "bench/programs/sdk_client.ts",
          JSON.stringify({ once: true, command: [command, ...args] }),
        ),
      ),
    },
    {
      name: "aichaku mcp --start-server, to its health",
      once: aichaku(alone, "mcp", "--start-server"),
      undo: aichaku(alone, "mcp", "--stop-server"),
    },
  ];
  // Once before: whatever is compiled or cached is from now on.
  for (const { once, undo } of subjects) {
    await once();
    await undo?.();
  }
  return subjects;
}

/** Median over the rounds of the ratio within a round. */
export function ratioOf(times: Times, of: string, to: string): number {
  return median(times[of].map((time, round) => time / times[to][round]));
}

function startupVerdicts(times: Times): Verdict[] {
  return [MCPORTER_CALL, SPAWNED].flatMap((other) =>
    verdict(`time of ${CALL} / ${other}`, ratioOf(times, CALL, other), ["at most", 0.3, "x"])
  );
}
