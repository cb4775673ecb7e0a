/**
 * What Deno, Node and Bun each have under a name of their own. Node's modules would do on all of them,
 * but Deno (2.9) takes 10 to 20 ms of every start to load `node:process`, `node:fs` or `node:http`.
 *
 * @module
 */

import type nodeProcess from "node:process";

/** As much of Deno as is used by code that runs without it as well. */
interface DenoRuntime {
  version: { deno: string };
  build: { os: string };
  env: { get(name: string): string | undefined; toObject(): Record<string, string> };
  hostname(): string;
  readTextFile(path: string): Promise<string>;
  readTextFileSync(path: string): string;
}

/** Deno; undefined on Node and Bun. */
export const deno = (globalThis as { Deno?: DenoRuntime }).Deno;

/**
 * Whether this is a Deno of before a version, for what that one mended; false on other runtimes.
 *
 * @param version Which Deno this is; replaced in tests.
 */
export function isDenoBefore(
  wanted: readonly [number, number, number],
  version: string | undefined = deno?.version.deno,
): boolean {
  if (version === undefined) return false;
  const parts = version.split(".").map((part) => parseInt(part));
  const index = wanted.findIndex((number, place) => parts[place] !== number);
  return index >= 0 && parts[index] < wanted[index];
}

/** Node's `process`, which is a global on every runtime. On Deno, asking for it loads it. */
export function nodesProcess(): typeof nodeProcess {
  return (globalThis as unknown as { process: typeof nodeProcess }).process;
}

/** The system, in Node's words: `linux`, `darwin`, `win32` … */
export function platformName(): string {
  if (deno === undefined) return nodesProcess().platform;
  return deno.build.os === "windows" ? "win32" : deno.build.os;
}

/** Text of a file. Rejects with the runtime's own error, whose `code` is the system's (`ENOENT` …). */
export async function readTextFile(path: string): Promise<string> {
  if (deno !== undefined) return await deno.readTextFile(path);
  return await (await import("node:fs/promises")).readFile(path, "utf8");
}
