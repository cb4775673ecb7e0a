/**
 * The programs that a bench needs: those in C, compiled when their source has changed, and npm packages,
 * installed once. Both are kept in the project's cache.
 *
 * @module
 */

import { fromFileUrl, join } from "@std/path";
import { run } from "../scripts/lib/child.ts";
import { cacheFolder } from "../scripts/lib/project.ts";
import { TaskProblem } from "../scripts/lib/task.ts";

/** Real servers. */
export const EVERYTHING = "@modelcontextprotocol/server-everything@2026.8.31";
export const FILESYSTEM = "@modelcontextprotocol/server-filesystem@2026.8.31";
export const MEMORY_SERVER = "@modelcontextprotocol/server-memory@2026.8.31";

/** Milliseconds that npm may take to install a package. */
const INSTALL_MS = 180_000;

/** Path of a file of the bench. */
export function sourcePath(file: string): string {
  return fromFileUrl(import.meta.resolve(`./${file}`));
}

/** A program in C, compiled when its source has changed. @returns its path. */
export async function compiled(name: "echo" | "client", signal: AbortSignal): Promise<string> {
  const source = sourcePath(`${name}.c`);
  const folder = await cacheFolder("bench");
  const hash = await crypto.subtle.digest("SHA-256", await Deno.readFile(source));
  const program = join(folder, `${name}-${new Uint8Array(hash).toHex().slice(0, 16)}`);
  if (await exists(program)) return program;
  // Under another name first: an interrupted compiler must leave nothing that looks finished.
  const args = ["-O2", "-o", `${program}.new`, source];
  try {
    const { code, stderr } = await run({ command: "cc", args }, { signal, ms: 60_000 });
    if (code !== 0) throw new TaskProblem(`cc cannot compile ${source}:\n${stderr}`);
  } catch (error) {
    if (!(error instanceof TaskProblem) || error.cause === undefined) throw error;
    throw new TaskProblem(
      "The echo server and the load generator are in C, and there is no cc. Debian and Ubuntu: " +
        "apt-get install gcc; macOS: xcode-select --install",
      { cause: error },
    );
  }
  await Deno.rename(`${program}.new`, program);
  return program;
}

/**
 * Path of a file in an npm package, which is installed into the cache first. Not run through `npx`: that
 * would put two more processes between us and the one to measure.
 */
export async function installed(spec: string, file: string, signal: AbortSignal): Promise<string> {
  const cache = await cacheFolder("bench");
  const folder = join(cache, spec);
  const path = join(folder, "node_modules", spec.slice(0, spec.lastIndexOf("@")), file);
  if (await exists(path)) return path;
  // Elsewhere, and renamed when it is whole. A folder with the name of the package must not be in the
  // current one: npm would install that.
  const fresh = await Deno.makeTempDir({ dir: cache, prefix: "installing-" });
  const args = ["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", fresh, spec];
  const { code, stderr } = await run({ command: "npm", args, cwd: fresh }, {
    signal,
    ms: INSTALL_MS,
  });
  if (code !== 0) throw new TaskProblem(`npm cannot install ${spec}:\n${stderr}`);
  await Deno.mkdir(join(folder, ".."), { recursive: true });
  await Deno.rename(fresh, folder);
  return path;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
