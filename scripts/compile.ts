/**
 * Makes the single binary for this machine:
 *
 *     deno task compile                dist/aichaku-VERSION-TARGET, from the official base
 *     deno task compile --test-base    dist/aichaku-VERSION-TARGET-test, for tests on a closed network
 *
 * The program is bundled first, in chunks: compiled straight, every package that deno.json names would be
 * in it, used or not (123 MB instead of 99, and 130 ms to start instead of 30), and as one piece it would
 * read at every start what only some commands need. Not minified: that breaks the bundle (Deno 2.9.6).
 *
 * The base comes from Deno's own download host; `DENORT_BIN` names a copy of it. What was made is run
 * once before it is put in its place.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";
import { parseArgs } from "node:util";
import { VERSION } from "../protocol/version.ts";
import { run } from "./lib/child.ts";
import { type Compiler, officialCompiler, testCompiler } from "./lib/compiler.ts";
import { binaryName, targetName } from "./lib/host_target.ts";
import { denoRun, ROOT, temporaryFolder } from "./lib/project.ts";
import { runTask, type Task, TaskProblem } from "./lib/task.ts";

/**
 * What the program may do: everything that its user may. It starts whatever programs the configuration
 * names, so a narrower list would not bind it. It was tried without native libraries (`ffi`) and code
 * from the network (`import`): then Deno (2.7 and 2.9) refuses to read anything in /proc, where the
 * program looks to be certain which process is whose.
 */
const PERMISSIONS = ["--allow-all"];

/** Folder beside the entry of the bundle, where the program looks for the files of its parser. */
const WASM = "wasm";

/** Milliseconds that bundling, compiling (a download of 40 MB included) and a first run may take. */
const BUNDLE_MS = 120_000;
const COMPILE_MS = 300_000;
const FIRST_RUN_MS = 30_000;

async function compile({ stack, signal }: Task): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: { "test-base": { type: "boolean", default: false } },
  });
  const name = targetName(Deno.build.target);
  const compiler = values["test-base"] ? await testCompiler(signal) : officialCompiler();
  const { path: folder } = stack.use(await temporaryFolder());

  const program = join(folder, binaryName(VERSION, name, compiler.mark));
  await compileBundle(await bundle(folder, signal), { folder, program, compiler, signal });
  await firstRun(program, signal);

  const finished = await putInPlace(program);
  const { size } = await Deno.stat(finished);
  console.log(
    `${finished}  ${(size / 1e6).toFixed(0)} MB, Deno ${compiler.version}` +
      (compiler.mark === "" ? "" : "; for tests only, not to be released"),
  );
  return 0;
}

/** Bundles the program. Returns the entry of the bundle. */
async function bundle(folder: string, signal: AbortSignal): Promise<string> {
  const output = join(folder, "bundle");
  const { code, stderr } = await run({
    command: Deno.execPath(),
    args: [
      ...["bundle", "--quiet", "--config", join(ROOT, "deno.json")],
      ...["--platform", "deno", "--code-splitting", "--outdir", output],
      join(ROOT, "main.ts"),
    ],
    cwd: ROOT,
  }, { signal, ms: BUNDLE_MS });
  if (code !== 0) throw new TaskProblem(`Cannot bundle main.ts:\n${stderr}`);
  await putWasmFiles(join(output, WASM), signal);
  return join(output, "main.js");
}

/** What the reviewer parses with; a bundle holds only JavaScript. */
async function putWasmFiles(folder: string, signal: AbortSignal): Promise<void> {
  const [command, ...rest] = denoRun("scripts/lib/put_wasm_files.ts", folder);
  const args = [command, "--unstable-raw-imports", ...rest];
  const { code, stderr } = await run(
    { command: Deno.execPath(), args, cwd: ROOT },
    { signal, ms: BUNDLE_MS },
  );
  if (code !== 0) throw new TaskProblem(`Cannot get the files of the parser:\n${stderr}`);
}

interface CompileOptions {
  /** Beyond the project: inside it, the compiler would embed its packages. */
  folder: string;
  program: string;
  compiler: Compiler;
  signal: AbortSignal;
}

async function compileBundle(
  entry: string,
  { folder, program, compiler, signal }: CompileOptions,
): Promise<void> {
  const { command, env } = compiler;
  const { code, stderr } = await run({
    command,
    args: [
      ...["compile", "--quiet", "--no-check", "--no-config", "--no-lock", ...PERMISSIONS],
      ...["--include", join(dirname(entry), WASM), "--output", program, entry],
    ],
    cwd: folder,
    env: { ...env, NO_COLOR: "1" },
  }, { signal, ms: COMPILE_MS });
  if (code === 0) return;
  if (/base binary|denort/.test(stderr)) throw noBase(compiler, stderr);
  throw new TaskProblem(`Cannot compile:\n${stderr}`);
}

function noBase({ version }: Compiler, stderr: string): TaskProblem {
  const url = `https://dl.deno.land/release/v${version}/denort-${Deno.build.target}.zip`;
  return new TaskProblem(
    `Cannot get the base binary, denort ${version} for ${Deno.build.target}.\n` +
      `Fetch ${url} on a machine that reaches it, unpack it, and name the file: ` +
      `DENORT_BIN=/path/to/denort deno task compile. Its version must be ${version}, as that of this deno.\n` +
      `For tests on a closed network: deno task compile --test-base\n${stderr.trim()}`,
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
  const dist = join(ROOT, "dist");
  await Deno.mkdir(dist, { recursive: true });
  const finished = join(dist, basename(program));
  await Deno.copyFile(program, `${finished}.new`);
  await Deno.rename(`${finished}.new`, finished);
  return finished;
}

await runTask("compile", compile);
