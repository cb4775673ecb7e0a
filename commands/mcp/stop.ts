/**
 * `aichaku mcp --stop-server`: ends the daemon; that there is none is no failure.
 *
 * @module
 */

import { halt } from "../../server/daemon/halt.ts";
import { type CommandContext, EXIT } from "../context.ts";
import { type McpArguments, whereToLook } from "./shared.ts";

const TEXT = {
  "was not running": "MCP HTTP/SSE Server is not running",
  "stopped": "✅ MCP HTTP/SSE Server stopped",
  "killed": "✅ MCP HTTP/SSE Server stopped (killed: it did not end when asked)",
} as const;

/** Runs the action. */
export async function stop(given: McpArguments, context: CommandContext): Promise<number> {
  const outcome = await halt({ ...whereToLook(context), force: given.flags.has("force") });
  const text = given.flags.has("json")
    ? JSON.stringify({ running: false, outcome: outcome.replaceAll(" ", "-") })
    : TEXT[outcome];
  context.stdout(text + "\n");
  return EXIT.ok;
}
