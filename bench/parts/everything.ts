/**
 * A real server, the reference one, behind the daemon, and what a client of the official SDK gets from
 * it that has it for itself.
 *
 * @module
 */

import type { Task } from "../../scripts/lib/task.ts";
import { DaemonFixture } from "../../tests/fixtures/daemon.ts";
import { directTarget } from "../contenders/own.ts";
import { EVERYTHING, installed } from "../programs.ts";
import type { Load } from "../request.ts";
import { ratio } from "../results.ts";
import { type Part, type PartOptions, type Section, verdict } from "../section.ts";
import { beginSession } from "../session.ts";
import { httpTarget, type Target } from "../target.ts";
import { loadTables, takeTurns } from "../turns.ts";

const LOAD: Load = { connections: 32, bytes: 100, text: "plain" };

export const REAL_SERVER: Part = {
  name: "everything",
  contenders: ["aichaku", "direct"],
  inQuick: false,
  run,
};

async function run(task: Task, options: PartOptions): Promise<Section> {
  const { programs: _programs, quick: _quick, wants, ...turns } = options;
  const { signal } = task;
  const command = ["node", await installed(EVERYTHING, "dist/index.js", signal)];
  const all = [await startDaemon(task, command), directTarget({ name: "direct", command })];
  const targets = all.filter(({ name }) => wants(name));
  const loads = [LOAD];
  const measured = await takeTurns(targets, { ...turns, loads, signal });
  return {
    title: "server-everything",
    text: `\`${EVERYTHING}\` behind the daemon, over Streamable HTTP, and with a client of the ` +
      "official SDK on stdio that keeps 32 calls waiting. The server is the bottleneck of both.",
    tables: loadTables(measured, "aichaku"),
    verdicts: verdict(
      "throughput of server-everything / a direct client's, 32 calls waiting",
      ratio(measured.measurements, {
        of: { contender: "aichaku", load: LOAD },
        to: { contender: "direct", load: LOAD },
      }),
      ["at least", 0.4, "x"],
    ),
    problems: measured.failures.map(({ problem }) => problem),
    data: { ...measured },
  };
}

async function startDaemon(
  { stack, signal }: Task,
  [command, ...args]: readonly string[],
): Promise<Target> {
  const daemon = stack.use(
    await DaemonFixture.start({ config: { mcpServers: { everything: { command, args } } } }),
  );
  const url = `${daemon.url}/mcp/everything`;
  const headers = await beginSession(url, signal);
  return httpTarget({ name: "aichaku", pid: daemon.pid, places: [{ url, headers }] });
}
