/**
 * Ending the daemon of a home: by asking it, and only when that fails and the user insists by killing
 * the process that holds the lock.
 *
 * @module
 */

import { systemClock } from "../../platform/clock.ts";
import { pause } from "../../platform/pause.ts";
import { processStartTime } from "../../platform/process.ts";
import type { Announcement } from "../../protocol/identity.ts";
import { readAnnouncement, unpublish } from "./announce.ts";
import { ask } from "./control.ts";
import { find, hungProblem, type LookOptions, type RunningDaemon } from "./find.ts";
import { isLocked } from "./lock.ts";
import { DaemonProblem } from "./problem.ts";

/** Options of {@linkcode halt}. */
export interface HaltOptions extends LookOptions {
  /** Kill it when it does not end by itself. */
  force: boolean;
  /** The next daemon is waited for: running calls and servers get less time. Default false. */
  hurry?: boolean;
  /** Milliseconds that a daemon may take to end. Default 15,000. */
  deadlineMs?: number;
}

/** How it ended. */
export type Halted = "was not running" | "stopped" | "killed";

/**
 * Ends the daemon and returns when it is gone.
 *
 * @throws {DaemonProblem} when it is still there, with what can be done.
 */
export async function halt(options: HaltOptions): Promise<Halted> {
  const sighting = await find(options);
  switch (sighting.kind) {
    case "stopped":
      return "was not running";
    case "silent":
      if (!options.force) throw hungProblem(sighting);
      await kill(options, sighting.announcement);
      return "killed";
    case "running":
      return await stopRunning(options, sighting);
  }
}

async function stopRunning(options: HaltOptions, daemon: RunningDaemon): Promise<Halted> {
  const { announcement } = daemon;
  const refusal = await requestShutdown(daemon, options.hurry ?? false);
  const { deadlineMs = 15_000 } = options;
  if (refusal === undefined && await untilGone(options, announcement, deadlineMs)) return "stopped";
  if (options.force) {
    await kill(options, announcement);
    return "killed";
  }
  const why = refusal ??
    `it is still there ${Math.round(deadlineMs / 1000)} s after it was asked to`;
  throw new DaemonProblem(
    `Cannot stop the daemon (process ${announcement.pid}): ${why}. ` +
      "End it with: aichaku mcp --stop-server --force",
  );
}

/** Asks it to end. Returns why it would not. */
async function requestShutdown(
  daemon: RunningDaemon,
  hurry: boolean,
): Promise<string | undefined> {
  const { announcement, token } = daemon;
  try {
    const { status } = await ask(`${announcement.url}/shutdown${hurry ? "?hurry" : ""}`, {
      method: "POST",
      token,
      timeoutMs: 5_000,
    });
    return status < 300 || daemon.health.status !== "ok"
      ? undefined
      : `it answered ${status} to the request`;
  } catch (error) {
    // It may have been on its way out already: then it closes the connection, and is gone soon.
    if (error instanceof TypeError) return undefined;
    return error instanceof Error ? error.message : String(error);
  }
}

/** SIGKILL for the process that was announced, if it is certain that it is the one holding the lock. */
async function kill(
  options: HaltOptions,
  announcement: Announcement | undefined,
): Promise<void> {
  const { paths } = options;
  if (announcement === undefined) {
    throw new DaemonProblem(
      `Cannot end the daemon: ${paths.daemonJson} does not say which process it is. ` +
        `Find the process that has ${paths.daemonLock} open and end it.`,
    );
  }
  const { pid, startTime } = announcement;
  if (!isLocked(paths.daemonLock)) return;
  if (startTime === null || processStartTime(pid) !== startTime) {
    throw new DaemonProblem(
      `Will not kill process ${pid}: it is not the one that ${paths.daemonJson} announced. ` +
        `Find the process that has ${paths.daemonLock} open and end it.`,
    );
  }
  Deno.kill(pid, "SIGKILL");
  if (!await untilGone(options, announcement, 5_000)) {
    throw new DaemonProblem(`Process ${pid} is still there 5 s after SIGKILL.`);
  }
  unpublish(paths, announcement);
}

/** Whether that daemon is gone before `ms` have passed. */
async function untilGone(
  options: HaltOptions,
  announcement: Announcement,
  ms: number,
): Promise<boolean> {
  const { clock = systemClock } = options;
  const end = clock.now() + ms;
  for (;;) {
    if (isGone(options, announcement)) return true;
    if (clock.now() >= end) return false;
    await pause(clock, 20);
  }
}

function isGone({ paths }: HaltOptions, { pid, startTime, instanceId }: Announcement): boolean {
  // Its process took the lock with it; that somebody holds it says nothing: the next daemon may.
  if (startTime !== null) return processStartTime(pid) !== startTime;
  const next = readAnnouncement(paths);
  return (next !== undefined && next.instanceId !== instanceId) || !isLocked(paths.daemonLock);
}
