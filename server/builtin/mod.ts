/**
 * The servers that come with the program. Each is an ordinary MCP server: inside the daemon's process,
 * or on stdin and stdout as a process of its own for a client without a daemon.
 *
 * Only the server that is asked for is loaded, and only when it is asked for.
 *
 * @module
 */

import type { Transport } from "@modelcontextprotocol/server";
import type { ConnectedBuiltin } from "./in_process.ts";

export type { ConnectedBuiltin };

/** Names of the built-in servers. */
export const BUILTIN_NAMES = ["reviewer", "sample"] as const;

export type BuiltinName = (typeof BUILTIN_NAMES)[number];

/** Whether there is a built-in server of this name. */
export function isBuiltinName(name: string): name is BuiltinName {
  return (BUILTIN_NAMES as readonly string[]).includes(name);
}

/** What the servers are told by the command that runs them. */
export interface BuiltinOptions {
  /** The configuration that `sample` shows. */
  configFile: string;
  /** Folders whose files `reviewer` may read when it is given only a path. Absolute. */
  roots: readonly string[];
}

/** Serves on stdin and stdout; resolves when stdin has ended. */
export async function serveBuiltin(name: BuiltinName, options: BuiltinOptions): Promise<void> {
  const [{ serveOverStdio }, createServer] = await Promise.all([
    import("./stdio.ts"),
    load(name, options),
  ]);
  await serveOverStdio(createServer);
}

/**
 * What connects a built-in server inside this process: given to `openInProcessWire`. Nothing is loaded
 * before it is called.
 */
export function connectBuiltin(
  name: BuiltinName,
  options: BuiltinOptions,
): (transport: Transport) => Promise<ConnectedBuiltin> {
  return async (transport) => {
    const [{ serveInProcess }, createServer] = await Promise.all([
      import("./in_process.ts"),
      load(name, options),
    ]);
    return serveInProcess(createServer, transport);
  };
}

async function load(name: BuiltinName, options: BuiltinOptions) {
  switch (name) {
    case "reviewer": {
      const { createReviewer } = await import("./reviewer/mod.ts");
      return () => createReviewer(options);
    }
    case "sample": {
      const { createSample } = await import("./sample/mod.ts");
      return () => createSample(options);
    }
  }
}
