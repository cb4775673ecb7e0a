/**
 * The environment a child is started with: an allow-list of what programs need to run at all, and what
 * the entry names. Nothing else of the daemon's own environment reaches a server.
 *
 * @module
 */

import { programVariables } from "../../platform/program_variables.ts";

/** Options of {@linkcode childEnvironment}. */
export interface ChildEnvironmentOptions {
  /** What the daemon has to give: see `childVariables` of the daemon. */
  inherited: Readonly<Record<string, string | undefined>>;
  /** What the entry of the configuration names; wins over the allow-list. */
  entry: Readonly<Record<string, string>>;
  /** Marks every process of this daemon's, so that none can outlive it unnoticed. */
  instanceId: string;
  /** Defaults to this system's. */
  os?: typeof Deno.build.os;
}

/** The whole environment of a child; start it with `clearEnv`. */
export function childEnvironment(options: ChildEnvironmentOptions): Record<string, string> {
  const os = options.os ?? Deno.build.os;
  const entry = { ...options.entry, AICHAKU_INSTANCE: options.instanceId };
  // On Windows `Path` and `PATH` are one variable.
  const canonical = (name: string) => os === "windows" ? name.toUpperCase() : name;
  const inherited = new Map(
    Object.entries(options.inherited).map(([name, value]) => [canonical(name), value]),
  );
  const named = new Set(Object.keys(entry).map(canonical));
  const environment: Record<string, string> = {};
  for (const name of programVariables(os)) {
    const value = inherited.get(canonical(name));
    // A value that begins with "()" is a function exported by an old bash: code, not data.
    if (value === undefined || value.startsWith("()") || named.has(canonical(name))) continue;
    environment[canonical(name)] = name === "PATH" ? withoutNodeStandIn(value, os) : value;
  }
  return { ...environment, ...entry };
}

/**
 * Deno 2.9 puts a folder with a `node` that is Deno itself in front of its own PATH, for programs that it
 * starts. A server that asks for Node must get Node.
 */
function withoutNodeStandIn(path: string, os: typeof Deno.build.os): string {
  const delimiter = os === "windows" ? ";" : ":";
  return path.split(delimiter).filter((folder) => !/[\\/]node_compat_bin[\\/]?$/.test(folder))
    .join(delimiter);
}
