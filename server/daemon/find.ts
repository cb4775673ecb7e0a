/**
 * Finding the daemon of a home. Never starts one, never creates a file, never trusts a process id: a
 * daemon is there when it proves itself at its announced address; something is wrong when it does not
 * while its lock is held.
 *
 * @module
 */

import { systemClock } from "../../platform/clock.ts";
import type { Clock } from "../../platform/clock.ts";
import type { HomePaths } from "../../platform/paths.ts";
import { pause } from "../../platform/pause.ts";
import { assertPrivateFolder, FolderNotPrivate } from "../../platform/private_folder.ts";
import { type ReadAnnouncement, readAnnouncement } from "./announce.ts";
import { type Health, provenHealth } from "./health.ts";
import { isLocked } from "./lock.ts";
import { DaemonProblem, fileSystemProblem } from "./problem.ts";
import { readToken } from "./token.ts";

/** What one look found. */
export type Sighting =
  /** A daemon that proved itself. `health.status` is not `ok` while it drains. */
  | { kind: "running"; announcement: ReadAnnouncement; health: Health; token: string }
  /** The lock is free: there is no daemon, whatever the files say. */
  | { kind: "stopped" }
  /** The lock is held, and nobody proves to be the holder: starting, stopping or hung. */
  | { kind: "silent"; announcement: ReadAnnouncement | undefined; why: string };

/** A daemon that proved itself. */
export type RunningDaemon = Extract<Sighting, { kind: "running" }>;

/** Where and how to look. */
export interface LookOptions {
  paths: HomePaths;
  /** `AICHAKU_TOKEN`: tried beside the token file. */
  envToken?: string;
  /** Milliseconds for one health answer. Default 2,000. */
  timeoutMs?: number;
  clock?: Clock;
}

/**
 * One look.
 *
 * @throws {DaemonProblem} when the run folder cannot be trusted or read.
 */
export async function look(options: LookOptions): Promise<Sighting> {
  try {
    return await lookUnchecked(options);
  } catch (error) {
    if (error instanceof FolderNotPrivate) throw new DaemonProblem(error.message, { cause: error });
    throw fileSystemProblem(error, "Cannot read the state of the daemon") ?? error;
  }
}

async function lookUnchecked(options: LookOptions): Promise<Sighting> {
  const { paths, envToken, timeoutMs = 2_000 } = options;
  try {
    assertPrivateFolder(paths.runDir);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { kind: "stopped" };
    throw error;
  }
  const announcement = readAnnouncement(paths);
  let why = "it has not said where it listens";
  if (announcement !== undefined) {
    const fileToken = readToken(paths.tokenFile);
    const tokens = [fileToken, envToken].filter((token) => token !== undefined);
    const answer = await provenHealth({ ...announcement, tokens, timeoutMs });
    if (answer.proven) {
      return { kind: "running", announcement, health: answer.health, token: answer.token };
    }
    why = answer.why;
  }
  return isLocked(paths.daemonLock) ? { kind: "silent", announcement, why } : { kind: "stopped" };
}

/** Milliseconds that a holder of the lock may be silent before it counts as hung. */
export const SILENCE_MS = 5_000;

/** Milliseconds that a starter gives the daemon it has spawned; then it ends it. */
export const START_LIMIT_MS = 30_000;

/**
 * Whether somebody is starting a daemon right now. Whoever does watches over it, and ends it when it
 * hangs: until then its silence means nothing.
 */
export function isStarting({ paths }: LookOptions): boolean {
  return isLocked(paths.spawnLock);
}

/**
 * Looks until it is clear: a daemon that is ending is given {@linkcode SILENCE_MS}, one that somebody
 * is starting {@linkcode START_LIMIT_MS}.
 *
 * @returns `silent` when it hangs.
 */
export async function find(options: LookOptions): Promise<Sighting> {
  const clock = options.clock ?? systemClock;
  const begun = clock.now();
  for (;;) {
    const sighting = await look(options);
    if (sighting.kind !== "silent") return sighting;
    const patience = isStarting(options) ? START_LIMIT_MS : SILENCE_MS;
    if (clock.now() - begun >= patience) return sighting;
    await pause(clock, 50);
  }
}

/** What to tell the user about a daemon that holds its lock and does not answer. */
export function hungProblem(sighting: Extract<Sighting, { kind: "silent" }>): DaemonProblem {
  const who = sighting.announcement === undefined
    ? "A daemon"
    : `The daemon (process ${sighting.announcement.pid})`;
  return new DaemonProblem(
    `${who} hangs: it holds its lock, but ${sighting.why}. ` +
      "End it with: aichaku mcp --stop-server --force",
  );
}
