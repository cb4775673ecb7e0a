/**
 * `GET /mcp/servers`: names and states for everybody who may call them; the rest for whoever holds the
 * token.
 *
 * @module
 */

import type { ServerEndpoint } from "../exchange/server_endpoint.ts";

/** What everybody may know of a server. */
export interface ServerSummary {
  name: string;
  state: string;
}

/** What the holder of the token sees. */
export interface ServerReport extends ServerSummary {
  /** Why it is not running, when it should be. */
  reason?: string;
  pid?: number;
  /** Sessions at this server. */
  clients: number;
  callsInFlight: number;
  callsQueued: number;
  /** Times the process got ready after the first. */
  restarts: number;
}

/** The states of all servers. */
export function summarize(servers: Iterable<ServerEndpoint>): ServerSummary[] {
  return [...servers].map(({ instance: { name, life } }) => ({ name, state: life.state }));
}

/** Everything about all servers. */
export function report(servers: Iterable<ServerEndpoint>): ServerReport[] {
  return [...servers].map(({ instance, sessions }) => {
    const { life } = instance;
    return {
      name: instance.name,
      state: life.state,
      ...("reason" in life ? { reason: life.reason } : {}),
      ...(instance.pid === undefined ? {} : { pid: instance.pid }),
      clients: sessions.size,
      callsInFlight: instance.callsInFlight,
      callsQueued: instance.callsQueued,
      restarts: "record" in life ? Math.max(0, life.record.starts - 1) : 0,
    };
  });
}
