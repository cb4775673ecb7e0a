/**
 * What our binaries are called, by the system they run on.
 *
 * @module
 */

import { TaskProblem } from "./task.ts";

/** Deno's name of a target → ours, as it stands in the names of released files. */
const NAMES: Readonly<Record<string, string>> = {
  "x86_64-unknown-linux-gnu": "linux-x64",
  "aarch64-unknown-linux-gnu": "linux-arm64",
  "x86_64-apple-darwin": "macos-x64",
  "aarch64-apple-darwin": "macos-arm64",
  "x86_64-pc-windows-msvc": "windows-x64",
};

/**
 * Our name of a target.
 *
 * @throws {TaskProblem} for one that we do not build for.
 */
export function targetName(denoTarget: string): string {
  if (Object.hasOwn(NAMES, denoTarget)) return NAMES[denoTarget];
  throw new TaskProblem(
    `Cannot compile for ${denoTarget}; the targets are ${Object.values(NAMES).join(", ")}`,
  );
}

/** `aichaku-0.1.0-linux-x64`; on Windows with `.exe`. `mark` tells special builds apart. */
export function binaryName(version: string, target: string, mark = ""): string {
  return `aichaku-${version}-${target}${mark}${target.startsWith("windows") ? ".exe" : ""}`;
}
