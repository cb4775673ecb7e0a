/**
 * What the daemon holds: at rest, after many calls, with many open streams, and while somebody does not
 * read. Each on a daemon of its own, whose own process is looked at.
 *
 * @module
 */

import type { Task } from "../../scripts/lib/task.ts";
import type { Load } from "../request.ts";
import { type Part, type PartOptions, type Section, type Verdict, verdict } from "../section.ts";
import { beginSession } from "../session.ts";
import { httpTarget, measure } from "../target.ts";
import { type Held, rested, startDaemon } from "./held.ts";
import {
  type Cost,
  measureStalledChild,
  measureUnreadAnswers,
  measureUnreadSocket,
} from "./stalled.ts";
import { openGetStreams, openListenStreams } from "./streams.ts";

const LOAD: Load = { connections: 32, bytes: 100, text: "plain" };
const STREAMS = 1_000;

/** What was found, MB. */
export interface Memory {
  idle: Held;
  /** After so many calls. */
  calls: (Held & { count: number })[];
  streams: (Held & { kind: string; count: number })[];
  stalled: Cost[];
}

export const MEMORY: Part = { name: "memory", contenders: [], inQuick: false, run };

async function run(task: Task, options: PartOptions): Promise<Section> {
  if (Deno.build.os !== "linux") {
    return {
      ...{ title: "Memory", text: "Measured on Linux only.", tables: [], verdicts: [] },
      data: null,
    };
  }
  const counts = options.quick ? [10_000, 100_000] : [100_000, 1_000_000];
  const echo = options.programs.echo;
  const { idle, calls } = await afterCalls(task, { echo, counts });
  const streams = [
    { kind: "`GET` streams, a session each", ...await withStreams(task, echo, openGetStreams) },
    { kind: "`subscriptions/listen` streams", ...await withStreams(task, echo, openListenStreams) },
  ];
  const stalled: Cost[] = [];
  for (const measureCost of [measureUnreadSocket, measureUnreadAnswers, measureStalledChild]) {
    await using stack = new AsyncDisposableStack();
    stalled.push(await measureCost({ ...task, stack }, echo));
  }
  const memory: Memory = { idle, calls, streams, stalled };
  return {
    title: "Memory",
    text:
      "Resident memory of the daemon's process, MB; its echo server (1 MB) and the shell that " +
      "watches over it are not counted.",
    tables: [
      {
        title: "",
        head: ["when", "MB", "of that without the program's code"],
        rows: [
          row("at rest, no server started", idle),
          ...calls.map((each) => row(`after ${each.count.toLocaleString("en")} calls`, each)),
          ...streams.map((each) => row(`${each.count} ${each.kind}`, each)),
        ],
      },
      {
        title: "Those who stall",
        head: ["who", "before", "most", "afterwards", "what became of them"],
        rows: stalled.map(({ what, before, peak, after, outcome }) => [
          ...[what, before.toFixed(0), peak.toFixed(0), after.toFixed(0), outcome],
        ]),
      },
    ],
    verdicts: memoryVerdicts(memory),
    data: memory,
  };
}

function row(when: string, { mb, anonymousMb }: Held): string[] {
  return [when, mb.toFixed(0), anonymousMb.toFixed(0)];
}

async function afterCalls(
  { signal }: Task,
  { echo, counts }: { echo: string; counts: readonly number[] },
): Promise<Pick<Memory, "idle" | "calls">> {
  await using daemon = await startDaemon(echo);
  const idle = await rested(daemon, signal);
  const url = `${daemon.url}/mcp/echo`;
  const target = httpTarget({
    ...{ name: "aichaku", pid: daemon.pid },
    places: [{ url, headers: await beginSession(url, signal) }],
  });
  const calls: Memory["calls"] = [];
  let made = 0;
  for (const count of counts) {
    while (made < count) {
      const { perSecond } = await measure(target, { load: LOAD, seconds: 2, signal });
      made += Math.round(2 * perSecond);
    }
    calls.push({ count, ...await rested(daemon, signal) });
  }
  return { idle, calls };
}

async function withStreams(
  { signal }: Task,
  echo: string,
  open: typeof openGetStreams,
): Promise<Held & { count: number }> {
  await using daemon = await startDaemon(echo);
  using _streams = await open(daemon.url, { server: "echo", count: STREAMS, signal });
  return { count: STREAMS, ...await rested(daemon, signal) };
}

/** What has to be shown. */
export function memoryVerdicts({ idle, calls, streams }: Memory): Verdict[] {
  const [few, many] = calls;
  return [
    ...verdict("resident memory at rest", idle.mb, ["at most", 60, "MB"]),
    ...verdict(
      `resident memory after ${many.count} calls / after ${few.count}`,
      many.mb / few.mb,
      ["at most", 1.1, "x"],
    ),
    ...verdict(`resident memory after ${many.count} calls`, many.mb, ["at most", 200, "MB"]),
    ...streams.flatMap(({ kind, count, mb }) =>
      verdict(`resident memory with ${count} ${kind}`, mb, ["at most", 200, "MB"])
    ),
  ];
}
