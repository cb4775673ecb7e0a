/**
 * `aichaku mcp --server-status`: whether a daemon runs and what it does. Never starts one.
 *
 * @module
 */

import { ask } from "../../server/daemon/control.ts";
import { find, hungProblem, type RunningDaemon } from "../../server/daemon/find.ts";
import { isObject } from "../../protocol/json.ts";
import { type CommandContext, EXIT } from "../context.ts";
import { addLine, runningBlock, type ServerLine, statusData, statusDetails } from "./report.ts";
import { type McpArguments, whereToLook } from "./shared.ts";

/** Runs the action. */
export async function status(given: McpArguments, context: CommandContext): Promise<number> {
  const where = whereToLook(context);
  const json = given.flags.has("json");
  const sighting = await find(where);
  switch (sighting.kind) {
    case "running": {
      const servers = await serverLines(sighting);
      if (json) context.stdout(text(statusData(sighting, servers)));
      else {
        context.stdout(runningBlock(sighting));
        context.stdout(statusDetails(sighting, servers));
        context.stdout("\n" + addLine(sighting, where.paths));
      }
      return EXIT.ok;
    }
    case "stopped":
      context.stdout(
        json
          ? text({ running: false, status: "stopped" })
          : "❌ MCP HTTP/SSE Server is not running\n",
      );
      return EXIT.notRunning;
    case "silent": {
      const problem = hungProblem(sighting);
      if (!json) throw problem;
      context.stdout(text({ running: false, status: "hung", error: problem.message }));
      return EXIT.failed;
    }
  }
}

/** The servers with what only the token's holder learns; without it what `/health` says. */
export async function serverLines(
  { announcement, health, token }: RunningDaemon,
): Promise<ServerLine[]> {
  const { status, body } = await ask(`${announcement.url}/mcp/servers`, {
    token,
    timeoutMs: 5_000,
  });
  if (status === 200 && typeof body === "object" && body !== null && "servers" in body) {
    const { servers } = body;
    if (Array.isArray(servers)) return servers.map(serverLine).filter((line) => line.name !== "");
  }
  return Object.entries(health.servers).map(([name, state]) => (
    { name, state, clients: undefined, reason: undefined }
  ));
}

function serverLine(value: unknown): ServerLine {
  const { name, state, clients, reason } = (value ?? {}) as Record<string, unknown>;
  return {
    name: typeof name === "string" ? name : "",
    state: typeof state === "string" ? state : "unknown",
    clients: typeof clients === "number" ? clients : undefined,
    reason: typeof reason === "string" ? reason : undefined,
    report: isObject(value) ? value : {},
  };
}

function text(value: unknown): string {
  return JSON.stringify(value, null, 2) + "\n";
}
