/**
 * `GET /`: a short page for a person who opens the daemon's address in a browser.
 *
 * @module
 */

import type { HealthSource } from "./health.ts";

/** The page, as plain text. */
export function welcomePage({ identity, serverStates }: HealthSource): Response {
  const base = `http://${identity.address}`;
  const servers = Object.entries(serverStates()).map(([name, state]) =>
    `  ${base}/mcp/${name}  (${state})`
  );
  const text = [
    `aichaku ${identity.version}`,
    "",
    "All servers together (MCP Streamable HTTP):",
    `  ${base}/mcp`,
    "",
    "One server:",
    ...servers,
    "",
    "Add it to Claude Code:",
    `  claude mcp add --transport http aichaku ${base}/mcp`,
    "",
  ].join("\n");
  return new Response(text, { headers: { "content-type": "text/plain; charset=utf-8" } });
}
