/**
 * Folders that `npm publish` takes: the program (`aichaku`, a launcher with an optional dependency for
 * each system) and the client SDK (`@aichaku/aichaku`).
 *
 * No package has an install script: npm itself chooses the system's program by `os`, `cpu` and `libc`.
 *
 * @module
 */

import { join } from "@std/path";
import { VERSION } from "../../protocol/version.ts";
import { run } from "./child.ts";
import { REPOSITORY, ROOT } from "./project.ts";
import { isWindows, type Target, TARGETS } from "./targets.ts";
import { TaskProblem } from "./task.ts";

/** What every package says of itself. */
const COMMON = {
  version: VERSION,
  license: "MIT",
  keywords: ["mcp", "model-context-protocol", "daemon"],
  // npm takes no provenance that names another one.
  repository: { type: "git", url: `git+${REPOSITORY}.git` },
};

/** Where a program runs, in npm's words. */
const SYSTEMS: Readonly<Record<Target, { os: string; cpu: string; libc?: string }>> = {
  // Deno's base needs glibc.
  "linux-x64": { os: "linux", cpu: "x64", libc: "glibc" },
  "linux-arm64": { os: "linux", cpu: "arm64", libc: "glibc" },
  "macos-x64": { os: "darwin", cpu: "x64" },
  "macos-arm64": { os: "darwin", cpu: "arm64" },
  "windows-x64": { os: "win32", cpu: "x64" },
};

/** Milliseconds to bundle the SDK. */
const BUNDLE_MS = 120_000;

/** Name of the package with the program of a target. */
export function programPackage(target: Target): string {
  return `@aichaku/cli-${target}`;
}

/**
 * The package `aichaku`.
 *
 * @param folder Where its folder is made.
 * @returns the folder.
 */
export async function writeLauncherPackage(folder: string): Promise<string> {
  const path = await emptyFolder(folder, "aichaku");
  await Deno.mkdir(join(path, "bin"));
  const launcher = join(path, "bin", "aichaku.mjs");
  await Deno.copyFile(join(ROOT, "packaging", "npm", "aichaku.mjs"), launcher);
  await makeExecutable(launcher);
  await Deno.copyFile(join(ROOT, "packaging", "npm", "README.md"), join(path, "README.md"));
  await finish(path, {
    name: "aichaku",
    ...COMMON,
    description: "Each MCP server once, shared by every AI tool on this machine",
    type: "module",
    bin: { aichaku: "bin/aichaku.mjs" },
    files: ["bin"],
    engines: { node: ">=20" },
    optionalDependencies: Object.fromEntries(
      TARGETS.map((target) => [programPackage(target), VERSION]),
    ),
  });
  return path;
}

/** The package with a target's program. */
export async function writeProgramPackage(
  { target, path: program }: { target: Target; path: string },
  folder: string,
): Promise<string> {
  const path = await emptyFolder(folder, `cli-${target}`);
  await Deno.mkdir(join(path, "bin"));
  const file = join(path, "bin", isWindows(target) ? "aichaku.exe" : "aichaku");
  await Deno.copyFile(program, file);
  await makeExecutable(file);
  const { os, cpu, libc } = SYSTEMS[target];
  await finish(path, {
    name: programPackage(target),
    ...COMMON,
    description: `The program of aichaku for ${target}; install the package aichaku instead`,
    os: [os],
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc: [libc] }),
    files: ["bin"],
    // A program inside an archive cannot be started.
    preferUnplugged: true,
  });
  return path;
}

/** The package of the client SDK: one module and its types, no dependencies. */
export async function writeSdkPackage(folder: string, signal: AbortSignal): Promise<string> {
  const path = await emptyFolder(folder, "sdk");
  const { code, stderr } = await run({
    command: Deno.execPath(),
    args: [
      ...["bundle", "--quiet", "--platform", "node", "--declaration", "--outdir", path],
      join(ROOT, "client", "mod.ts"),
    ],
    cwd: ROOT,
  }, { signal, ms: BUNDLE_MS });
  if (code !== 0) throw new TaskProblem(`Cannot bundle the SDK:\n${stderr}`);
  await Deno.copyFile(join(ROOT, "docs", "sdk.md"), join(path, "README.md"));
  await finish(path, {
    name: "@aichaku/aichaku",
    ...COMMON,
    description:
      "Call MCP servers through the aichaku daemon when it runs, and without it otherwise",
    type: "module",
    exports: { ".": { types: "./mod.d.ts", default: "./mod.js" } },
    types: "./mod.d.ts",
    files: ["mod.js", "mod.d.ts"],
    sideEffects: false,
    engines: { node: ">=20" },
  });
  return path;
}

async function emptyFolder(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // The first time.
  }
  await Deno.mkdir(path, { recursive: true });
  return path;
}

async function finish(path: string, manifest: Record<string, unknown>): Promise<void> {
  await Deno.writeTextFile(
    join(path, "package.json"),
    `${JSON.stringify(manifest, null, 2)}\n`,
  );
  await Deno.copyFile(join(ROOT, "LICENSE"), join(path, "LICENSE"));
}

async function makeExecutable(path: string): Promise<void> {
  if (Deno.build.os !== "windows") await Deno.chmod(path, 0o755);
}
