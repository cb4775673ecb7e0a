/**
 * `aichaku mcp --server-status`: whether a daemon runs and what it does. Never starts one.
 *
 * @module
 */

import { find, hungProblem } from "../../server/daemon/find.ts";
import { type CommandContext, EXIT } from "../context.ts";
import { askForReport } from "./daemon_report.ts";
import { addLine, runningBlock, statusData, statusDetails } from "./report.ts";
import { type McpArguments, whereToLook } from "./shared.ts";

/** Runs the action. */
export async function status(given: McpArguments, context: CommandContext): Promise<number> {
  const where = whereToLook(context);
  const json = given.flags.has("json");
  const sighting = await find(where);
  switch (sighting.kind) {
    case "running": {
      const report = await askForReport(sighting);
      if (json) context.stdout(text(statusData(sighting, report)));
      else {
        context.stdout(runningBlock(sighting));
        context.stdout(statusDetails(sighting, report));
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

function text(value: unknown): string {
  return JSON.stringify(value, null, 2) + "\n";
}
