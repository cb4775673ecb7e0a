/**
 * A built-in server of this program as a child process, for when no daemon serves it.
 *
 * Through `Deno.Command`, not `node:child_process`: the latter rewrites the arguments of a `deno`
 * executable, and in a compiled binary was seen to start it without end (Deno 2.7 to 2.9).
 *
 * @module
 */

import type { SpawnedProcess } from "../../client/mod.ts";
import type { SelfCommand } from "../../platform/self.ts";

/**
 * Starts `mcp --serve-builtin NAME`. It ends when its stdin does, so that it cannot outlive us.
 *
 * @throws {Error} of `Deno.Command` when it cannot be started.
 */
export function spawnBuiltin(name: string, self: SelfCommand, cwd: string): SpawnedProcess {
  const child = new Deno.Command(self.command, {
    args: [...self.args, "mcp", "--serve-builtin", name],
    cwd,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const encoder = new TextEncoder();
  return {
    stdin: {
      write: (text) => writer.write(encoder.encode(text)),
      end: () => writer.close(),
    },
    stdout: child.stdout,
    stderr: child.stderr,
    exit: child.status.then(({ code, signal }) => ({ code, signal })),
    kill(signal) {
      try {
        child.kill(signal);
      } catch (error) {
        // It has ended already, which is all that was wanted.
        if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
      }
    },
    ref: () => child.ref(),
    unref: () => child.unref(),
  };
}
