/**
 * One daemon, and every way into it: both eras of clients before both eras of servers.
 *
 * @module
 */

import { join } from "@std/path";
import type { Task } from "../../scripts/lib/task.ts";
import { DaemonFixture } from "../../tests/fixtures/daemon.ts";
import type { Programs } from "../contenders/mod.ts";
import { type Load, MODERN_HEADERS, modernCall } from "../request.ts";
import { loadName, type Measurement, ratio } from "../results.ts";
import { type Part, type PartOptions, type Section, type Verdict, verdict } from "../section.ts";
import { beginSession, INITIALIZE, INITIALIZED } from "../session.ts";
import { httpTarget, lineTarget, type Target } from "../target.ts";
import { loadTables, takeTurns } from "../turns.ts";

const MANY: Load = { connections: 32, bytes: 100, text: "plain" };

const QUICK: readonly Load[] = [MANY];

const LOADS: readonly Load[] = [
  { ...MANY, connections: 1 },
  MANY,
  { ...MANY, bytes: 64 * 1024 },
];

/** The way that the others are compared with. */
const STRAIGHT = "http";
/** The same for modern clients. */
const STRAIGHT_MODERN = "http-modern";
/** A modern client at a legacy server. */
const BRIDGED = "http-modern-legacy";

/** Ways by their name; what stands behind the last dash is the server's era where it is not the client's. */
const WAYS: Readonly<Record<string, string>> = {
  [STRAIGHT]: "Streamable HTTP, client and server of 2025-11-25: the straight path",
  [STRAIGHT_MODERN]: "Streamable HTTP, client and server of 2026-07-28: the other straight path",
  [BRIDGED]: "a client of 2026-07-28 at a server of 2025-11-25: over the bridge",
  "http-legacy-modern": "a client of 2025-11-25 at a server of 2026-07-28: over the bridge",
  rpc: "`POST /rpc/{server}` with a session of its own",
  websocket: "`/mcp/{server}/ws`, one session a connection",
  socket: "lines over `mcp.sock`, one session a connection",
  "socket-modern": "the same, client and server of 2026-07-28",
  stdio: "one `aichaku mcp --stdio`, all calls over its one pair of streams",
  "stdio-modern": "the same, client and server of 2026-07-28",
};

/** Those of a first look. */
const FIRST: readonly string[] = [STRAIGHT, STRAIGHT_MODERN, BRIDGED, "stdio"];

export const WAYS_IN: Part = {
  name: "ways",
  contenders: Object.keys(WAYS),
  inQuick: true,
  notInQuick: Object.keys(WAYS).filter((name) => !FIRST.includes(name)),
  rounds: 3,
  run,
};

async function run(task: Task, options: PartOptions): Promise<Section> {
  const { programs, quick, wants, ...turns } = options;
  const loads = quick ? QUICK : LOADS;
  const all = await startWays(task, programs);
  const targets = all.filter(({ name }) => wants(name));
  const measured = await takeTurns(targets, { ...turns, loads, signal: task.signal });
  return {
    title: "Ways in",
    text: "One daemon with an echo server of either era. The last column is how much faster the " +
      "straight path over HTTP is than this one.\n\n" +
      targets.map(({ name }) => `- **${name}**: ${WAYS[name]}`).join("\n"),
    tables: loadTables(measured, STRAIGHT),
    verdicts: waysVerdicts(measured.measurements),
    problems: measured.failures.map(({ problem }) => problem),
    data: { ...measured },
  };
}

async function startWays(
  { stack, signal }: Task,
  { echo, client }: Programs,
): Promise<Target[]> {
  const daemon = stack.use(
    await DaemonFixture.start({
      config: {
        mcpServers: { legacy: { command: echo }, modern: { command: echo, args: ["modern"] } },
      },
    }),
  );
  const { pid, url, paths, env, program } = daemon;
  const rpcHeaders = { "x-session-id": crypto.randomUUID() };
  const streamable = async (server: string) => [{
    url: `${url}/mcp/${server}`,
    headers: await beginSession(`${url}/mcp/${server}`, signal),
  }];
  const modern = (server: string) => [{ url: `${url}/mcp/${server}`, headers: MODERN_HEADERS }];
  const hello = (server: string) => JSON.stringify({ aichaku: { server } });
  const initialize = [INITIALIZE, INITIALIZED].map((message) => JSON.stringify(message));
  const bridge = (server: string) => [
    ...["stdio", program.command, ...program.args],
    ...["mcp", "--stdio", "--server", server],
  ];
  const { port } = new URL(url);
  const socket = ["unix", join(paths.socket)];
  const of = { pid, client };
  return [
    httpTarget({ name: STRAIGHT, pid, places: await streamable("legacy") }),
    httpTarget({ name: STRAIGHT_MODERN, pid, places: modern("modern"), body: modernCall }),
    httpTarget({ name: BRIDGED, pid, places: modern("legacy"), body: modernCall }),
    httpTarget({ name: "http-legacy-modern", pid, places: await streamable("modern") }),
    httpTarget({ name: "rpc", pid, places: [{ url: `${url}/rpc/legacy`, headers: rpcHeaders }] }),
    lineTarget({
      ...of,
      name: "websocket",
      args: ["ws", port, "/mcp/legacy/ws"],
      opening: initialize,
    }),
    lineTarget({
      ...of,
      name: "socket",
      args: socket,
      opening: [hello("legacy"), ...initialize],
    }),
    lineTarget({
      ...of,
      name: "socket-modern",
      args: socket,
      opening: [hello("modern")],
      body: modernCall,
    }),
    lineTarget({ ...of, name: "stdio", args: bridge("legacy"), opening: initialize, env }),
    lineTarget({ ...of, name: "stdio-modern", args: bridge("modern"), body: modernCall, env }),
  ];
}

/** What has to be shown of the bridge between the eras, against the straight paths of both. */
export function waysVerdicts(measurements: readonly Measurement[]): Verdict[] {
  const of = { contender: BRIDGED, load: MANY };
  return [STRAIGHT, STRAIGHT_MODERN].flatMap((straight) => {
    const to = { contender: straight, load: MANY };
    const slower = ratio(measurements, { of: to, to: of });
    const dearer = ratio(measurements, { of, to, value: ({ cpuUs }) => cpuUs });
    const where = `a call over the bridge / ${straight}, ${loadName(MANY)}`;
    return [
      ...verdict(`time of ${where}`, slower, ["at most", 1.5, "x"]),
      ...verdict(`processor time of ${where}`, dearer, ["at most", 1.5, "x"]),
    ];
  });
}
