/**
 * Starting the daemon detached: exactly one process is spawned, however many ask at once, and whoever
 * asks returns when a daemon has proved itself or with the reason why there is none.
 *
 * `spawn.lock` keeps a crowd of starters from spawning a crowd of processes; `daemon.lock`, taken by the
 * daemon itself, decides who serves.
 *
 * @module
 */

import { join } from "@std/path";
import { removeIfThere } from "../../platform/atomic_file.ts";
import { systemClock } from "../../platform/clock.ts";
import { type DetachedProcess, spawnDetached } from "../../platform/detach.ts";
import { INSTANCE_MARK } from "../../platform/marked_processes.ts";
import type { HomePaths } from "../../platform/paths.ts";
import { pause } from "../../platform/pause.ts";
import { ensurePrivateFolder } from "../../platform/private_folder.ts";
import type { SelfCommand } from "../../platform/self.ts";
import { DAEMON_PROTOCOL } from "../../protocol/version.ts";
import type { ReadAnnouncement } from "./announce.ts";
import {
  hungProblem,
  isStarting,
  look,
  type LookOptions,
  type RunningDaemon,
  SILENCE_MS,
  START_LIMIT_MS,
} from "./find.ts";
import { halt } from "./halt.ts";
import { type HeldLock, tryLock } from "./lock.ts";
import { logSize, logTail } from "./log_tail.ts";
import { DaemonProblem, ELECTION_LOST_EXIT, fileSystemProblem } from "./problem.ts";

/** Options of {@linkcode launch}. */
export interface LaunchOptions extends LookOptions {
  /** How to run this program. */
  self: SelfCommand;
  /**
   * Arguments that make it the daemon, settings included.
   *
   * @param replaced The daemon in whose place it is started, if there was one.
   */
  daemonArgs(replaced: ReadAnnouncement | undefined): readonly string[];
  /** Milliseconds that everything may take. Default {@linkcode START_LIMIT_MS}. */
  deadlineMs?: number;
  /** Revisions of the agreement with the daemon that this program speaks. Default its own. */
  protocol?: { min: number; max: number };
  /** Default {@linkcode spawnDetached}. */
  spawn?: typeof spawnDetached;
  /** Between 0 and 1. Default `Math.random`. */
  random?: () => number;
}

/** A daemon that answers. */
export interface Launched {
  daemon: RunningDaemon;
  /** Whether it was this call that started it. */
  started: boolean;
  /** The daemon of another version that nobody used, and in whose place this one was started. */
  replaced: ReadAnnouncement | undefined;
}

/**
 * Makes sure that a daemon runs that speaks with this program.
 *
 * @throws {DaemonProblem} when none does in the end: with the log's tail when it died, with the command
 * that replaces it when it is of another version and in use.
 */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const { clock = systemClock, random = Math.random, deadlineMs = START_LIMIT_MS } = options;
  const end = clock.now() + deadlineMs;
  let silentSince: number | undefined;
  let replaced: ReadAnnouncement | undefined;
  for (;;) {
    const sighting = await look(options);
    if (sighting.kind === "running" && sighting.health.status === "ok") {
      if (speaksWith(sighting, options)) return { daemon: sighting, started: false, replaced };
      await endIfIdle(sighting, options);
      replaced = sighting.announcement;
    } else if (sighting.kind === "stopped") {
      const daemon = await spawnIfFirst(options, { end, replaced });
      if (daemon !== undefined) return { daemon, started: true, replaced };
    }
    if (sighting.kind !== "silent" || isStarting(options)) silentSince = undefined;
    else {
      silentSince ??= clock.now();
      // Ending takes less; a stopped process never ends its silence.
      if (clock.now() - silentSince >= SILENCE_MS) throw hungProblem(sighting);
    }
    if (clock.now() >= end) throw tooLong(options, sighting.kind);
    await pause(clock, 20 + random() * 40);
  }
}

/** Whether daemon and program have a revision of their agreement in common. */
export function speaksWith(
  { announcement }: Pick<RunningDaemon, "announcement">,
  { protocol = DAEMON_PROTOCOL }: Pick<LaunchOptions, "protocol">,
): boolean {
  return announcement.protocol.min <= protocol.max && announcement.protocol.max >= protocol.min;
}

/**
 * Ends a daemon that this program cannot speak with, if nobody uses it. Finding it and asking it to end
 * are what every version understands. A client that comes between the look and the end is answered
 * `draining`, and finds the next daemon.
 *
 * @throws {DaemonProblem} when it is in use.
 */
