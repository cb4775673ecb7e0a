/**
 * Makes the daemon learn that a server asks its clients: from then on, clients that name themselves have
 * a process each.
 *
 * @module
 */

import { TaskProblem } from "../../scripts/lib/task.ts";

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": { sampling: {} },
};

/** Lets two clients call at once a tool that asks. @throws {TaskProblem} when nothing was refused. */
export async function learnThatItAsks(url: string, signal: AbortSignal): Promise<void> {
  const answers = await Promise.all(["one", "other"].map(async (client) => {
    const response = await fetch(`${url}?client=${client}`, {
      method: "POST",
      signal,
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": "test_sampling",
      },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "tools/call",
        params: { name: "test_sampling", arguments: { prompt: "Hello" }, _meta: META },
      }),
    });
    return await response.text();
  }));
  if (answers.some((answer) => answer.includes("-32015"))) return;
  throw new TaskProblem(`No question was refused at ${url}: ${answers.join("\n")}`);
}
