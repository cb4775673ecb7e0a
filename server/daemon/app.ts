/**
 * The seam between whoever runs the daemon (this folder: election, listening, shutdown) and what it
 * serves (`server/mod.ts`). The runner knows nothing of MCP; the application knows nothing of locks,
 * files and signals.
 *
 * @module
 */

import type { SelfCommand } from "../../platform/self.ts";
import type { Config } from "../config/types.ts";
import type { CatalogStore } from "../store/catalog_store.ts";
import type { SessionStore } from "../store/session_store.ts";
import type { VerdictStore } from "../store/verdict_store.ts";
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
  /** The environment that the daemon was started with; all that built-in servers need. */
  variables: Readonly<Record<string, string>>;
  /**
   * What other children may be given of the user's environment, the login shell's included: to be
   * awaited before a child is started. Asked once; settles after ten seconds at the latest, never
   * rejects.
   */
  childVariables(): Promise<Readonly<Record<string, string>>>;
  log: Logger;
  /** Takes note of children, so that none outlives the daemon. */
  children: ChildRegistry;
  /** Where sessions outlive the daemon; closed by `drain`. */
  sessionStore: SessionStore;
  /** What was learned about servers. */
  verdicts: VerdictStore;
  /** What servers were last known to offer; closed by `drain`. Default: in memory only. */
  catalogs?: CatalogStore;
  /** Measures what processes and their descendants use. Default: nothing is known. */
  measure?(pids: number[]): Promise<ReadonlyMap<number, { rssBytes: number; cpuSeconds: number }>>;
  /** Asks the runner to drain and exit. Returns at once; asking twice is the same as once. */
  requestShutdown(reason: string, options?: ShutdownOptions): void;
  /**
   * Reads the configuration again and hands it to {@linkcode DaemonApp.reload}. Never rejects. Asking
   * while it is being read is the same as asking once, afterwards.
   */
  requestReload(reason: string): Promise<ReloadOutcome>;
  /** How the configuration stands. */
  configuration(): ConfigurationStatus;
}

/** What became of a reload. */
export type ReloadOutcome =
  | { kind: "reloaded"; report: ReloadReport }
  /** Nothing has changed. `problem`: why, for a person; may have several lines. */
  | { kind: "kept"; problem: string };

/** What a reload changed: names of servers, each in one of the first four. */
export interface ReloadReport {
  added: string[];
  removed: string[];
  changed: string[];
  unchanged: string[];
  /** Settings that changed and that only a restart applies, such as `server.port`. */
  restart: string[];
}

/** Whether what runs is what the file says. */
export interface ConfigurationStatus {
  /** The file; it need not exist. */
  file: string;
  /** Why the last reload changed nothing: what runs is older than the file. */
  problem?: string;
  /** Settings of the file that only a restart applies, such as `server.port`. */
  restart: readonly string[];
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
  /**
   * Serves one connection of newline-delimited JSON-RPC until it is over. Never rejects, and closes the
   * connection. Without it the daemon has no Unix socket and no TCP port.
   *
   * @param options.needsToken Whether everybody on the machine can connect.
   */
  serveLines?(conn: Deno.Conn, options: { needsToken: boolean }): Promise<void>;
  /** Sessions that hold a lease. */
  activeSessions(): number;
  /** What {@linkcode watchIdle} watches. */
  activity(): Activity;
  /**
   * Goes over to another configuration. Servers that are the same in both keep running with everything
   * they know. Synchronous, so that no request meets half of it; what has to be ended ends later.
   *
   * @returns what changed; `restart` is left to the runner and may be empty.
   */
  reload?(config: Config): ReloadReport;
  /**
   * Refuses new work, finishes or fails what runs within `graceMs`, closes every stream, stops every
   * child. `/health` keeps answering meanwhile. Called once.
   */
  drain(options: DrainOptions): Promise<void>;
}

/** Makes the application of a daemon. Synchronous, so that no request meets a half-made one. */
export type CreateApp = (options: AppOptions) => DaemonApp;