export async function endIfIdle(daemon: RunningDaemon, options: LookOptions): Promise<void> {
  const { announcement: { pid, version }, health: { sessions } } = daemon;
  if (sessions > 0) {
    throw new DaemonProblem(
      `Cannot use the daemon that runs (version ${version}, process ${pid}): it and this program do ` +
        `not understand each other, and ${
          sessions === 1 ? "a client uses" : `${sessions} clients use`
        } ` +
        "it. To replace it now: aichaku mcp --restart-server",
    );
  }
  await halt({ ...options, force: false, hurry: true });
}

/**
 * Spawns the daemon, unless another starter is at it.
 *
 * @returns undefined when the next look will tell more.
 */
async function spawnIfFirst(
  options: LaunchOptions,
  { end, replaced }: { end: number; replaced: ReadAnnouncement | undefined },
): Promise<RunningDaemon | undefined> {
  const { paths } = options;
  prepareRunFolder(paths);
  using lock = lockOrProblem(paths);
  if (lock === undefined) return undefined;
  // The starter before us may have finished between our look and our lock.
  const again = await look(options);
  if (again.kind !== "stopped") return undefined;

  const before = logSize(paths.logFile);
  const child = spawn(options, replaced);
  try {
    return await untilReady(options, { child, before, end });
  } finally {
    child.letGo();
  }
}

/** Bytes that the first files of a daemon take. */
const ROOM = 64 * 1024;

/** Takes `spawn.lock`, having made sure that a daemon could write down what it must. */
function lockOrProblem({ runDir, spawnLock }: HomePaths): HeldLock | undefined {
  let lock: HeldLock | undefined;
  try {
    lock = tryLock(spawnLock);
    if (lock !== undefined) assertRoom(runDir);
    return lock;
  } catch (error) {
    lock?.[Symbol.dispose]();
    // A daemon that cannot write could not log why either.
    throw fileSystemProblem(error, "Cannot start the daemon") ?? error;
  }
}

/**
 * Makes sure, while a daemon runs, that the next one could write down what it must.
 *
 * @throws {DaemonProblem} when it could not.
 */
export function requireRoom({ runDir }: HomePaths): void {
  try {
    assertRoom(runDir);
  } catch (error) {
    throw fileSystemProblem(error, "Cannot restart the daemon") ?? error;
  }
}

function assertRoom(folder: string): void {
  const probe = join(folder, `room.${Deno.pid}.tmp`);
  try {
    Deno.writeFileSync(probe, new Uint8Array(ROOM), { mode: 0o600 });
  } finally {
    removeIfThere(probe);
  }
}

function spawn(
  { paths, self, daemonArgs, spawn = spawnDetached }: LaunchOptions,
  replaced: ReadAnnouncement | undefined,
): DetachedProcess {
  try {
    return spawn({
      command: self.command,
      args: [...self.args, ...daemonArgs(replaced)],
      cwd: paths.home,
      env: {
        AICHAKU_HOME: paths.home,
        // Whoever starts us may itself be the child of a daemon, and must not pass its mark on: the
        // next daemon would be ended with what that one left behind.
        [INSTANCE_MARK]: "",
      },
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
    if (sighting.kind === "running" && sighting.health.status === "ok") {
      // Another program may have been faster, and be of another version.
      return speaksWith(sighting, options) ? sighting : undefined;
    }
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
    const action = `Cannot use ${paths.home} as the home of aichaku`;
    const message = error instanceof Error ? error.message : String(error);
    throw fileSystemProblem(error, action) ??
      new DaemonProblem(`${action}: ${message}`, { cause: error });
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
  if (lines.length === 0) {
    return new DaemonProblem(
      `${reason} Its log ${paths.logFile} does not say why; to see it: ` +
        "aichaku mcp --start-server --foreground",
    );
  }
  const tail = lines.map((line) => `  ${line}`).join("\n");
  return new DaemonProblem(`${reason}\nLast lines of ${paths.logFile}:\n${tail}`);
}

function tooLong(options: LaunchOptions, kind: string): DaemonProblem {
  const what = kind === "running"
    ? "the daemon that runs is still draining"
    : `somebody else has been starting it all the while (${options.paths.spawnLock} is held)`;
  return new DaemonProblem(`Cannot start the daemon in time: ${what}. Try again.`);
}
