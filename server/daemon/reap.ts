/**
 * Ending what a dead daemon left behind: its journaled process groups, and, on Linux, whatever carries
 * its mark. Only the holder of `daemon.lock` may end anything: while it is free, a daemon could start.
 *
 * A process is ended only when it is certain whose it is: a journaled one when its start time is the
 * one written down, any other when it carries the dead daemon's mark.
 *
 * @module
 */

import { removeIfThere } from "../../platform/atomic_file.ts";
import { type Clock, systemClock } from "../../platform/clock.ts";
import { processesMarked } from "../../platform/marked_processes.ts";
import { pause } from "../../platform/pause.ts";
import { processStartTime } from "../../platform/process.ts";
import { signalGroup } from "../../platform/process_group.ts";
import { readChildrenJournal } from "./children.ts";

/** One process that was ended. */
export interface Reaped {
  pid: number;
  /** Name of its server, when it was journaled. */
  server: string | undefined;
}

/** Where to look; what can be seen and done is replaced in tests. */
export interface LeftoverOptions {
  /** `children.json`. */
  path: string;
  /**
   * The dead daemon as `daemon.json` still names it: its mark is known even when the journal is damaged.
   */
  announced?: string;
  startTimeOf?: (pid: number) => number | null;
  markedWith?: (instanceId: string) => number[];
}

/** Options of {@linkcode reap}. */
export interface ReapOptions extends LeftoverOptions {
  /** For the moments between two sweeps. Default the machine's. */
  clock?: Clock;
  endGroup?: (pid: number) => void;
  endProcess?: (pid: number) => void;
}

/** Sweeps at most: what was being forked during one is found by the next. */
const SWEEPS = 8;

/**
 * Milliseconds between two sweeps: what was just forked by something that was then killed shows no
 * environment until its program is loaded.
 */
const BETWEEN_MS = 20;

/** What a dead daemon left behind and is still alive. Ends nothing. */
export function leftovers(options: LeftoverOptions): Reaped[] {
  const { path, announced, startTimeOf = processStartTime, markedWith = processesMarked } = options;
  const journal = readChildrenJournal(path);
  const found: Reaped[] = [];
  for (const { pid, startTime, server } of journal?.children ?? []) {
    if (startTime !== null && startTimeOf(pid) === startTime) found.push({ pid, server });
  }
  const instanceIds = [journal?.instanceId, announced].filter((id) => id !== undefined);
  for (const instanceId of new Set(instanceIds)) {
    for (const pid of markedWith(instanceId)) {
      // Whoever runs inside of something that the dead daemon started carries its mark, too.
      if (pid === Deno.pid || found.some((one) => one.pid === pid)) continue;
      found.push({ pid, server: undefined });
    }
  }
  return found;
}

/** Ends them all with SIGKILL and forgets the journal. @returns what was still alive. */
export async function reap(options: ReapOptions): Promise<Reaped[]> {
  const {
    clock = systemClock,
    endGroup = (pid) => signalGroup(pid, "SIGKILL"),
    endProcess = killQuietly,
  } = options;
  const reaped = new Map<number, Reaped>();
  let quiet = 0;
  for (let sweep = 0; sweep < SWEEPS && quiet < 2; sweep++) {
    if (sweep > 0) await pause(clock, BETWEEN_MS);
    const left = leftovers(options);
    for (const one of left) {
      if (one.server === undefined) endProcess(one.pid);
      else endGroup(one.pid);
      if (!reaped.has(one.pid)) reaped.set(one.pid, one);
    }
    if (reaped.size === 0) break; // Nothing was killed, so nothing can have been forked by it.
    quiet = left.length === 0 ? quiet + 1 : 0;
  }
  removeIfThere(options.path);
  return [...reaped.values()];
}

function killQuietly(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // Gone by itself.
  }
}
