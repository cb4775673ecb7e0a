/**
 * What every wire to a remote server is opened with.
 *
 * @module
 */

import type { Clock } from "../../../platform/clock.ts";
import type { Logger } from "../../daemon/log.ts";

/** What does not come from the entry. */
export interface RemoteContext {
  clock: Clock;
  /** Random numbers in [0, 1). */
  random: () => number;
  log: Logger;
  /** Longest message from a server, characters. */
  maxServerMessageBytes: number;
  /** Most that may wait for a server to take it, characters. */
  maxOwed: number;
}

/** Options of a wire. */
export interface RemoteOptions extends RemoteContext {
  /** Name of the server, for errors. */
  server: string;
  url: string;
  /** The entry's own headers: its credentials. */
  headers: Readonly<Record<string, string>>;
  /** What one connection to this server leaves to the next. */
  memory: RemoteMemory;
}

/** What is known of a server beyond one connection. */
export interface RemoteMemory {
  /** Whether it forgot its last session before that had served anything. */
  forgotAtOnce: boolean;
}

/** Nothing is known yet. */
export function newRemoteMemory(): RemoteMemory {
  return { forgotAtOnce: false };
}
