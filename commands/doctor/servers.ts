/**
 * Servers that the running daemon could not start.
 *
 * @module
 */

import type { ServerLine } from "../mcp/daemon_report.ts";
import { lastWordsIn } from "../../server/upstream/last_words.ts";
import { type Finding, warning } from "./finding.ts";

/** One finding for each that failed; the others may never have been started, and nothing is known of them. */
export function checkServers(servers: readonly ServerLine[]): Finding[] {
  return servers.filter(({ state }) => state === "failed").map(({ name, reason }) => {
    const why = reason?.split("\n")[0];
    const lastWords = reason === undefined ? undefined : lastWordsIn(reason);
    return warning(
      "servers",
      [
        `${name} does not run${why === undefined ? "" : `: ${why}`}`,
        ...(lastWords === undefined ? [] : [lastWords.trim()]),
      ].join("; "),
      "To see all that it wrote: aichaku mcp --logs",
    );
  });
}
