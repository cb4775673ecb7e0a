/**
 * What is measured: something that answers `tools/call` of `echo`, and how to put it under load.
 *
 * @module
 */

import { TaskProblem } from "../scripts/lib/task.ts";
import { type Generated, runClient, runWrk } from "./load.ts";
import { cpuMs } from "./machine.ts";
import { legacyCall, type Load, messageJson } from "./request.ts";

/** One run of a load. */
export interface Run {
  load: Load;
  /** Whole seconds, at least 1. */
  seconds: number;
  /** Words before the load generator, such as `taskset -c 1`. Default none. */
  prefix?: readonly string[];
  /** Whether to look at every answer (slower, so not while measuring). Default false. */
  verify?: boolean;
  signal: AbortSignal;
}

/** How a run went. */
export interface Measured {
  /** Calls that were answered, a second. */
  perSecond: number;
  /** Milliseconds. */
  p50: number;
  /** Milliseconds. */
  p99: number;
  /** Processor time of the contender and all it started, its echo server too, µs a call. Linux. */
  cpuUs?: number;
}

/** A contender that runs. */
export interface Target {
  name: string;
  /** Its processes; those that they started belong to it. None: it lives only while it is measured. */
  pids(): Promise<readonly number[]>;
  /** Whether it can be measured under this load. Default: every one. */
  takes?(load: Load): boolean;
  generate(run: Run): Promise<Generated>;
}

/** One to be measured over HTTP. */
export interface HttpTarget {
  name: string;
  /** Its process. */
  pid: number;
  /** Processes of its that are nobody's children. */
  others?(): Promise<readonly number[]>;
  /** Where the calls go, by turns. Headers beside host, content type, length and accept. */
  places: readonly { url: string; headers: Readonly<Record<string, string>> }[];
  /** Body of a call. Default {@linkcode legacyCall}. */
  body?(load: Load): string;
  takes?(load: Load): boolean;
}

/** A target that `wrk` measures. */
export function httpTarget(target: HttpTarget): Target {
  const { name, pid, others, places, body = legacyCall, takes } = target;
  return {
    name,
    takes,
    pids: async () => [pid, ...await others?.() ?? []],
    generate: (run) =>
      runWrk({
        ...run,
        connections: run.load.connections,
        places,
        body: body(run.load),
        wanted: run.verify ? messageJson(run.load) : "",
      }),
  };
}

/** One to be measured by `client.c`. */
export interface LineTarget {
  name: string;
  /** Its process, where the client does not start it. */
  pid?: number;
  /** `client` compiled. */
  client: string;
  /** Its arguments. */
  args: readonly string[];
  /** Lines that a connection begins with. Default none. */
  opening?: readonly string[];
  /** Environment of what `args` start. */
  env?: Readonly<Record<string, string>>;
  body?(load: Load): string;
}

/** A target that `client.c` measures. */
export function lineTarget({ name, pid, body = legacyCall, ...how }: LineTarget): Target {
  return {
    name,
    pids: () => Promise.resolve(pid === undefined ? [] : [pid]),
    generate: (run) =>
      runClient({
        ...run,
        ...how,
        calls: run.load.connections,
        body: body(run.load),
        wanted: run.verify ? messageJson(run.load) : "",
      }),
  };
}

/**
 * Measures a target.
 *
 * @throws {TaskProblem} when a call failed, or an answer was wrong.
 */
export async function measure(target: Target, run: Run): Promise<Measured> {
  const { name } = target;
  const before = await cpuMs(await target.pids());
  const generated = await target.generate(run);
  const after = await cpuMs(await target.pids());
  const { requests, seconds, p50Ms, p99Ms, failed, wrong, sample } = generated;
  const { connections, bytes } = run.load;
  const where = `${connections} connections and ${bytes} bytes`;
  if (requests === 0) {
    throw new TaskProblem(`${name} answered no call in ${seconds} s with ${where}`);
  }
  if (failed > 0) {
    throw new TaskProblem(`${name} failed ${failed} of ${requests} calls with ${where}`);
  }
  if (wrong > 0) {
    throw new TaskProblem(
      `${name} gave ${wrong} wrong answers to ${requests} calls with ${where}, such as: ${sample}`,
    );
  }
  // An error in place of an answer is short: of large ones, so much is seen without looking.
  const mean = (generated.bytes ?? Infinity) / requests;
  if (mean < bytes) {
    throw new TaskProblem(
      `${name} gave answers of ${Math.round(mean)} bytes, in the mean, to calls with ${where}`,
    );
  }
  const cpu = before === undefined || after === undefined
    ? undefined
    : after - before + (generated.cpuMs ?? 0);
  return {
    perSecond: requests / seconds,
    p50: p50Ms,
    p99: p99Ms,
    cpuUs: cpu === undefined || cpu === 0 ? undefined : cpu * 1000 / requests,
  };
}
