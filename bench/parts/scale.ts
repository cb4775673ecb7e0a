/**
 * What many servers and many sessions cost: the same load, spread.
 *
 * @module
 */

import type { Task } from "../../scripts/lib/task.ts";
import { DaemonFixture } from "../../tests/fixtures/daemon.ts";
import { startForwarder } from "../contenders/own.ts";
import type { Load } from "../request.ts";
import { type Measurement, ratio } from "../results.ts";
import { type Part, type PartOptions, type Section, type Verdict, verdict } from "../section.ts";
import { beginSession } from "../session.ts";
import { httpTarget, type Target } from "../target.ts";
import { loadTables, takeTurns } from "../turns.ts";

const SERVERS = 50;
const SESSIONS = 1_000;

const LOAD: Load = { connections: 32, bytes: 100, text: "plain" };

const ONE = "one";
const SPREAD = "50-servers";
const IDLE = "50-servers-one-busy";
const CROWD = "1000-sessions";
const FORWARDER = "forwarder";
const FORWARDER_SPREAD = "forwarder-50-servers";

const ABOUT: Readonly<Record<string, string>> = {
  [ONE]: "one server, one session",
  [SPREAD]:
    `${SERVERS} servers that run, a session with each, one call here and the next one there`,
  [IDLE]: `${SERVERS} servers that run, one of them called`,
  [CROWD]: `one server, ${SESSIONS} sessions, one call of this and the next one of that`,
  [FORWARDER]: "for comparison: as little as passes calls on, to one server",
  [FORWARDER_SPREAD]: `the same, to ${SERVERS} servers, one call here and the next one there`,
};

export const SCALE: Part = {
  name: "scale",
  contenders: Object.keys(ABOUT),
  inQuick: false,
  run,
};

async function run(task: Task, options: PartOptions): Promise<Section> {
  const { programs, quick: _quick, wants, ...turns } = options;
  const all = [
    ...await startTargets(task, programs.echo),
    await startBeside(task, { name: FORWARDER, echo: programs.echo, servers: 1 }),
    await startBeside(task, { name: FORWARDER_SPREAD, echo: programs.echo, servers: SERVERS }),
  ];
  const targets = all.filter(({ name }) => wants(name));
  const loads = [LOAD];
  const measured = await takeTurns(targets, { ...turns, loads, signal: task.signal });
  return {
    title: "Many servers, many sessions",
    text: "A daemon for each row; over Streamable HTTP.\n\n" +
      targets.map(({ name }) => `- **${name}**: ${ABOUT[name]}`).join("\n"),
    tables: loadTables(measured, ONE),
    verdicts: scaleVerdicts(measured.measurements),
    problems: measured.failures.map(({ problem }) => problem),
    data: { ...measured },
  };
}

async function startTargets(task: Task, echo: string): Promise<Target[]> {
  return [
    await startTarget(task, { name: ONE, echo, servers: 1, called: 1, sessions: 1 }),
    await startTarget(task, { name: SPREAD, echo, servers: SERVERS, called: SERVERS, sessions: 1 }),
    await startTarget(task, { name: IDLE, echo, servers: SERVERS, called: 1, sessions: 1 }),
    await startTarget(task, { name: CROWD, echo, servers: 1, called: 1, sessions: SESSIONS }),
  ];
}

interface Shape {
  name: string;
  echo: string;
  servers: number;
  /** How many of them are put under load; all are started. */
  called: number;
  /** With each. */
  sessions: number;
}

async function startTarget({ stack, signal }: Task, shape: Shape): Promise<Target> {
  const { name, echo, servers, called, sessions } = shape;
  const names = Array.from({ length: servers }, (_, i) => `echo${i}`);
  // Entries that are the same would be one server.
  const entry = (server: string) => [server, { command: echo, args: ["legacy", server] }];
  const daemon = stack.use(
    await DaemonFixture.start({
      config: {
        server: { limits: { maxSessions: 2 * SESSIONS } },
        mcpServers: Object.fromEntries(names.map(entry)),
      },
    }),
  );
  const places = [];
  for (const [i, server] of names.entries()) {
    const url = `${daemon.url}/mcp/${server}`;
    for (let count = 0; count < sessions; count++) {
      const place = { url, headers: await beginSession(url, signal) };
      if (i < called) places.push(place);
    }
  }
  return httpTarget({ name, pid: daemon.pid, places });
}

/** What many servers cost whoever passes calls on to them. */
async function startBeside(
  task: Task,
  { name, echo, servers }: { name: string; echo: string; servers: number },
): Promise<Target> {
  const { pid, url } = await startForwarder(task, { echo, servers });
  const at = (server: number) => ({ url: new URL(String(server), url).href, headers: {} });
  return httpTarget({ name, pid, places: Array.from({ length: servers }, (_, i) => at(i)) });
}

/** What has to be shown. */
export function scaleVerdicts(measurements: readonly Measurement[]): Verdict[] {
  const within = (contender: string) =>
    verdict(
      `throughput, ${contender} / ${ONE}`,
      ratio(measurements, { of: { contender, load: LOAD }, to: { contender: ONE, load: LOAD } }),
      ["at least", 0.85, "x"],
    );
  return [...within(SPREAD), ...within(IDLE), ...within(CROWD)];
}
