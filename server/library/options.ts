/**
 * The options of the daemon and of its methods, with their defaults, and the check of what a program
 * gave.
 *
 * @module
 */

import type { AppKind } from "./app.ts";
import type { DaemonStart } from "./role.ts";

/** Options of {@linkcode StreamableHttpDaemon}. */
export interface StreamableHttpDaemonOptions {
  /**
   * Folder through which the processes find each other: the same for all, on this machine's own disk,
   * writable by this user. Made when it is missing. A relative one is taken from the current folder.
   */
  daemonDir: string;
  /**
   * Port of the server. Processes that give the same port and folder share one server; 0 is a server
   * whose port the system chooses.
   *
   * @default 0
   */
  port?: number;
  /**
   * Address to listen on. Anything but a loopback address lets the network in; authentication is then
   * the application's business.
   *
   * @default "127.0.0.1"
   */
  host?: string;
  /**
   * Tells on stderr what happens in the daemon's life.
   *
   * @default false
   */
  debug?: boolean;
  /**
   * What a registered process does when the one that serves is killed or told to end: `"rejoin"` waits
   * for the next that serves and registers with it, `"takeOver"` starts as if anew and may serve
   * itself, `"leave"` does nothing.
   *
   * @default "rejoin"
   */
  whenLost?: "rejoin" | "takeOver" | "leave";
  /** Called when the server of this process is gone without its asking. */
  onLost?(reason: string): void;
  /** Called when, after a loss, this process is registered again, or serves. */
  onRejoined?(result: DaemonStart): void;
  /**
   * Whether SIGINT, SIGTERM and SIGHUP end the daemon properly and then the process, with code 0. With
   * false the program calls `stop({ force: true })` itself.
   *
   * @default true
   */
  handleSignals?: boolean;
}

/** Options of `start()`. */
export interface StartOptions<Kind extends AppKind = AppKind> {
  /** Which kind of application it is, where that cannot be told for certain; see `docs/library.md`. */
  kind?: Kind;
  /**
   * Milliseconds that the start may take.
   *
   * @default 30_000
   */
  deadlineMs?: number;
}

/** Options of `stop()`. */
export interface StopOptions {
  /**
   * Ends the server even though other processes use it, when it is this process that serves.
   *
   * @default false
   */
  force?: boolean;
}

/** Options with their defaults. */
export type FullOptions = Required<StreamableHttpDaemonOptions>;

/**
 * Fills in the defaults.
 *
 * @throws {TypeError} when an option cannot be used.
 */
export function fullOptions(options: StreamableHttpDaemonOptions): FullOptions {
  const { daemonDir, port = 0, host = "127.0.0.1", whenLost = "rejoin" } = options;
  if (typeof daemonDir !== "string" || daemonDir === "") {
    throw new TypeError(
      `Cannot make a daemon: 'daemonDir' is ${JSON.stringify(daemonDir)}; it must be a folder`,
    );
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new TypeError(
      `Cannot make a daemon: 'port' is ${port}; it must be an integer from 0 to 65535`,
    );
  }
  if (!["rejoin", "takeOver", "leave"].includes(whenLost)) {
    throw new TypeError(
      `Cannot make a daemon: 'whenLost' is ${JSON.stringify(whenLost)}; it must be "rejoin", ` +
        `"takeOver" or "leave"`,
    );
  }
  return {
    daemonDir,
    port,
    // Names are not looked up: "localhost" is ::1 for one program and 127.0.0.1 for the next.
    host: host === "localhost" ? "127.0.0.1" : host,
    debug: options.debug ?? false,
    whenLost,
    onLost: options.onLost ?? (() => {}),
    onRejoined: options.onRejoined ?? (() => {}),
    handleSignals: options.handleSignals ?? true,
  };
}
