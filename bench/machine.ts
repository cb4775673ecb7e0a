/**
 * The machine that measures: what it is, how busy it is, and which core a process may use.
 *
 * @module
 */

import { run } from "../scripts/lib/child.ts";
import { TaskProblem } from "../scripts/lib/task.ts";
import { childrenOf } from "../tests/e2e/support/processes.ts";

/** For the reader of the results. */
export interface Machine {
  os: string;
  cpu: string;
  cores: number;
  deno: string;
  /** The Node that the peers run on. */
  node: string;
  /** Processes that wanted to run, mean of the minute before the bench. */
  loadBefore: number;
}

/** Describes this one. */
export async function describeMachine(signal: AbortSignal): Promise<Machine> {
  const { stdout } = await run({ command: "node", args: ["--version"] }, { signal, ms: 10_000 });
  return {
    os: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
    cpu: cpuName() ?? "unknown",
    cores: navigator.hardwareConcurrency,
    deno: Deno.version.deno,
    node: stdout.trim(),
    loadBefore: Math.round(Deno.loadavg()[0] * 100) / 100,
  };
}

function cpuName(): string | undefined {
  if (Deno.build.os !== "linux") return undefined;
  return /^model name\s*:\s*(.+)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1];
}

/** Processes and all that they started. */
export async function processTree(roots: readonly number[]): Promise<number[]> {
  const parents = Deno.build.os === "linux" ? await parentsOfAll() : undefined;
  const found = [...roots];
  for (let level = found; level.length > 0;) {
    const above = level;
    level = parents === undefined
      ? (await Promise.all(above.map(childrenOf))).flat()
      : [...parents].flatMap(([child, parent]) => above.includes(parent) ? [child] : []);
    found.push(...level);
  }
  return found;
}

/** Process id → that of its parent. One look at /proc for a whole tree. */
async function parentsOfAll(): Promise<Map<number, number>> {
  const parents = new Map<number, number>();
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readProc(Number(name), "stat");
    if (stat === undefined) continue;
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (state !== "Z" && state !== "X") parents.set(Number(name), Number(parent));
  }
  return parents;
}

/** What a process and all that it started hold and have used. */
export interface Usage {
  /** How many they are. */
  processes: number;
  /** Resident memory, MB of 2^20 bytes; what several share is counted for each. */
  residentMb: number;
  /** The part of it that no file stands behind: not the program's code. */
  anonymousMb: number;
  /** The same with what is shared divided among those that share it, where the system tells (PSS). */
  proportionalMb: number | undefined;
}

/** Undefined beyond Linux. A process that ends meanwhile is left out. */
export async function usageOf(pids: readonly number[]): Promise<Usage | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  const each = await Promise.all(pids.map(async (pid) => ({
    resident: kilobytes(await readProc(pid, "status"), "VmRSS"),
    anonymous: kilobytes(await readProc(pid, "status"), "RssAnon"),
    proportional: kilobytes(await readProc(pid, "smaps_rollup"), "Pss"),
  })));
  const there = each.filter(({ resident }) => resident !== undefined);
  const known = there.every(({ proportional }) => proportional !== undefined);
  return {
    processes: there.length,
    residentMb: there.reduce((sum, { resident }) => sum + resident!, 0) / 1024,
    anonymousMb: there.reduce((sum, { anonymous }) => sum + (anonymous ?? 0), 0) / 1024,
    proportionalMb: known
      ? there.reduce((sum, { proportional }) => sum + proportional!, 0) / 1024
      : undefined,
  };
}

/** Resident memory of one process, MB of 2^20 bytes. Undefined beyond Linux. */
export async function residentMb(pid: number): Promise<number | undefined> {
  return (await usageOf([pid]))?.residentMb;
}

/** Clock ticks a second in /proc; the same on every Linux that Deno runs on. */
const TICKS = 100;

/**
 * Processor time that processes and all that they started have used, milliseconds, to the tick of 10 ms.
 * Undefined beyond Linux.
 */
export async function cpuMs(roots: readonly number[]): Promise<number | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  const all = await processTree(roots);
  const ticks = await Promise.all(all.map(async (each) => {
    const stat = await readProc(each, "stat");
    return stat === undefined ? 0 : ticksOf(stat);
  }));
  return ticks.reduce((sum, each) => sum + each, 0) * 1000 / TICKS;
}

/** utime and stime in a line of /proc/PID/stat. Source: proc_pid_stat(5), fields 14 and 15. */
export function ticksOf(stat: string): number {
  // The name of the program, the second field, may have spaces and brackets in it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

/** A value in a file of /proc such as `status`; undefined when it is not there. */
function kilobytes(text: string | undefined, name: string): number | undefined {
  const found = text === undefined ? null : new RegExp(`^${name}:\\s*(\\d+) kB$`, "m").exec(text);
  return found === null ? undefined : Number(found[1]);
}

/** Undefined when the process is gone, or may not be looked into. */
async function readProc(pid: number, file: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(`/proc/${pid}/${file}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.PermissionDenied) return undefined;
    // ESRCH, which Deno has no class for: it ended between opening and reading.
    if (error instanceof Error && error.message.includes("os error 3)")) return undefined;
    throw error;
  }
}

/** Keeps one-connection runs on one core: spread over two they swing severalfold. */
export interface Pinning {
  /** Words to run a program on that core. */
  readonly prefix: readonly string[];
  /** Runs `body` with processes, and all that they started, on that core. */
  pinned<T>(pids: readonly number[], body: () => Promise<T>): Promise<T>;
}

/** Pinning by `taskset`; undefined where there is no such program. */
export async function findPinning(signal: AbortSignal): Promise<Pinning | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  const taskset = async (...args: string[]) => {
    const { code, stderr } = await run({ command: "taskset", args }, { signal, ms: 5_000 });
    if (code !== 0) throw new TaskProblem(`taskset ${args.join(" ")} failed: ${stderr}`);
  };
  const last = navigator.hardwareConcurrency - 1;
  try {
    await taskset("-c", String(last), "true");
  } catch (error) {
    if (error instanceof TaskProblem) return undefined;
    throw error;
  }
  return {
    prefix: ["taskset", "-c", String(last)],
    async pinned(pids, body) {
      const tree = await processTree(pids);
      const allow = (cores: string) =>
        Promise.all(tree.map((each) => taskset("-a", "-c", "-p", cores, String(each))));
      await allow(String(last));
      try {
        return await body();
      } finally {
        await allow(`0-${last}`);
      }
    },
  };
}
