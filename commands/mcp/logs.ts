/**
 * `aichaku mcp --logs`: the end of the daemon's log, and with `--follow` what comes after it.
 *
 * @module
 */

import { type Clock, systemClock } from "../../platform/clock.ts";
import { pause } from "../../platform/pause.ts";
import { joinBytes } from "../../protocol/bytes.ts";
import { readable, readFrom } from "../../server/daemon/log_tail.ts";
import { fileSystemProblem } from "../../server/daemon/problem.ts";
import { type CommandContext, EXIT } from "../context.ts";
import { type McpArguments, whereToLook } from "./shared.ts";

/** Lines shown of what is there already. */
const LINES = 100;

/** Runs the action. With `--json` the lines are printed as they are in the file. */
export async function logs(given: McpArguments, context: CommandContext): Promise<number> {
  const { logFile } = whereToLook(context).paths;
  const follow = given.flags.has("follow");
  try {
    return await show(logFile, { follow, given, context });
  } catch (error) {
    throw fileSystemProblem(error, `Cannot read the log ${logFile}`) ?? error;
  }
}

async function show(
  logFile: string,
  { follow, given, context }: { follow: boolean; given: McpArguments; context: CommandContext },
): Promise<number> {
  const reader = new LogReader(logFile);
  const print = (lines: readonly string[]) => {
    if (lines.length === 0) return;
    const shown = given.flags.has("json") ? lines : lines.map(readable);
    context.stdout(shown.join("\n") + "\n");
  };
  const there = reader.read();
  if (there === undefined && !follow) {
    context.stderr(`There is no log yet: ${logFile} does not exist.\n`);
    return EXIT.failed;
  }
  print((there ?? []).slice(-LINES));
  if (follow) await followLog(reader, print, systemClock);
  return EXIT.ok;
}

/** Prints what is appended, for ever: the user interrupts it. */
async function followLog(
  reader: LogReader,
  print: (lines: readonly string[]) => void,
  clock: Clock,
): Promise<never> {
  for (;;) {
    await pause(clock, 250);
    print(reader.read() ?? []);
  }
}

/** Reads a log that grows and is rotated by `LogFile`; every line comes once, whole. */
export class LogReader {
  readonly #path: string;
  #offset = 0;
  /** Inode of `.1`: every rotation makes a new one. */
  #older: number | null | undefined;
  /** The beginning of a line whose end is not written yet. */
  #partial: Uint8Array = new Uint8Array();

  constructor(path: string) {
    this.#path = path;
    this.#older = infoOf(`${path}.1`)?.ino;
  }

  /** The lines written since the last call; undefined when there is no log. */
  read(): string[] | undefined {
    const current = infoOf(this.#path);
    if (current === undefined) return undefined;
    const chunks = [this.#partial];
    const older = infoOf(`${this.#path}.1`);
    // Where there are no inodes (Windows), only a file that got shorter tells.
    if (older?.ino !== this.#older || current.size < this.#offset) {
      // Rotated: what was written between our last look and the rotation is in `.1`.
      if (older !== undefined) chunks.push(readFrom(`${this.#path}.1`, this.#offset));
      this.#older = older?.ino;
      this.#offset = 0;
    }
    const fresh = readFrom(this.#path, this.#offset);
    this.#offset += fresh.length;
    chunks.push(fresh);
    const bytes = joinBytes(chunks);
    const end = bytes.lastIndexOf(0x0a) + 1;
    this.#partial = bytes.slice(end);
    const text = new TextDecoder().decode(bytes.subarray(0, end));
    return text.split("\n").filter((line) => line !== "");
  }
}

function infoOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
