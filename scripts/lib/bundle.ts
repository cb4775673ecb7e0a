/**
 * The program as a folder of JavaScript and data, ready to be compiled.
 *
 * It is bundled in chunks: compiled straight, every package that deno.json names would be in it, used or
 * not (123 MB instead of 99, and 130 ms to start instead of 30), and as one piece it would read at every
 * start what only some commands need. Not minified: that breaks the bundle (Deno 2.9.6).
 *
 * @module
 */

import { join } from "@std/path";
import { run } from "./child.ts";
import { denoRun, ROOT } from "./project.ts";
import { TaskProblem } from "./task.ts";

/** A bundle. */
export interface Bundle {
  /** The module to compile. */
  entry: string;
  /** Files and folders beside it that the program reads: the compiler embeds what it is told to. */
  include: string[];
}

/** Folder beside the entry, where the program looks for the files of its parser. */
const WASM = "wasm";

/** File beside the entry, where `--version --json` looks for what it was made from. */
const BUILD = "build.json";

/** Milliseconds that a step may take. */
const STEP_MS = 120_000;

/**
 * Bundles the program.
 *
 * @param folder Beyond the project: inside it, the compiler would embed the project's packages.
 * @param commit See {@linkcode sourceCommit}.
 */
export async function bundleProgram(
  folder: string,
  { commit, signal }: { commit: string | null; signal: AbortSignal },
): Promise<Bundle> {
  const output = join(folder, "bundle");
  await step("Cannot bundle main.ts", signal, [
    ...["bundle", "--quiet", "--config", join(ROOT, "deno.json")],
    ...["--platform", "deno", "--code-splitting", "--outdir", output],
    join(ROOT, "main.ts"),
  ]);
  // What the reviewer parses with; a bundle holds only JavaScript.
  const [command, ...rest] = denoRun("scripts/lib/put_wasm_files.ts", join(output, WASM));
  const args = [command, "--unstable-raw-imports", ...rest];
  await step("Cannot get the files of the parser", signal, args);
  await Deno.writeTextFile(join(output, BUILD), JSON.stringify({ commit }));
  return { entry: join(output, "main.js"), include: [join(output, WASM), join(output, BUILD)] };
}

/**
 * The commit that the source is at, with `-dirty` when it was changed since; null where there is no
 * repository or no git.
 */
export async function sourceCommit(signal: AbortSignal): Promise<string | null> {
  try {
    const args = ["describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"];
    const { code, stdout } = await run({ command: "git", args, cwd: ROOT }, {
      signal,
      ms: STEP_MS,
    });
    return code === 0 ? stdout.trim() : null;
  } catch (error) {
    if (error instanceof TaskProblem && error.cause instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function step(problem: string, signal: AbortSignal, args: string[]): Promise<void> {
  const { code, stderr } = await run(
    { command: Deno.execPath(), args, cwd: ROOT },
    { signal, ms: STEP_MS },
  );
  if (code !== 0) throw new TaskProblem(`${problem}:\n${stderr}`);
}
