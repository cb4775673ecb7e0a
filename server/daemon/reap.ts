/**
 * Ending what a dead daemon left behind: its journaled process groups, and, on Linux, whatever carries
 * its mark. Only the holder of `daemon.lock`, or whoever has seen that nobody holds it, may call this.
 *
 * A process is ended only when it is certain whose it is: a journaled one when its start time is the
 * one written down, any other when it carries the dead daemon's mark.
 *
 * @module
 */

import { removeIfThere } from "../../platform/atomic_file.ts";
import { processesMarked } from "../../platform/marked_processes.ts";
import { processStartTime } from "../../platform/process.ts";
import { signalGroup } from "../../platform/process_group.ts";
import { readChildrenJournal } from "./children.ts";

/** One process that was ended. */
export interface Reaped {
  pid: number;
  /** Name of its server, when it was journaled. */
  server: string | undefined;
}

/** What {@linkcode reap} can see and do; replaced in tests. */
export interface ReapOptions {
  /** `children.json`. */
  path: string;
  startTimeOf?: (pid: number) => number | null;
  markedWith?: (instanceId: string) => number[];
  endGroup?: (pid: number) => void;
  endProcess?: (pid: number) => void;
}

/** Ends them all with SIGKILL and forgets the journal. @returns what was still alive. */
export function reap(options: ReapOptions): Reaped[] {
  const {
    path,
    startTimeOf = processStartTime,
    markedWith = processesMarked,
    endGroup = (pid) => signalGroup(pid, "SIGKILL"),
    endProcess = killQuietly,
  } = options;
  const journal = readChildrenJournal(path);
  if (journal === undefined) return [];
  const reaped: Reaped[] = [];
  for (const { pid, startTime, server } of journal.children) {
    if (startTime === null || startTimeOf(pid) !== startTime) continue;
    endGroup(pid);
    reaped.push({ pid, server });
  }
  for (const pid of markedWith(journal.instanceId)) {
    if (reaped.some((one) => one.pid === pid)) continue;
    endProcess(pid);
    reaped.push({ pid, server: undefined });
  }
  removeIfThere(path);
  return reaped;
}

function killQuietly(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // Gone by itself.
  }
}
