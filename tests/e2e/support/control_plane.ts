/**
 * What the holder of the token sees of a daemon.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ServerReport } from "../../../server/admin/servers.ts";
import type { SessionReport } from "../../../server/admin/sessions.ts";
import { within } from "./within.ts";

/** Where a daemon is, and its secret. */
export interface Controlled {
  readonly url: string;
  readonly token: string;
}

/** The state of one server. */
export async function serverReport(daemon: Controlled, name: string): Promise<ServerReport> {
  const { servers } = await ask<{ servers: ServerReport[] }>(daemon, "/mcp/servers");
  const found = servers.find((server) => server.name === name);
  assert.ok(found, `no server ${name} in ${JSON.stringify(servers)}`);
  return found;
}

/** Every session. */
export async function sessionReports(daemon: Controlled): Promise<SessionReport[]> {
  return (await ask<{ sessions: SessionReport[] }>(daemon, "/sessions")).sessions;
}

/** `POST /mcp/{server}/{action}` with the token. */
export async function control(
  { url, token }: Controlled,
  server: string,
  action: "start" | "stop" | "restart",
): Promise<{ status: number; body: { state?: string; error?: { message: string } } }> {
  const response = await within(
    fetch(`${url}/mcp/${server}/${action}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: "{}",
    }),
    `an answer to ${action} of ${server}`,
  );
  return { status: response.status, body: await response.json() };
}

async function ask<T>({ url, token }: Controlled, path: string): Promise<T> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await within(fetch(url + path, { headers }), `an answer to GET ${path}`);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text);
}
