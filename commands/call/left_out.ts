/**
 * Which servers are missing in a list of everything: those that could not be started, or not in time.
 * They are left out so that the others can be used; their user has to be told.
 *
 * @module
 */

import { find } from "../../server/daemon/find.ts";
import { DaemonProblem } from "../../server/daemon/problem.ts";
import type { CommandContext } from "../context.ts";
import { askForReport, type ServerLine } from "../mcp/daemon_report.ts";
import { whereToLook } from "../mcp/shared.ts";
import { visible } from "../review/format_pretty.ts";

/** Why a server is not in the list; undefined for one that may have nothing to list. */
function trouble({ state, reason, report }: ServerLine): string | undefined {
  if (["starting", "backoff", "failed"].includes(state)) return reason ?? state;
  // The first failure of all is not held against it: it may be started again at once.
  return state === "idle" ? report?.lastError : undefined;
}

/** Tells of the servers that no item of the list is from. `names` are `server__item`. */
export async function tellLeftOut(
  names: readonly string[],
  context: CommandContext,
): Promise<void> {
  try {
    const sighting = await find(whereToLook(context));
    if (sighting.kind !== "running") return;
    context.stderr(leftOut((await askForReport(sighting)).servers, names));
  } catch (error) {
    // The list is there, and whoever can read no more of this daemon has been told so elsewhere.
    if (!(error instanceof DaemonProblem)) throw error;
  }
}

/** A line for each, and where to look; empty when there is none. Exported for its test. */
export function leftOut(servers: readonly ServerLine[], names: readonly string[]): string {
  const lines = servers.flatMap((server) => {
    const why = trouble(server);
    const isListed = names.some((item) => item.startsWith(`${server.name}__`));
    return why === undefined || isListed ? [] : [visible(`  ${server.name}: ${firstLine(why)}`)];
  });
  if (lines.length === 0) return "";
  return ["Left out:", ...lines, "More of them: aichaku mcp --server-status", ""].join("\n");
}

function firstLine(text: string): string {
  return text.split("\n")[0];
}
