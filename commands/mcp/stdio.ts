/**
 * `aichaku mcp --stdio`: a bridge for clients that speak only stdio. Starts the daemon if there is none,
 * and goes on when it restarts.
 *
 * @module
 */

import { setImmediate } from "node:timers";
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
  const output = new Output(context);
  const bridge = new StdioBridge({
    server: given.values.get("server"),
    project: checkProject(given.values.get("project")),
    write: (line) => output.write(line),
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
  const buffer = new Uint8Array(64 * 1024);
  for (let count = await Deno.stdin.read(buffer); count !== null;) {
    lines.push(buffer.subarray(0, count));
    count = await Deno.stdin.read(buffer);
  }
  // A client that writes one message and closes may leave out the last line end.
  if (lines.pending > 0) lines.push(new Uint8Array([10]));
  await bridge.finish();
  output.flush();
  return EXIT.ok;
}

/** Lines of one turn of the event loop, written together. */
class Output {
  readonly #context: CommandContext;
  #lines: string[] = [];

  constructor(context: CommandContext) {
    this.#context = context;
  }

  write(line: string): void {
    if (this.#lines.push(line) === 1) setImmediate(() => this.flush());
  }

  flush(): void {
    const lines = this.#lines;
    if (lines.length === 0) return;
    this.#lines = [];
    this.#context.stdout(`${lines.join("\n")}\n`);
  }
}

function checkProject(project: string | undefined): string | undefined {
  if (project === undefined || /^(\/|[A-Za-z]:[\\/])/.test(project)) return project;
  throw new UsageError(`--project must be an absolute path: ${JSON.stringify(project)}`);
}
