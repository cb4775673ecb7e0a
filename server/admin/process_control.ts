/**
 * `POST /mcp/{server}/start`, `/stop`, `/restart`: a server's processes by hand.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import type { ServerEndpoint } from "../exchange/server_endpoint.ts";

/** What can be done to a server. */
export type ProcessAction = "start" | "stop" | "restart";

/**
 * Does it, and says where the server stands then.
 *
 * @throws {Fault} with status 404 for an unknown server; `upstream_unavailable` or `upstream_timeout`
 * when it cannot be started.
 */
export async function controlServer(
  servers: ReadonlyMap<string, ServerEndpoint>,
  { server, action }: { server: string; action: ProcessAction },
): Promise<{ name: string; state: string }> {
  const endpoint = servers.get(server);
  if (endpoint === undefined) {
    const name = JSON.stringify(server.slice(0, 80));
    throw new Fault(
      "invalid_params",
      `Unknown server ${name}; configured are: ${[...servers.keys()].join(", ") || "none"}`,
      { server: server.slice(0, 80), status: 404 },
    );
  }
  await endpoint[action]();
  return { name: endpoint.server, state: endpoint.state };
}
