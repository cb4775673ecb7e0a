/**
 * `aichaku mcp --stdio`: a bridge for clients that speak only stdio. Starts the daemon if there is none,
 * and goes on when it restarts.
 *
 * @module
 */

import { LineSplitter } from "../../protocol/ndjson.ts";
import { type CommandContext, EXIT, UsageError } from "../context.ts";
import { givenSettings, type McpArguments } from "./shared.ts";
import { startDetached } from "./start.ts";
import { StdioBridge } from "./stdio_bridge.ts";

/** Longest line of the client's, characters: the daemon refuses less, but with an error of its own. */
const MAX_LINE = 64 * 1024 * 1024;

/** Runs the action: ends when standard input does, and what was asked is answered, or has had its time. */
export async function stdio(given: McpArguments, context: CommandContext): Promise<number> {
  const settings = givenSettings(given, context);
  const bridge = new StdioBridge({
    server: given.values.get("server"),
    project: checkProject(given.values.get("project")),
    write: (line) => context.stdout(`${line}\n`),
    log: (text) => context.stderr(`aichaku: ${text}\n`),
    async reach() {
      const { daemon } = await startDetached({ settings, autostarted: true }, context);
      const { url, socket } = daemon.announcement;
      return { url, socket: socket ?? undefined, token: daemon.token };
    },
  });
  const lines = new LineSplitter((line) => bridge.receive(line), {
    maxLength: MAX_LINE,
    onOversize: (ends) => bridge.refuseLine(ends),
  });
  for await (const chunk of Deno.stdin.readable) lines.push(chunk);
  // A client that writes one message and closes may leave out the last line end.
  if (lines.pending > 0) lines.push(new Uint8Array([10]));
  await bridge.finish();
  return EXIT.ok;
}

function checkProject(project: string | undefined): string | undefined {
  if (project === undefined || /^(\/|[A-Za-z]:[\\/])/.test(project)) return project;
  throw new UsageError(`--project must be an absolute path: ${JSON.stringify(project)}`);
}
