/**
 * Which folders a server may read for its client: those the client declares (`roots/list`), where it
 * declares any; else the project it was started for; else what the program allows. Asked once a
 * connection, and again when the client says that they changed.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import type { McpServer } from "@modelcontextprotocol/server";

/** What the program allows. */
export interface RootsOptions {
  /** Folders for a client that declares none. Absolute. */
  roots: readonly string[];
  /** The one folder this server is for; wins over `roots`. Absolute. */
  project?: string;
}

/** What a call may read. */
export interface AllowedRoots {
  /** Absolute. */
  roots: readonly string[];
  /** Where relative paths start, and what a project is when none is named: where there is one folder. */
  project: string | undefined;
}

/** Milliseconds a client has to say its roots. */
const ASK_MS = 5_000;

/** Asks `server`'s client. Never rejects: a client that does not answer has declared nothing. */
export function rootsOf(server: McpServer, options: RootsOptions): () => Promise<AllowedRoots> {
  const own: AllowedRoots = options.project === undefined
    ? { roots: options.roots, project: undefined }
    : { roots: [options.project], project: options.project };
  let asked: Promise<AllowedRoots> | undefined;
  server.server.setNotificationHandler("notifications/roots/list_changed", () => {
    asked = undefined;
  });
  return () => asked ??= ask();

  async function ask(): Promise<AllowedRoots> {
    // One that is started for a project keeps to it, whatever its client says.
    if (options.project !== undefined) return own;
    if (server.server.getClientCapabilities()?.roots === undefined) return own;
    try {
      const { roots } = await server.server.listRoots(undefined, { timeout: ASK_MS });
      const folders = roots.flatMap(({ uri }) => folderOf(uri) ?? []);
      if (folders.length === 0) return own;
      return { roots: folders, project: folders.length === 1 ? folders[0] : undefined };
    } catch {
      asked = undefined; // Asked again by the next call; this one goes on with our own.
      return own;
    }
  }
}

function folderOf(uri: string): string | undefined {
  try {
    return fileURLToPath(uri);
  } catch {
    return undefined; // Of another scheme, or none: no folder of this machine.
  }
}
