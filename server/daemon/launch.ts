/**
 * Starting the daemon detached: exactly one process is spawned, however many ask at once, and whoever
 * asks returns when a daemon has proved itself or with the reason why there is none.
 *
 * `spawn.lock` keeps a crowd of starters from spawning a crowd of processes; `daemon.lock`, taken by the
 * daemon itself, decides who serves.
 *
 * @module
 */

import { systemClock } from "../../platform/clock.ts";
import { type DetachedProcess, spawnDetached } from "../../platform/detach.ts";
import type { HomePaths } from "../../platform/paths.ts";
import { ensurePrivateFolder } from "../../platform/private_folder.ts";
import type { SelfCommand } from "../../platform/self.ts";
import { hungProblem, look, type LookOptions, type RunningDaemon, SILENCE_MS } from "./find.ts";
import { tryLock } from "./lock.ts";
import { logSize, logTail } from "./log_tail.ts";
import { pause } from "./pause.ts";
import { DaemonProblem, ELECTION_LOST_EXIT } from "./problem.ts";

/** Options of {@linkcode launch}. */
export interface LaunchOptions extends LookOptions {
  /** How to run this program. */
  self: SelfCommand;
  /** Arguments that make it the daemon, settings included. */
  daemonArgs: readonly string[];
  /** Milliseconds that everything may take. Default 30,000. */
  deadlineMs?: number;
  /** Between 0 and 1. Default `Math.random`. */
  random?: () => number;
}

/** A daemon that answers. */
export interface Launched {
  daemon: RunningDaemon;
  /** Whether it was this call that started it. */
  started: boolean;
}

/**
 * Makes sure that a daemon runs.
 *
 * @throws {DaemonProblem} when none does in the end: with the log's tail when it died.
 */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const { clock = systemClock, random = Math.random, deadlineMs = 30_000 } = options;
  const end = clock.now() + deadlineMs;
  let silentSince: number | undefined;
  for (;;) {
    const sighting = await look(options);
    if (sighting.kind === "running" && sighting.health.status === "ok") {
      return { daemon: sighting, started: false };
    }
    if (sighting.kind === "stopped") {
      const daemon = await spawnIfFirst(options, end);
      if (daemon !== undefined) return { daemon, started: true };
      silentSince = undefined;
    } else if (sighting.kind === "silent") {
      silentSince ??= clock.now();
      // Starting and stopping take less; a stopped process never ends its silence.
      if (clock.now() - silentSince >= SILENCE_MS) throw hungProblem(sighting);
    }
    if (clock.now() >= end) throw tooLong(options, sighting.kind);
    await pause(clock, 20 + random() * 40);
  }
}

/**
 * Spawns the daemon, unless another starter is at it.
 *
 * @returns undefined when the next look will tell more.
 */
async function spawnIfFirst(
  options: LaunchOptions,
  end: number,
): Promise<RunningDaemon | undefined> {
  const { paths } = options;
  prepareRunFolder(paths);
  using lock = tryLock(paths.spawnLock);
  if (lock === undefined) return undefined;
  // The starter before us may have finished between our look and our lock.
  const again = await look(options);
  if (again.kind !== "stopped") return undefined;

  const before = logSize(paths.logFile);
  const child = spawn(options);
  try {
    return await untilReady(options, { child, before, end });
  } finally {
    child.letGo();
  }
}

function spawn({ paths, self, daemonArgs }: LaunchOptions): DetachedProcess {
  try {
    return spawnDetached({
      command: self.command,
      args: [...self.args, ...daemonArgs],
      cwd: paths.home,
      env: { AICHAKU_HOME: paths.home },
      outputFile: paths.logFile,
    });
  } catch (error) {
    // Its log cannot be opened, or the program that we are was removed.
    const message = error instanceof Error ? error.message : String(error);
    throw new DaemonProblem(
      `Cannot start the daemon: ${message}. Its program is ${self.command}, its log ${paths.logFile}.`,
      { cause: error },
    );
  }
}

interface Spawned {
  child: DetachedProcess;
  /** Size of the log before the child could write to it. */
  before: number;
  end: number;
}

async function untilReady(
  options: LaunchOptions,
  { child, before, end }: Spawned,
): Promise<RunningDaemon | undefined> {
  const { paths, clock = systemClock } = options;
  let exit: Deno.CommandStatus | undefined;
  const exited = child.status.then((status) => void (exit = status));
  for (;;) {
    const sighting = await look(options);
    if (sighting.kind === "running" && sighting.health.status === "ok") return sighting;
    if (exit !== undefined) {
      if (exit.code === ELECTION_LOST_EXIT) return undefined;
      throw diedProblem(paths, exit, before);
    }
    if (clock.now() >= end) {
      child.kill();
      throw startProblem(
        `process ${child.pid} did not answer in time and was ended`,
        paths,
        before,
      );
    }
    await Promise.race([exited, pause(clock, 15)]);
  }
}

/** The run folder must be there, and safe, before anything is locked in it. */
export function prepareRunFolder(paths: HomePaths): void {
  try {
    ensurePrivateFolder(paths.runDir);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new DaemonProblem(
      `Cannot use ${paths.home} as the home of aichaku: ${message}`,
      { cause: error },
    );
  }
}

function diedProblem(paths: HomePaths, exit: Deno.CommandStatus, before: number): DaemonProblem {
  const how = exit.signal === null ? `with code ${exit.code}` : `by ${exit.signal}`;
  return startProblem(`it ended ${how}`, paths, before);
}

/** The reason that the daemon itself logged, else `otherwise`; then the end of the log. */
function startProblem(otherwise: string, paths: HomePaths, before: number): DaemonProblem {
  const { errors, lines } = logTail(paths.logFile, before);
  const reason = errors.length > 0 ? errors.join("\n") : `Cannot start the daemon: ${otherwise}.`;
  if (lines.length === 0) return new DaemonProblem(reason);
  const tail = lines.map((line) => `  ${line}`).join("\n");
  return new DaemonProblem(`${reason}\nLast lines of ${paths.logFile}:\n${tail}`);
}

function tooLong(options: LaunchOptions, kind: string): DaemonProblem {
  const what = kind === "running"
    ? "the daemon that runs is still draining"
    : `somebody else has been starting it all the while (${options.paths.spawnLock} is held)`;
  return new DaemonProblem(`Cannot start the daemon in time: ${what}. Try again.`);
}
