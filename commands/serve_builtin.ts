/**
 * `aichaku mcp --serve-builtin NAME`: a built-in server on stdin and stdout, without a daemon. The
 * daemon runs it this way, and so does a client that found no daemon.
 *
 * @module
 */

import { join, resolve } from "@std/path";
import { BUILTIN_NAMES, isBuiltinName, serveBuiltin } from "../server/builtin/mod.ts";
import { type CommandContext, EXIT, UsageError } from "./context.ts";

/** Serves until stdin ends. Returns the exit code. @throws {UsageError} for an unknown name. */
export async function runServeBuiltin(name: string, { env, cwd }: CommandContext): Promise<number> {
  if (name === "reviewer-worker") {
    // Not a server: what the daemon hands the reviewer's work to.
    const { serveWorker } = await import("../server/builtin/reviewer/worker_process.ts");
    await serveWorker();
    return EXIT.ok;
  }
  if (!isBuiltinName(name)) {
    throw new UsageError(
      `aichaku mcp: there is no built-in server ${JSON.stringify(name)}. ` +
        `Known are: ${BUILTIN_NAMES.join(", ")}.`,
    );
  }
  await serveBuiltin(name, {
    configFile: resolve(cwd, env.config ?? join(env.home, "config.json")),
    roots: [env.userHome],
  });
  return EXIT.ok;
}
