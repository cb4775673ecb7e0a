/**
 * What a daemon that runs says of itself to whoever has the token: its servers, and how its
 * configuration stands. One of another version may say less, or say it in another way.
 *
 * @module
 */

import { isObject } from "../../protocol/json.ts";
import type { ServerReport } from "../../server/admin/servers.ts";
import type { ConfigurationStatus } from "../../server/daemon/app.ts";
import { ask } from "../../server/daemon/control.ts";
import type { RunningDaemon } from "../../server/daemon/find.ts";

/** A server as status shows it. */
export interface ServerLine {
  name: string;
  state: string;
  /** Sessions at this server; undefined when the daemon did not say. */
  clients: number | undefined;
  /** Why it is not running, when it should be. */
  reason: string | undefined;
  /** Everything the daemon says of it; left out when it did not. */
  report?: Partial<ServerReport>;
}

/** What a daemon says of itself. */
export interface DaemonReport {
  servers: ServerLine[];
  /** Left out when the daemon did not say. */
  configuration?: ConfigurationStatus;
}

/** Asks the daemon; what it does not tell about its servers is what `/health` says. */
export async function askForReport(
  { announcement, health, token }: RunningDaemon,
): Promise<DaemonReport> {
  const { status, body } = await ask(`${announcement.url}/mcp/servers`, {
    token,
    timeoutMs: 5_000,
  });
  const { servers, configuration } = status === 200 && isObject(body) ? body : {};
  return {
    servers: Array.isArray(servers)
      ? servers.map(serverLine).filter((line) => line.name !== "")
      : Object.entries(health.servers).map(([name, state]) => (
        { name, state, clients: undefined, reason: undefined }
      )),
    configuration: configurationStatus(configuration),
  };
}

function serverLine(value: unknown): ServerLine {
  const { name, state, clients, reason } = isObject(value) ? value : {};
  return {
    name: typeof name === "string" ? name : "",
    state: typeof state === "string" ? state : "unknown",
    clients: typeof clients === "number" ? clients : undefined,
    reason: typeof reason === "string" ? reason : undefined,
    report: isObject(value) ? value : {},
  };
}

function configurationStatus(value: unknown): ConfigurationStatus | undefined {
  if (!isObject(value) || typeof value.file !== "string") return undefined;
  const { file, problem, restart } = value;
  return {
    file,
    ...(typeof problem === "string" ? { problem } : {}),
    restart: Array.isArray(restart) ? restart.filter((name) => typeof name === "string") : [],
  };
}
