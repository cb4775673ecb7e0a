/**
 * `aichaku mcp --stdio`: a bridge for clients that speak only stdio. Starts the daemon if there is none,
 * and goes on when it restarts.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { LineSplitter } from "../../protocol/ndjson.ts";
import { type CommandContext, EXIT, ToldToEnd, UsageError } from "../context.ts";
import { OutputError } from "../output.ts";
import { unlessToldToEnd } from "../told_to_end.ts";
import { givenSettings, type McpArguments } from "./shared.ts";
import { startDetached } from "./start.ts";
import { StdioBridge } from "./stdio_bridge.ts";
import { clientGone, endedBy } from "./stdio_bridge_faults.ts";

/** Longest line of the client's, characters: the daemon refuses less, but with an error of its own. */
const MAX_LINE = 64 * 1024 * 1024;

/**
 * Runs the action: ends when standard input does, and what was asked is answered, or has had its time.
 * SIGINT, SIGTERM and SIGHUP end it sooner: what was asked is told so, and the session ends, so that
 * nothing is kept for a client that is gone; a second one ends the process at once.
 *
 * @throws {ToldToEnd}
 */
export async function stdio(given: McpArguments, context: CommandContext): Promise<number> {
  const settings = givenSettings(given, context);
  const output = new Output(context);
  const bridge = new StdioBridge({
    server: given.values.get("server"),
    project: checkProject(given.values.get("project")),
    write: (line) => output.write(line),
    log: (text) => tell(`aichaku: ${text}\n`, context),
    async reach() {
      const { daemon } = await startDetached({ settings, autostarted: true }, context);
      const { url, socket } = daemon.announcement;
      return { url, socket: socket ?? undefined, token: daemon.token };
    },
  });
  try {
    await unlessToldToEnd(() => Promise.race([serveInput(bridge), output.broken]));
  } catch (error) {
    await bridge.end(error instanceof ToldToEnd ? endedBy(error.signal) : clientGone());
    output.flush();
    throw error;
  }
  output.flush();
  if (output.failure !== undefined) throw output.failure;
  return EXIT.ok;
}

/** Hands the bridge every line of standard input, and its end. */
async function serveInput(bridge: StdioBridge): Promise<void> {
  const lines = new LineSplitter((line) => bridge.receive(line), {
    maxLength: MAX_LINE,
    onOversize: (ends) => bridge.refuseLine(ends),
  });
  const buffer = new Uint8Array(64 * 1024);
  for (let count = await read(buffer); count !== null; count = await read(buffer)) {
    lines.push(buffer.subarray(0, count));
  }
  // A client that writes one message and closes may leave out the last line end.
  if (lines.pending > 0) lines.push(new Uint8Array([10]));
  await bridge.finish();
}

/** Bytes read of standard input; null at its end. */
async function read(buffer: Uint8Array): Promise<number | null> {
  try {
    return await Deno.stdin.read(buffer);
  } catch {
    return null; // It was a terminal, and that is gone: the same as its end.
  }
}

/** Lines of one turn of the event loop, written together: all of them, or none after one that failed. */
class Output {
  readonly #context: CommandContext;
  readonly #broken = Promise.withResolvers<never>();
  #lines: string[] = [];
  /** Why nothing can be written any more. */
  failure: unknown;

  constructor(context: CommandContext) {
    this.#context = context;
    this.#broken.promise.catch(() => {}); // It may come when nobody waits for it any more.
  }

  /** Rejects with {@linkcode failure} once there is one. */
  get broken(): Promise<never> {
    return this.#broken.promise;
  }

  write(line: string): void {
    if (this.#lines.push(line) === 1) setImmediate(() => this.flush());
  }

  flush(): void {
    const lines = this.#lines;
    this.#lines = [];
    if (lines.length === 0 || this.failure !== undefined) return;
    try {
      this.#context.stdout(`${lines.join("\n")}\n`);
    } catch (error) {
      this.failure = error;
      this.#broken.reject(error);
    }
  }
}

/** Says something to a person, if there is one. */
function tell(text: string, { stderr }: CommandContext): void {
  try {
    stderr(text);
  } catch (error) {
    // Nobody reads standard error, or it is a file without room: no reason to leave a client alone.
    if (!(error instanceof Deno.errors.BrokenPipe || error instanceof OutputError)) throw error;
  }
}

function checkProject(project: string | undefined): string | undefined {
  if (project === undefined || /^(\/|[A-Za-z]:[\\/])/.test(project)) return project;
  throw new UsageError(`--project must be an absolute path: ${JSON.stringify(project)}`);
}
