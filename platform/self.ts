/**
 * How this program runs itself again: from source through the `deno` that runs it now, compiled as the
 * binary it is. Only the command line and the daemon's runner know the difference.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { dirname, join } from "node:path";

/** A program and the arguments that come before the user's. */
export interface SelfCommand {
  command: string;
  args: string[];
}

/** What decides it; replaced in tests. */
export interface SelfFacts {
  /** `import.meta.url` of the entry module. */
  mainUrl: string;
  /** Whether this is a compiled binary. */
  standalone: boolean;
  /** The binary, or the `deno` that runs the source. */
  execPath: string;
  exists(path: string): boolean;
}

/**
 * The command that starts this program: append `["mcp", "--server-status"]` and it runs.
 *
 * Run it through `Deno.Command` only. Node's `spawn` rewrites the arguments of a `deno` executable, and
 * a compiled binary started that way was seen to start itself without end (Deno 2.7 to 2.9).
 *
 * @param mainUrl `import.meta.url` of the entry module.
 */
export function selfCommand(mainUrl: string): SelfCommand {
  return selfCommandFrom({
    mainUrl,
    standalone: Deno.build.standalone,
    execPath: Deno.execPath(),
    exists: existsSync,
  });
}

/** {@linkcode selfCommand} with its facts as parameters. */
export function selfCommandFrom(facts: SelfFacts): SelfCommand {
  if (facts.standalone) return { command: facts.execPath, args: [] };
  const args = ["run", "--quiet", "--no-prompt", "-A"];
  if (!facts.mainUrl.startsWith("file:")) {
    return { command: facts.execPath, args: [...args, facts.mainUrl] };
  }
  const main = fileURLToPath(facts.mainUrl);
  const config = join(dirname(main), "deno.json");
  // Named, so that the import map is found whatever folder the program is started from.
  if (facts.exists(config)) args.push("--config", config);
  return { command: facts.execPath, args: [...args, main] };
}
