/**
 * What is said about a daemon that runs. The texts are a contract: people and programs read them.
 *
 * @module
 */

import type { HomePaths } from "../../platform/paths.ts";
import { VERSION } from "../../protocol/version.ts";
import type { ConfigurationStatus } from "../../server/daemon/app.ts";
import type { RunningDaemon } from "../../server/daemon/find.ts";
import type { DaemonReport } from "./daemon_report.ts";
import { duration } from "./duration.ts";
import { visible } from "../review/format_pretty.ts";
import { serverDetails } from "./server_details.ts";

/** The block: that it runs, where, for how many, as which process. */
export function runningBlock({ announcement, health }: RunningDaemon): string {
  return [
    "✅ MCP HTTP/SSE Server is running",
    `   URL: ${announcement.url}`,
    `   Active sessions: ${health.sessions}`,
    `   Process ID: ${health.pid}`,
    "",
  ].join("\n");
}

/** The line that adds it to Claude Code. */
export function addLine({ announcement }: RunningDaemon, paths: HomePaths): string {
  const add = `claude mcp add --transport http aichaku ${announcement.url}/mcp`;
  if (announcement.settings?.requireToken !== true) return `${add}\n`;
  // By reference: the token itself would stay in the terminal's scrollback.
  return `${add} --header "Authorization: Bearer $(cat '${paths.tokenFile}')"\n`;
}

/** What status adds to the block. */
export function statusDetails(
  { health, announcement }: RunningDaemon,
  { servers, configuration }: DaemonReport,
): string {
  const lines = [
    `   Version: ${health.version}${versionNote(health.version)}`,
    `   Uptime: ${duration(health.uptime)}`,
    ...(announcement.socket === null ? [] : [`   Socket: ${announcement.socket}`]),
    ...(announcement.tcp === null ? [] : [`   TCP: ${announcement.tcp}`]),
    `   Log: ${announcement.logPath}`,
    ...configurationNotes(configuration).map((note) => `   Configuration: ${note}`),
  ];
  if (health.status !== "ok") lines.push(`   State: ${health.status}`);
  lines.push(servers.length === 0 ? "   Servers: none" : "   Servers:");
  const width = Math.max(0, ...servers.map(({ name }) => name.length));
  for (const { name, state, clients, reason, report } of servers) {
    const count = clients === undefined
      ? ""
      : `, ${clients === 1 ? "1 client" : `${clients} clients`}`;
    const why = reason === undefined ? "" : ` (${reason.split("\n")[0]})`;
    lines.push(`     ${name.padEnd(width)}  ${state}${count}${why}`);
    for (const detail of serverDetails(report ?? {})) lines.push(`       ${detail}`);
  }
  // A server's last words and the name of a folder can be anything; they must not move the cursor.
  return lines.map(visible).join("\n") + "\n";
}

/** How what runs differs from what the file says; nothing when it does not. One line each. */
export function configurationNotes(configuration: ConfigurationStatus | undefined): string[] {
  const { problem, restart = [] } = configuration ?? {};
  const notes: string[] = [];
  if (problem !== undefined) {
    notes.push(`what runs is older than the file, which has a problem: ${problem.split("\n")[0]}`);
  }
  if (restart.length > 0) {
    notes.push(`changed, and waiting for aichaku mcp --restart-server: ${restart.join(", ")}`);
  }
  return notes;
}

/** What to do when the daemon was started by another version of this program. */
export function versionNote(daemonVersion: string): string {
  if (daemonVersion === VERSION) return "";
  return ` (this command is ${VERSION}; to update the daemon: aichaku mcp --restart-server)`;
}

/** The same as data, for `--json`. Without a report, what `/health` says. */
export function statusData(
  { announcement, health }: RunningDaemon,
  report?: DaemonReport,
): Record<string, unknown> {
  return {
    running: true,
    status: health.status,
    url: announcement.url,
    sessions: health.sessions,
    pid: health.pid,
    version: health.version,
    commandVersion: VERSION,
    instanceId: health.instanceId,
    uptime: health.uptime,
    logPath: announcement.logPath,
    socket: announcement.socket,
    tcp: announcement.tcp,
    ...(report?.configuration === undefined ? {} : { configuration: report.configuration }),
    servers: report?.servers.map(({ report, ...line }) => ({ ...report, ...line })) ??
      Object.entries(health.servers).map(([name, state]) => ({ name, state })),
  };
}
