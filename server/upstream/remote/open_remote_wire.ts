/**
 * From an entry with a `url` to a connection: which wire reaches which kind of remote server.
 *
 * @module
 */

import type { Clock } from "../../../platform/clock.ts";
import { Fault } from "../../../protocol/errors.ts";
import type { RemoteEntry } from "../../config/types.ts";
import type { Logger } from "../../daemon/log.ts";
import type { OpenWire } from "../wire.ts";

/** What the wires to remote servers need beside an entry; see `InstanceContext`. */
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

/** How the server of an entry is reached. Nothing is opened yet. */
export function openRemoteWire(entry: RemoteEntry, _context: RemoteContext): OpenWire {
  return () => {
    throw new Fault(
      "upstream_unavailable",
      `Cannot reach server ${JSON.stringify(entry.name)}: remote servers ("url") are not ` +
        `supported by this version; run it as a command, for example through mcp-remote`,
      { server: entry.name, retryable: false },
    );
  };
}
