/**
 * The load generator: `wrk`, because at these rates one written in JavaScript would measure itself.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { run } from "../scripts/lib/child.ts";
import { TaskProblem } from "../scripts/lib/task.ts";
import type { Target } from "./target.ts";

/** A load. */
export interface Load {
  connections: number;
  /** Length of the message that is echoed. */
  bytes: number;
}

/** How one run under load went. */
export interface Measured {
  /** Calls that were answered, a second. */
  perSecond: number;
  /** Milliseconds. */
  p50: number;
  /** Milliseconds. */
  p99: number;
}

/** How to run. */
export interface LoadOptions extends Load {
  /** Whole seconds, at least 1. */
  seconds: number;
  /** Words before `wrk`, such as `taskset -c 1`. Default none. */
  prefix?: readonly string[];
  signal: AbortSignal;
}

/** What `load.lua` prints. */
interface Printed {
  requests: number;
  seconds: number;
  p50Ms: number;
  p99Ms: number;
  failed: number;
  wrong: number;
  sample: string;
}

const SCRIPT = fromFileUrl(import.meta.resolve("./load.lua"));

/** @throws {TaskProblem} when `wrk` is not there, with the way to get it. */
export async function requireWrk(signal: AbortSignal): Promise<string> {
  try {
    const { stdout } = await run({ command: "wrk", args: ["-v"] }, { signal, ms: 5_000 });
    return /^wrk \S+/.exec(stdout)?.[0] ?? "wrk";
  } catch (error) {
    if (!(error instanceof TaskProblem)) throw error;
    throw new TaskProblem(
      "wrk, the load generator, is not installed. Debian and Ubuntu: apt-get install wrk; " +
        "macOS: brew install wrk; source: https://github.com/wg/wrk",
      { cause: error },
    );
  }
}

/** Measures a target. */
export async function measure(target: Target, options: LoadOptions): Promise<Measured> {
  const { requests, seconds, p50Ms, p99Ms } = await runWrk(target, options, {});
  return { perSecond: requests / seconds, p50: p50Ms, p99: p99Ms };
}

/**
 * Warms a target up, and makes sure that what will be measured are right answers.
 *
 * @throws {TaskProblem} when one is wrong.
 */
export async function verify(target: Target, options: LoadOptions): Promise<void> {
  const { requests, wrong, sample } = await runWrk(target, options, { BENCH_VERIFY: "1" });
  if (wrong > 0) {
    throw new TaskProblem(
      `${target.name} gave ${wrong} wrong answers in ${requests} calls, such as: ${sample}`,
    );
  }
}

async function runWrk(
  { name, url, headers }: Target,
  { connections, bytes, seconds, prefix = [], signal }: LoadOptions,
  env: Record<string, string>,
): Promise<Printed> {
  const [command, ...args] = [
    ...prefix,
    "wrk",
    // One thread: more would take the cores from what is measured.
    ...["-t", "1", "-c", String(connections), "-d", `${seconds}s`, "--timeout", "10s"],
    ...["-s", SCRIPT, url],
  ];
  const { code, stdout, stderr } = await run({
    command,
    args,
    env: {
      BENCH_BYTES: String(bytes),
      BENCH_HEADERS: Object.entries(headers).map(([name, value]) => `${name}: ${value}`).join("\n"),
      ...env,
    },
  }, { signal, ms: (seconds + 30) * 1000 });
  const line = stdout.split("\n").findLast((line) => line.startsWith("{"));
  if (code !== 0 || line === undefined) {
    throw new TaskProblem(`wrk failed (exit code ${code}) at ${name}:\n${stdout}${stderr}`);
  }
  const printed: Printed = JSON.parse(line);
  if (printed.failed > 0 || printed.requests === 0) {
    throw new TaskProblem(
      `${name} failed ${printed.failed} of ${printed.requests} calls with ${connections} ` +
        `connections and ${bytes} bytes`,
    );
  }
  return printed;
}
