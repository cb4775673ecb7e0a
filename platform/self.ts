/**
 * How this program runs itself again: from source through the `deno` that runs it now, compiled as the
 * binary it is. Only the command line and the daemon's runner know the difference.
 *
 * @module
 */

/** A program and the arguments that come before the user's. */
export interface SelfCommand {
  command: string;
  args: string[];
}

/** The entry module, as its `import.meta` tells it. */
export interface EntryModule {
  url: string;
  /** Undefined when it was not loaded from a file. */
  filename?: string;
  dirname?: string;
}

/** What decides it; replaced in tests. */
export interface SelfFacts {
  entry: EntryModule;
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
 * @param entry `import.meta` of the entry module.
 */
export function selfCommand(entry: EntryModule): SelfCommand {
  return selfCommandFrom({
    entry,
    standalone: Deno.build.standalone,
    execPath: Deno.execPath(),
    exists,
  });
}

/** {@linkcode selfCommand} with its facts as parameters. */
export function selfCommandFrom(facts: SelfFacts): SelfCommand {
  const { entry: { url, filename, dirname }, standalone, execPath } = facts;
  if (standalone) return { command: execPath, args: [] };
  const args = ["run", "--quiet", "--no-prompt", "-A"];
  // Named, so that the import map is found whatever folder the program is started from.
  const config = `${dirname}/deno.json`;
  if (dirname !== undefined && facts.exists(config)) args.push("--config", config);
  return { command: execPath, args: [...args, filename ?? url] };
}

// Not `node:fs`: this runs at every start, and importing it costs more than all the rest.
function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false; // Missing, or not readable, which comes to the same here.
  }
}
