/**
 * One client per server for a whole process, so that code in different places shares a connection.
 *
 * @module
 */

import { resolve } from "node:path";

import { AichakuClient } from "./client.ts";
import { findDaemon } from "./find_daemon.ts";
import {
  type ClientOptions,
  milliseconds,
  resolveDaemonOptions,
  resolveOptions,
} from "./options.ts";

/** What tells shared clients apart. */
export type SharedClientKey = Pick<ClientOptions, "home" | "server" | "mode" | "url">;

/** Options of {@linkcode isServerRunning}. */
export interface IsServerRunningOptions extends Pick<ClientOptions, "home" | "url" | "token"> {
  /** Milliseconds for everything. @default {1000} */
  timeoutMs?: number;
  /** Ends the question; its reason is thrown. */
  signal?: AbortSignal;
}

const clients = new Map<string, AichakuClient>();

/**
 * The client of this process for (`home`, `server`, `mode`, `url`); made on first use and after it was
 * closed. Other options count only when it is made.
 *
 * @throws {TypeError} as the constructor of {@linkcode AichakuClient}.
 */
export function getSharedClient(options: ClientOptions = {}): AichakuClient {
  const key = keyOf(options);
  const existing = clients.get(key);
  if (existing !== undefined && !existing.closed) return existing;
  const client = new AichakuClient(options);
  clients.set(key, client);
  return client;
}

/**
 * Closes the shared client for these options, or all of them without any. Does nothing when there is
 * none. The next {@linkcode getSharedClient} makes a new one.
 */
export async function closeSharedClient(options?: SharedClientKey): Promise<void> {
  const keys = options === undefined ? [...clients.keys()] : [keyOf(options)];
  await Promise.all(keys.map((key) => {
    const client = clients.get(key);
    clients.delete(key);
    return client?.close();
  }));
}

/**
 * Whether the daemon of `home` (or the one at `url`) runs and proves that it is the daemon. Starts
 * nothing, and answers within `timeoutMs` whatever sits on the port.
 */
export async function isServerRunning(options: IsServerRunningOptions = {}): Promise<boolean> {
  const found = await findDaemon({
    ...resolveDaemonOptions(options),
    deadlineMs: milliseconds("timeoutMs", options.timeoutMs, 1000),
    signal: options.signal,
  });
  return found.found;
}

function keyOf(options: ClientOptions): string {
  const { home, server, mode, url } = resolveOptions(options);
  return JSON.stringify([resolve(home), server, mode, url]);
}
