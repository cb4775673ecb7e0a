/**
 * Where the project is, and where its tasks may leave things.
 *
 * @module
 */

import { dirname, fromFileUrl, join } from "@std/path";

/** The project's folder. */
export const ROOT = dirname(dirname(dirname(fromFileUrl(import.meta.url))));

/** Where the source and the releases are. The installers and docs/install.md name it as well. */
export const REPOSITORY = "https://github.com/aichaku/aichaku";

/** A folder for what is costly to get again; not in the repository. Created when missing. */
export async function cacheFolder(name: string): Promise<string> {
  const folder = join(ROOT, ".cache", name);
  await Deno.mkdir(folder, { recursive: true });
  return folder;
}

/** A folder that is removed with all that is in it. */
export async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir({ prefix: "aichaku-task-" });
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** Arguments that run a module of the project with its import map, from any folder. */
export function denoRun(module: string, ...args: string[]): string[] {
  return ["run", "-A", "--quiet", "--config", join(ROOT, "deno.json"), join(ROOT, module), ...args];
}
