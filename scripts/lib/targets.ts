/**
 * The systems that binaries are made for, and what their files are called.
 *
 * @module
 */

import { TaskProblem } from "./task.ts";

/** Our names, as they stand in the names of released files. */
export type Target = "linux-x64" | "linux-arm64" | "macos-x64" | "macos-arm64" | "windows-x64";

/** Our name → Deno's. */
const DENO_NAMES: Readonly<Record<Target, string>> = {
  "linux-x64": "x86_64-unknown-linux-gnu",
  "linux-arm64": "aarch64-unknown-linux-gnu",
  "macos-x64": "x86_64-apple-darwin",
  "macos-arm64": "aarch64-apple-darwin",
  "windows-x64": "x86_64-pc-windows-msvc",
};

/** All of them. */
export const TARGETS = Object.keys(DENO_NAMES) as Target[];

/** Deno's name of a target. */
export function denoTarget(target: Target): string {
  return DENO_NAMES[target];
}

/**
 * The target of this machine.
 *
 * @param denoName Default: of the `deno` that runs this.
 * @throws {TaskProblem} for one that we do not build for.
 */
export function hostTarget(denoName: string = Deno.build.target): Target {
  const found = TARGETS.find((target) => DENO_NAMES[target] === denoName);
  if (found !== undefined) return found;
  throw new TaskProblem(`Cannot compile on ${denoName}; the targets are ${TARGETS.join(", ")}`);
}

/**
 * What `--target` asks for.
 *
 * @param given `all`, or a target; undefined is this machine's.
 * @throws {TaskProblem} for anything else.
 */
export function chosenTargets(given: string | undefined): Target[] {
  if (given === undefined) return [hostTarget()];
  if (given === "all") return [...TARGETS];
  const found = TARGETS.find((target) => target === given);
  if (found !== undefined) return [found];
  throw new TaskProblem(`unknown --target ${given}; one of all, ${TARGETS.join(", ")}`);
}

/** Whether programs of a target need the extension `.exe`. */
export function isWindows(target: Target): boolean {
  return target.startsWith("windows");
}

/** `aichaku-0.1.0-linux-x64`; on Windows with `.exe`. `mark` tells special builds apart. */
export function binaryName(version: string, target: Target, mark = ""): string {
  return `aichaku-${version}-${target}${mark}${isWindows(target) ? ".exe" : ""}`;
}

/** `aichaku-0.1.0-linux-x64.tar.gz`; for Windows a `.zip`. */
export function archiveName(version: string, target: Target): string {
  return `aichaku-${version}-${target}${isWindows(target) ? ".zip" : ".tar.gz"}`;
}
