/**
 * Starting the daemon for a client: by running the program, which alone takes locks and decides who
 * serves. Many clients that start it at once get one daemon.
 *
 * @module
 */

import { wholeEnvironment } from "./defaults.ts";
import { AichakuError, messageOf } from "./errors.ts";
import { raceSignal } from "./scope.ts";
import { type SpawnedProcess, spawnProcess } from "./spawned_process.ts";

/** Options of {@linkcode startDaemon}. */
export interface StartDaemonOptions {
  /** The program: `aichaku`, or a path to it. */
  bin: string;
  /** `$AICHAKU_HOME`. */
  home: string;
  /** Ends the wait; its reason is thrown. */
  signal: AbortSignal;
}

/** What is kept of the program's complaint, characters. */
const MAX_COMPLAINT = 2000;

/**
 * Resolves when a daemon runs, whoever started it.
 *
 * @throws {AichakuError} `not_running` with what the program said.
 */
export async function startDaemon({ bin, home, signal }: StartDaemonOptions): Promise<void> {
  let program: SpawnedProcess;
  try {
    program = await spawnProcess({
      command: bin,
      args: ["mcp", "--start-server", "--autostarted"],
      env: { ...wholeEnvironment(), AICHAKU_HOME: home },
    });
  } catch (cause) {
    throw new AichakuError(
      "not_running",
      `Cannot start the daemon: the program ${JSON.stringify(bin)} cannot be run ` +
        `(${messageOf(cause)}); set AICHAKU_BIN or the option bin to where aichaku is`,
      { cause },
    );
  }
  // The start must not be cut short by a process that has nothing else to do.
  program.ref?.();
  try {
    const ended = Promise.all([program.exit, text(program.stderr), text(program.stdout)]);
    const [{ code, signal: killedBy }, complaint] = await raceSignal(ended, signal);
    if (code === 0) return;
    const how = complaint.trim() || `it ended with ${killedBy ?? `code ${code}`}`;
    throw new AichakuError("not_running", `Cannot start the daemon with ${bin}: ${how}`);
  } finally {
    program.unref?.();
  }
}

async function text(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let all = "";
  for await (const chunk of stream) {
    if (all.length < MAX_COMPLAINT) all += decoder.decode(chunk, { stream: true });
  }
  return all.slice(0, MAX_COMPLAINT);
}
