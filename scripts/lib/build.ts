/**
 * Makes the binaries: one bundle, compiled for each target, looked at, run once where this machine can,
 * and put in its place.
 *
 * @module
 */

import { basename, join } from "@std/path";
import { VERSION } from "../../protocol/version.ts";
import { type Bundle, bundleProgram, sourceCommit } from "./bundle.ts";
import { run } from "./child.ts";
import { type Compiler, officialBase, officialCompiler, testCompiler } from "./compiler.ts";
import { targetOfFile } from "./executable.ts";
import { ROOT, temporaryFolder } from "./project.ts";
import { binaryName, denoTarget, hostTarget, type Target } from "./targets.ts";
import { TaskProblem } from "./task.ts";

/** Where finished files are put; not in the repository. */
export const DIST = join(ROOT, "dist");

/**
 * What the program may do: everything that its user may. It starts whatever programs the configuration
 * names, so a narrower list would not bind it. It was tried without native libraries (`ffi`) and code
 * from the network (`import`): then Deno (2.7 and 2.9) refuses to read anything in /proc, where the
 * program looks to be certain which process is whose.
 */
const PERMISSIONS = ["--allow-all"];

/** Milliseconds that compiling (a download of 40 MB included) and a first run may take. */
const COMPILE_MS = 300_000;
const FIRST_RUN_MS = 30_000;

/**
 * Which base a program gets: the official one; the one for tests; the one for tests only where the
 * official one cannot be had.
 */
export type Base = "official" | "test" | "official or test";

/** What to make. */
export interface BuildOptions {
  targets: readonly Target[];
  base: Base;
  signal: AbortSignal;
  /** Told what is worth telling. */
  say(line: string): void;
}

/** A binary that was made. */
export interface Built {
  target: Target;
  path: string;
  bytes: number;
  /** Of Deno in it. */
  denoVersion: string;
  /** Not to be given to anybody. */
  forTests: boolean;
}

/**
 * Makes the binaries.
 *
 * @throws {TaskProblem} when there is no base, or what was made is not what it should be.
 */
export async function build(options: BuildOptions): Promise<Built[]> {
  const { base, targets, signal, say } = options;
  await using temporary = await temporaryFolder();
  const folder = temporary.path;
  const commit = await sourceCommit(signal);
  const world = { ...options, folder, bundle: await bundleProgram(folder, { commit, signal }) };
  if (base === "test") return await compileAll(await testCompiler(targets, signal), world);
  try {
    return await compileAll(officialCompiler(), world);
  } catch (error) {
    if (!(error instanceof NoBase) || base === "official") throw error;
    say(`${error.message.split("\n")[0]} Compiling for tests with another one instead.`);
    return await compileAll(await testCompiler(targets, signal), world);
  }
}

/** The official base cannot be had here. */
class NoBase extends TaskProblem {
  override name = "NoBase";
}

interface World extends BuildOptions {
  /** Beyond the project. */
  folder: string;
  bundle: Bundle;
}

async function compileAll(compiler: Compiler, world: World): Promise<Built[]> {
  const { targets, folder, bundle, signal, say } = world;
  const made: Built[] = [];
  for (const target of targets) {
    const program = join(folder, binaryName(VERSION, target, compiler.mark));
    await compile(bundle, { folder, program, target, compiler, signal });
    await look(program, target);
    if (target === hostTarget()) await firstRun(program, signal);
    const path = await putInPlace(program);
    const { size } = await Deno.stat(path);
    const forTests = compiler.mark !== "";
    made.push({ target, path, bytes: size, denoVersion: compiler.version, forTests });
    say(
      `${path}  ${(size / 1e6).toFixed(0)} MB, Deno ${compiler.version}` +
        (forTests ? "; for tests only, not to be released" : ""),
    );
  }
  return made;
}

interface CompileOptions {
  folder: string;
  program: string;
  target: Target;
  compiler: Compiler;
  signal: AbortSignal;
}

async function compile(
  { entry, include }: Bundle,
  { folder, program, target, compiler, signal }: CompileOptions,
): Promise<void> {
  const { code, stderr } = await run({
    command: compiler.command,
    args: [
      ...["compile", "--quiet", "--no-check", "--no-config", "--no-lock", ...PERMISSIONS],
      // A daemon that rests asks for it, and older runtimes have no other way (platform/collect_garbage.ts).
      "--v8-flags=--expose-gc",
      ...["--target", denoTarget(target), "--output", program],
      ...include.flatMap((path) => ["--include", path]),
      entry,
    ],
    cwd: folder,
    env: { ...compiler.env(target), NO_COLOR: "1" },
  }, { signal, ms: COMPILE_MS });
  if (code === 0) return;
  if (/base binary|denort/.test(stderr)) throw noBase(compiler, target, stderr);
  throw new TaskProblem(`Cannot compile for ${target}:\n${stderr}`);
}

function noBase({ version }: Compiler, target: Target, stderr: string): NoBase {
  return new NoBase(
    `Cannot get the base binary, denort ${version} for ${target}.\n` +
      `Fetch ${
        officialBase(version, target)
      } on a machine that reaches it, unpack it, and name the ` +
      `file: DENORT_BIN=/path/to/denort deno task compile --target ${target}. Its version must be ` +
      `${version}, as that of this deno.\n` +
      `For tests on a closed network: deno task compile --test-base\n${stderr.trim()}`,
  );
}

/** A base for another system, named by `DENORT_BIN`, would go unnoticed until somebody runs it. */
async function look(program: string, target: Target): Promise<void> {
  const found = await targetOfFile(program);
  if (found === target) return;
  throw new TaskProblem(
    `The binary was compiled for ${target}, and its header says ` +
      `${found ?? "that it is for none of the targets"}. Is DENORT_BIN for ${target}?`,
  );
}

/** A binary that does not even tell its version is worth nothing, and must not replace one that does. */
async function firstRun(program: string, signal: AbortSignal): Promise<void> {
  const { code, stdout, stderr } = await run(
    { command: program, args: ["--version"] },
    { signal, ms: FIRST_RUN_MS },
  );
  if (code === 0 && stdout === `aichaku ${VERSION}\n`) return;
  throw new TaskProblem(
    `The binary was compiled, and does not work (exit code ${code}). It said:\n${stdout}${stderr}`,
  );
}

/** By rename, so that a daemon that runs from the old one is not disturbed. */
async function putInPlace(program: string): Promise<string> {
  await Deno.mkdir(DIST, { recursive: true });
  const finished = join(DIST, basename(program));
  await Deno.copyFile(program, `${finished}.new`);
  await Deno.rename(`${finished}.new`, finished);
  return finished;
}
