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
  /** Processes that wanted to run, mean of the minute before the bench. */
  loadBefore: number;
}

/** Describes this one. */
export function describeMachine(): Machine {
  return {
    os: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
    cpu: cpuName() ?? "unknown",
    cores: navigator.hardwareConcurrency,
    deno: Deno.version.deno,
    loadBefore: Math.round(Deno.loadavg()[0] * 100) / 100,
  };
}

function cpuName(): string | undefined {
  if (Deno.build.os !== "linux") return undefined;
  return /^model name\s*:\s*(.+)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1];
}

/** A process and all that it started. */
export async function processTree(pid: number): Promise<number[]> {
  const found = [pid];
  for (let level = found; level.length > 0;) {
    level = (await Promise.all(level.map(childrenOf))).flat();
    found.push(...level);
  }
  return found;
}

/** Resident memory of a process, megabytes of 2^20 bytes. Undefined beyond Linux. */
export async function residentMb(pid: number): Promise<number | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)![1]) / 1024;
}

/** Keeps one-connection runs on one core: spread over two they swing severalfold. */
export interface Pinning {
  /** Words to run a program on that core. */
  readonly prefix: readonly string[];
  /** Runs `body` with a process, and all that it started, on that core. */
  pinned<T>(pid: number, body: () => Promise<T>): Promise<T>;
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
    async pinned(pid, body) {
      const tree = await processTree(pid);
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
