/**
 * What a daemon that was killed left running, and ending it.
 *
 * @module
 */

import { join } from "@std/path";
import { removeIfThere } from "../../platform/atomic_file.ts";
import { systemClock } from "../../platform/clock.ts";
import type { HomePaths } from "../../platform/paths.ts";
import { assertPrivateFolder } from "../../platform/private_folder.ts";
import { processStartTime } from "../../platform/process.ts";
import { readAnnouncement, unpublish } from "../../server/daemon/announce.ts";
import { tryLockFirmly } from "../../server/daemon/lock.ts";
import { pause } from "../../platform/pause.ts";
import { leftovers, reap, type Reaped } from "../../server/daemon/reap.ts";
import { type Finding, fine, problem, type ReapReport } from "./finding.ts";
import { temporaryFiles } from "./installation.ts";

/** Milliseconds that a killed process may take to be gone. */
const GONE_MS = 2_000;

/** Processes of the last daemon. Only asked when none runs: then they are those of a dead one. */
export function checkLeftovers(paths: HomePaths): Finding[] {
  const announced = readAnnouncement(paths)?.instanceId;
  const left = leftovers({ path: paths.childrenJson, announced });
  if (left.length === 0) return [fine("processes", "no process of an earlier daemon is left")];
  return left.map(({ pid, server }) =>
    problem(
      "processes",
      `process ${pid}${server === undefined ? "" : ` (server ${server})`} was left behind by a ` +
        "daemon that was killed",
      "Run: aichaku doctor --reap",
    )
  );
}

/**
 * Ends what a dead daemon left behind, and removes its announcement and torn files. Holds `daemon.lock`
 * meanwhile, so that no daemon starts whose files and processes it could take for those.
 */
export async function reapLeftovers(paths: HomePaths): Promise<ReapReport> {
  try {
    assertPrivateFolder(paths.runDir);
  } catch (error) {
    // No folder, no daemon ever; one that is not private is told by the check of the folder.
    if (error instanceof Deno.errors.NotFound) return report({});
    return report({ refused: (error as Error).message.replace(/\.$/, "") });
  }
  using lock = await tryLockFirmly(paths.daemonLock, () => pause(systemClock, 30));
  if (lock === undefined) {
    return report({ refused: "a daemon holds its lock, and what it started is its own" });
  }
  const announcement = readAnnouncement(paths);
  const ended = await reap({ path: paths.childrenJson, announced: announcement?.instanceId });
  const stale = [paths.daemonJson, ...temporaryPaths(paths)].filter(exists);
  if (announcement !== undefined) unpublish(paths, announcement);
  for (const path of stale) removeIfThere(path);
  await untilGone(ended);
  return report({ ended, removed: stale });
}

function report(what: Partial<ReapReport>): ReapReport {
  return { ended: [], removed: [], refused: undefined, ...what };
}

function temporaryPaths({ runDir }: HomePaths): string[] {
  return temporaryFiles(runDir).map((name) => join(runDir, name));
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** SIGKILL is not the end yet; the checks that follow look for what is left. */
async function untilGone(ended: readonly Reaped[]): Promise<void> {
  const end = systemClock.now() + GONE_MS;
  while (ended.some(({ pid }) => processStartTime(pid) !== null)) {
    if (systemClock.now() >= end) return; // Told by the checks that follow.
    await pause(systemClock, 20);
  }
}
