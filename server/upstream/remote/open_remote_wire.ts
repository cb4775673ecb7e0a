/**
 * From an entry with a `url` to a connection: which wire reaches which kind of remote server.
 *
 * @module
 */

import type { RemoteEntry } from "../../config/types.ts";
import type { OpenWire, Wire, WireEvents } from "../wire.ts";
import { openHttpWire } from "./http_wire.ts";
import { newRemoteMemory, type RemoteContext, type RemoteOptions } from "./options.ts";
import { openSseWire } from "./sse_wire.ts";
import { openWsWire } from "./ws_wire.ts";

const WIRES: Readonly<
  Record<RemoteEntry["type"], (options: RemoteOptions, events: WireEvents) => Wire>
> = {
  http: openHttpWire,
  sse: openSseWire,
  ws: openWsWire,
};

/** How the server of an entry is reached. Nothing is opened yet. */
export function openRemoteWire(
  entry: Pick<RemoteEntry, "name" | "type" | "url" | "headers">,
  context: RemoteContext,
): OpenWire {
  const { name: server, type, url, headers } = entry;
  const { clock, random, log, maxServerMessageBytes, maxOwed } = context;
  const options: RemoteOptions = {
    server,
    url,
    headers,
    clock,
    random,
    log,
    maxServerMessageBytes,
    maxOwed,
    memory: newRemoteMemory(),
  };
  return (events) => WIRES[type](options, events);
}
