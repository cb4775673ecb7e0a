/**
 * Where the daemons of one folder keep what they agree by. Nothing is created here.
 *
 * Each port has a folder of its own, so that one `daemonDir` can serve several services; a machine id
 * in the path keeps machines that share a home folder apart.
 *
 * @module
 */

import { join, resolve } from "@std/path";

/** Every path of one service on one machine. All absolute. */
export interface ServicePaths {
  /** Mode 0700: everything below. */
  folder: string;
  /** Held by the process that serves; never deleted. */
  lock: string;
  /** Where the process that serves is reached. */
  announcement: string;
  /** The secret of everyone who can read the folder. */
  token: string;
}

/** What a service is known by. */
export interface ServiceName {
  /** A relative one is taken from the current folder. */
  daemonDir: string;
  /** As it was asked for; 0 when the system chooses. */
  port: number;
  /** See `machineId()`. */
  machine: string;
}

/** The paths of a service. */
export function servicePaths({ daemonDir, port, machine }: ServiceName): ServicePaths {
  const folder = join(resolve(daemonDir), machine, `port-${port}`);
  return {
    folder,
    lock: join(folder, "daemon.lock"),
    announcement: join(folder, "daemon.json"),
    token: join(folder, "token"),
  };
}
