/**
 * Room for one more instance of a server that may have no more: what gives way to it.
 *
 * Guarantees: first whatever has no process, then what nobody uses, then one client's own process that
 * its client has left alone, or would not miss. An instance that clients share and that runs stays.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import type { Places } from "./places.ts";
import type { SharedInstance } from "./shared_instance.ts";

/** Options of {@linkcode makeRoom}. */
export interface MakeRoomOptions {
  /** Name of the server. */
  server: string;
  /** Instances it may have. */
  maxInstances: number;
  /** Ends an instance for good. */
  end(shared: SharedInstance, reason: string): void;
}

/** @throws {Fault} `overloaded` when there are too many instances, and all are in use. */
export function makeRoom(places: Places, { server, maxInstances, end }: MakeRoomOptions): void {
  if (places.instances.size < maxInstances) return;
  const instances = [...places.instances];
  const resting = instances.find((shared) => shared.own === undefined && shared.resting);
  // No process, no state: its sessions get a new one with their next call.
  if (resting !== undefined) {
    for (const session of places.takeOff(resting)) places.letGo(session, resting);
    return;
  }
  const spare =
    instances.find(({ sessions, instance }) =>
      sessions.size === 0 && instance.callsInFlight === 0
    ) ?? instances.find(({ own }) => own !== undefined && !own.active) ??
      instances.find(({ own }) => own !== undefined && own.spare);
  if (spare === undefined) {
    throw new Fault(
      "overloaded",
      `Server ${JSON.stringify(server)} has ${maxInstances} instances already, for other ` +
        `projects and clients; end one of those, or raise "server.limits.maxInstancesPerServer" in ` +
        "config.json",
      { server },
    );
  }
  end(spare, "another client needed its place");
}
