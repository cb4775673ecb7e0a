/**
 * Entries of `mcpServers` for tests.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";

/** One entry. */
export interface Entry {
  command: string;
  args: string[];
  startTimeout?: string;
  callTimeout?: string;
}

const FOLDER = fromFileUrl(new URL("../../fixtures/servers/", import.meta.url));

/** How the misbehaving server is started. */
export interface MisbehavingOptions {
  name?: string;
  /** A start mode, such as `--exit-at-start`. */
  mode?: string;
  /** File that starts and calls are written to. */
  journal?: string;
  startTimeout?: string;
  callTimeout?: string;
}

/** `tests/fixtures/servers/misbehaving.ts`. */
export function misbehaving(options: MisbehavingOptions = {}): Entry {
  const { name = "misbehaving", mode, journal, ...timeouts } = options;
  return {
    command: Deno.execPath(),
    args: [
      ...[
        "run",
        "-A",
        "--no-check",
        "--no-config",
        "--no-lock",
        `${FOLDER}misbehaving.ts`,
        "--name",
        name,
      ],
      ...(journal === undefined ? [] : ["--journal", journal]),
      ...(mode === undefined ? [] : [mode]),
    ],
    ...timeouts,
  };
}

/** `tests/fixtures/servers/asking.ts`. @param args Appended to its command line. */
export function asking({ args = [], journal }: { args?: string[]; journal?: string } = {}): Entry {
  const run = ["run", "-A", "--no-check", "--no-config", "--no-lock", `${FOLDER}asking.ts`];
  const journaling = journal === undefined ? [] : ["--journal", journal];
  return { command: Deno.execPath(), args: [...run, ...journaling, ...args] };
}

/** `tests/fixtures/servers/closes_stdout.sh`. */
export function closesStdout({ atStart = false } = {}): Entry {
  return { command: "sh", args: [`${FOLDER}closes_stdout.sh`, ...(atStart ? ["--at-start"] : [])] };
}

/** The real server that exercises every feature of the protocol. */
export function everything(): Entry {
  return fromNpm("server-everything", ["stdio"]);
}

/** The real knowledge-graph server, over a file of the test's own. */
export function memory(file: string): Entry & { env: Record<string, string> } {
  return { ...fromNpm("server-memory"), env: { MEMORY_FILE_PATH: file } };
}

/** The real file server, for one folder. */
export function filesystem(folder: string): Entry {
  return fromNpm("server-filesystem", [folder]);
}

function fromNpm(name: string, args: string[] = []): Entry {
  const specifier = `npm:@modelcontextprotocol/${name}@2026.8.31`;
  return {
    command: Deno.execPath(),
    args: ["run", "-A", "--no-config", "--no-lock", "--quiet", specifier, ...args],
  };
}

/** What the journal of a misbehaving server says. */
export async function readJournal(file: string): Promise<{ starts: number; calls: string[] }> {
  let text = "";
  try {
    text = await Deno.readTextFile(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const lines = text.split("\n").filter((line) => line !== "");
  const isStart = (line: string) => line.startsWith("start ");
  return {
    starts: lines.filter(isStart).length,
    calls: lines.filter((line) => !isStart(line)).map((line) => line.replace(/^call \d+ /, "")),
  };
}
