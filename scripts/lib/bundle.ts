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
  await loadNodeLate(output);
  // What the reviewer parses with; a bundle holds only JavaScript.
  const [command, ...rest] = denoRun("scripts/lib/put_wasm_files.ts", join(output, WASM));
  const args = [command, "--unstable-raw-imports", ...rest];
  await step("Cannot get the files of the parser", signal, args);
  await Deno.writeTextFile(join(output, BUILD), JSON.stringify({ commit }));
  return { entry: join(output, "main.js"), include: [join(output, WASM), join(output, BUILD)] };
}

/**
 * Every chunk needs what the bundler puts before CommonJS packages, and that loads `node:module`, which
 * takes Deno 2.9 20 ms of every start and 3 MB: from now on when the first such package asks for a module.
 */
async function loadNodeLate(folder: string): Promise<void> {
  const imported =
    'import { createRequire as __deno_internal_createRequire } from "node:module";\n';
  const made = "var __require = __deno_internal_createRequire(import.meta.url);\n";
  const late = `var __made;
var __require = (name) =>
  (__made ??= process.getBuiltinModule("node:module").createRequire(import.meta.url))(name);
`;
  let changed = 0;
  for await (const { name } of Deno.readDir(folder)) {
    const path = join(folder, name);
    const text = await Deno.readTextFile(path);
    if (!text.includes(imported) || !text.includes(made)) continue;
    await Deno.writeTextFile(path, text.replace(imported, "").replace(made, () => late));
    changed++;
  }
  if (changed !== 1) {
    throw new TaskProblem(
      `Cannot find, in the bundle, how CommonJS packages get modules of Node's: ${changed} chunks ` +
        `have it, and 1 should. Another bundler? See loadNodeLate in scripts/lib/bundle.ts.`,
    );
  }
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
