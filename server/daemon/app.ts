/**
 * The seam between whoever runs the daemon (this folder: election, listening, shutdown) and what it
 * serves (`server/mod.ts`). The runner knows nothing of MCP; the application knows nothing of locks,
 * files and signals.
 *
 * @module
 */

import type { SelfCommand } from "../../platform/self.ts";
import type { Config } from "../config/types.ts";
import type { SessionStore } from "../store/session_store.ts";
import type { ChildRegistry } from "./children.ts";
import type { Activity } from "./idle.ts";
import type { Logger } from "./log.ts";

/** Who this run of the daemon is. Fixed before the first request is accepted. */
export interface DaemonIdentity {
  /** Random name of this run. */
  instanceId: string;
  version: string;
  /** The secret of the control plane and of the health proof. */
  token: string;
  /**
   * `host:port` that clients dial, and that the health proof covers. A daemon that listens on every
   * address (`0.0.0.0`) is dialed, and proves itself, as `127.0.0.1`.
   */
  address: string;
  pid: number;
  /** Wall clock, milliseconds since 1970. */
  startedAt: number;
  /** The user's home folder (not `$AICHAKU_HOME`). */
  homeFolder: string;
  /**
   * How to run `aichaku` itself: `[...args, "mcp", "--serve-builtin", "reviewer"]`, with the variables
   * that make it find the same home and configuration.
   */
  selfCommand: SelfCommand & { env: Readonly<Record<string, string>> };
}

/** What an application is made from. */
export interface AppOptions {
  config: Config;
  identity: DaemonIdentity;
  /** The environment that the daemon was started with: what children may be given of it. */
  variables: Readonly<Record<string, string>>;
  log: Logger;
  /** Takes note of children, so that none outlives the daemon. */
  children: ChildRegistry;
  /** Where sessions outlive the daemon; closed by `drain`. */
  sessionStore: SessionStore;
  /** Asks the runner to drain and exit. Returns at once; asking twice is the same as once. */
  requestShutdown(reason: string, options?: ShutdownOptions): void;
}

/** How it is to end. */
export interface ShutdownOptions {
  /** Somebody waits for the next daemon: running calls and children get less time. Default false. */
  hurry?: boolean;
}

/** How long and why an application drains. */
export interface DrainOptions {
  reason: string;
  /** Milliseconds that running work may take to finish before it is failed with `draining`. */
  graceMs: number;
  /** Whether children get less time to end, too. */
  hurry: boolean;
}

/** What the daemon serves. */
export interface DaemonApp {
  /** Answers one request. Called from the moment the port is open until the daemon is gone. */
  fetch(request: Request, info: Deno.ServeHandlerInfo): Response | Promise<Response>;
  /** Sessions that hold a lease. */
  activeSessions(): number;
  /** What {@linkcode watchIdle} watches. */
  activity(): Activity;
  /**
   * Refuses new work, finishes or fails what runs within `graceMs`, closes every stream, stops every
   * child. `/health` keeps answering meanwhile. Called once.
   */
  drain(options: DrainOptions): Promise<void>;
}

/** Makes the application of a daemon. Synchronous, so that no request meets a half-made one. */
export type CreateApp = (options: AppOptions) => DaemonApp;
