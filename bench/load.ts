/**
 * The load generators: `wrk` for HTTP, and `client.c` for lines and WebSockets, because at these rates
 * one written in JavaScript would measure itself.
 *
 * @module
 */

import { join } from "@std/path";
import { run } from "../scripts/lib/child.ts";
import { temporaryFolder } from "../scripts/lib/project.ts";
import { TaskProblem } from "../scripts/lib/task.ts";
import { sourcePath } from "./programs.ts";

/** What a generator prints. */
export interface Generated {
  /** Calls that were answered. */
  requests: number;
  seconds: number;
  p50Ms: number;
  p99Ms: number;
  /** Calls that were not answered, or with an HTTP error. */
  failed: number;
  /** Answers without what they must contain. */
  wrong: number;
  /** One of those. */
  sample: string;
  /** Bytes of all answers, where nothing else is known of them without looking. */
  bytes?: number;
  /** Processor time of what the generator started itself, milliseconds. */
  cpuMs?: number;
}

/** What both are told. */
interface Generation {
  /** Body of a call; {@linkcode ID} in it is replaced. */
  body: string;
  /** What every answer must contain; empty not to look. */
  wanted: string;
  /** Whole seconds. */
  seconds: number;
  /** Words before the generator. */
  prefix?: readonly string[];
  signal: AbortSignal;
}

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

/** What `wrk` is told. */
export interface WrkOptions extends Generation {
  connections: number;
  /** Where the calls go, by turns; all at one host. */
  places: readonly { url: string; headers: Readonly<Record<string, string>> }[];
}

/** Runs `wrk`. */
export async function runWrk({ connections, places, ...options }: WrkOptions): Promise<Generated> {
  const blocks = places.map(({ url, headers }) => {
    const { pathname, search } = new URL(url);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    return [pathname + search, ...lines].join("\n");
  });
  const args = [
    // One thread: more would take the cores from what is measured.
    ...["-t", "1", "-c", String(connections), "-d", `${options.seconds}s`, "--timeout", "10s"],
    ...["-s", sourcePath("load.lua"), places[0].url],
  ];
  return await generate(["wrk", ...args], {
    ...options,
    files: { BENCH_PLACES: blocks.join("\n\n") },
    env: {},
  });
}

/** What `client.c` is told. */
export interface ClientOptions extends Generation {
  /** `client.c` compiled. */
  client: string;
  args: readonly string[];
  /** Calls that wait at any time. */
  calls: number;
  opening?: readonly string[];
  env?: Readonly<Record<string, string>>;
}

/** Runs `client.c`. */
export async function runClient(
  { client, args, calls, opening = [], env, ...options }: ClientOptions,
): Promise<Generated> {
  return await generate([client, ...args], {
    ...options,
    files: { BENCH_OPENING: opening.join("\n") },
    env: { ...env, BENCH_CALLS: String(calls), BENCH_SECONDS: String(options.seconds) },
  });
}

interface GenerateOptions extends Generation {
  /** Variables that name files, and what is in them. */
  files: Record<string, string>;
  env: Record<string, string>;
}

async function generate(
  words: readonly string[],
  { body, wanted, seconds, prefix = [], signal, files, env }: GenerateOptions,
): Promise<Generated> {
  await using folder = await temporaryFolder();
  const given: Record<string, string> = { ...env };
  // By file: a variable of the environment has at most 128 KiB.
  const contents = { ...files, BENCH_REQUEST: body, BENCH_WANTED: wanted };
  for (const [name, text] of Object.entries(contents)) {
    if (text === "") continue;
    given[name] = join(folder.path, name);
    await Deno.writeTextFile(given[name], text);
  }
  const [command, ...args] = [...prefix, ...words];
  const { code, stdout, stderr } = await run({ command, args, env: given }, {
    signal,
    ms: (seconds + 60) * 1000,
  });
  const line = stdout.split("\n").findLast((line) => line.startsWith("{"));
  if (code !== 0 || line === undefined) {
    throw new TaskProblem(`"${words.join(" ")}" failed (${code}):\n${stdout}${stderr}`);
  }
  return JSON.parse(line);
}
