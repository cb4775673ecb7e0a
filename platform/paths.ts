/**
 * Where everything lives below `$AICHAKU_HOME`. Nothing is created here and nothing is looked at: the
 * same input gives the same paths in the daemon, the command line and the SDK, which is how they meet.
 *
 * The run folder deliberately does not use `TMPDIR` or `XDG_RUNTIME_DIR`: programs started by a
 * desktop, by ssh and by cron disagree about them and would elect two daemons. A machine id in the path
 * keeps machines that share a home folder apart.
 *
 * Runs on Deno, Node and Bun.
 *
 * @module
 */

import { join, resolve } from "node:path";

/** Every path of one home on one machine. All absolute when the home is. */
export interface HomePaths {
  /** `$AICHAKU_HOME`. */
  home: string;
  /** JSONC configuration. */
  configFile: string;
  /** JSON lines, rotated by the daemon. */
  logFile: string;
  /** Process id of the daemon, for people; nothing acts on it. */
  pidFile: string;
  /** Tool catalogs and verdicts, kept across restarts. */
  cacheDir: string;
  /** Mode 0700: locks, announcement, token, socket of this machine's daemon. */
  runDir: string;
  /** Held by the daemon for life; whoever holds it is the daemon. */
  daemonLock: string;
  /** Held by whoever is starting a daemon. */
  spawnLock: string;
  /** The announcement: where the daemon is reached. */
  daemonJson: string;
  /** The secret shared by everyone who can read this folder. */
  tokenFile: string;
  /** Unix socket for newline-delimited JSON-RPC. */
  socket: string;
  /** Journal of child processes. */
  childrenJson: string;
  /** Session records. */
  sessionsDb: string;
}

/**
 * The paths of `home` on the machine `machineId`.
 *
 * @param home `$AICHAKU_HOME`; a relative one is taken from the current folder.
 * @param machineId See `machineId()`; must be usable as a folder name.
 */
export function homePaths(home: string, machineId: string): HomePaths {
  const root = resolve(home);
  const runDir = join(root, "run", machineId);
  return {
    home: root,
    configFile: join(root, "config.json"),
    logFile: join(root, "mcp-http-server.log"),
    pidFile: join(root, "mcp-http-server.pid"),
    cacheDir: join(root, "cache"),
    runDir,
    daemonLock: join(runDir, "daemon.lock"),
    spawnLock: join(runDir, "spawn.lock"),
    daemonJson: join(runDir, "daemon.json"),
    tokenFile: join(runDir, "token"),
    socket: join(runDir, "mcp.sock"),
    childrenJson: join(runDir, "children.json"),
    sessionsDb: join(runDir, "sessions.db"),
  };
}
