/**
 * The servers that come with the program. Each is an ordinary MCP server: inside the daemon's process,
 * or on stdin and stdout as a process of its own for a client without a daemon.
 *
 * Only the server that is asked for is loaded, and only when it is asked for.
 *
 * @module
 */

import type { McpServer, Transport } from "@modelcontextprotocol/server";
import type { ConnectedBuiltin } from "./in_process.ts";
import type { WorkerCommand } from "./reviewer/worker_process.ts";

export type { ConnectedBuiltin, WorkerCommand };

/** Names of the built-in servers. */
export const BUILTIN_NAMES = ["reviewer", "sample"] as const;

export type BuiltinName = (typeof BUILTIN_NAMES)[number];

/** Whether there is a built-in server of this name. */
export function isBuiltinName(name: string): name is BuiltinName {
  return (BUILTIN_NAMES as readonly string[]).includes(name);
}

/** What the servers are told by whoever runs them. */
export interface BuiltinOptions {
  /** The configuration that `sample` shows. */
  configFile: string;
  /** Folders whose files `reviewer` may read for a client that declares none. Absolute. */
  roots: readonly string[];
  /** The one folder `reviewer` is for: relative paths start there, and it reads nothing else. */
  project?: string;
  /**
   * How to run this program, for work that must not stall this process. Default: the work is done in
   * this process, which must then do nothing else.
   */
  worker?: WorkerCommand;
}

/** Serves on stdin and stdout; resolves when stdin has ended. */
export async function serveBuiltin(name: BuiltinName, options: BuiltinOptions): Promise<void> {
  const [{ serveOverStdio }, { create, close }] = await Promise.all([
    import("./stdio.ts"),
    load(name, options),
  ]);
  await serveOverStdio(create);
  await close();
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
    const [{ serveInProcess }, { create, close }] = await Promise.all([
      import("./in_process.ts"),
      load(name, options),
    ]);
    const connected = serveInProcess(create, transport);
    return {
      async close() {
        await Promise.all([connected.close(), close()]);
      },
    };
  };
}

/** A server that can be made, and how to end what it uses. */
interface Loaded {
  create(): McpServer;
  close(): Promise<void>;
}

async function load(name: BuiltinName, options: BuiltinOptions): Promise<Loaded> {
  switch (name) {
    case "reviewer": {
      const [{ createReviewer }, { holdAnalyzer }] = await Promise.all([
        import("./reviewer/mod.ts"),
        import("./reviewer/shared_analyzer.ts"),
      ]);
      const { analyzer, release } = holdAnalyzer(options.worker);
      return { create: () => createReviewer({ ...options, analyzer }), close: release };
    }
    case "sample": {
      const { createSample } = await import("./sample/mod.ts");
      return { create: () => createSample(options), close: () => Promise.resolve() };
    }
  }
}
