/**
 * The home on disk: whose it is, who else can get at it, whether it can be written to, what lies about.
 *
 * @module
 */

import { accessSync, constants } from "node:fs";
import { dirname, join } from "@std/path";
import { removeIfThere } from "../../platform/atomic_file.ts";
import type { HomePaths } from "../../platform/paths.ts";
import { privacyProblem } from "../../platform/private_folder.ts";
import { fileSystemProblem } from "../../server/daemon/problem.ts";
import { readToken } from "../../server/daemon/token.ts";
import { broken, type Finding, fine, problem, warning } from "./finding.ts";

/** Bytes of one log file; see `LogFileOptions`. */
const LOG_LIMIT = 5_000_000;

/** Files of the log. */
const LOG_FILES = 5;

/** The home folder. */
export function checkHome(
  { home }: HomePaths,
  { uid = Deno.uid(), canWriteIn = isWritable }: {
    uid?: number | null;
    canWriteIn?: (folder: string) => boolean;
  } = {},
): Finding {
  const info = statOf(home, Deno.statSync);
  if (info === undefined) {
    return makingProblem(home, canWriteIn) ??
      fine("home", `${home} does not exist yet; the first start makes it`);
  }
  if (!info.isDirectory) {
    return problem("home", `${home} is not a folder`, "Move it away, or set AICHAKU_HOME.");
  }
  if (uid !== null && info.uid !== uid) {
    return problem(
      "home",
      `${home} belongs to user ${info.uid}, and this is user ${uid}`,
      "Set AICHAKU_HOME to a folder of your own.",
    );
  }
  const mode = (info.mode ?? 0) & 0o777;
  if (uid !== null && (mode & 0o022) !== 0) {
    return problem(
      "home",
      `${home} has mode ${octal(mode)}, so that other users can change what your daemon runs`,
      `Run: chmod go-w '${home}'`,
    );
  }
  const unwritable = writeProblem(home);
  return unwritable ?? fine("home", uid === null ? home : `${home} is yours, mode ${octal(mode)}`);
}

/** Whether the folder that the home would be made in takes it. Makes nothing. */
function makingProblem(
  home: string,
  canWriteIn: (folder: string) => boolean,
): Finding | undefined {
  let folder = dirname(home);
  while (statOf(folder, Deno.statSync) === undefined && dirname(folder) !== folder) {
    folder = dirname(folder);
  }
  if (canWriteIn(folder)) return undefined;
  return problem(
    "home",
    `${home} does not exist, and cannot be made: you cannot write in ${folder}`,
    "Set AICHAKU_HOME to a folder that you can write to.",
  );
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false; // Whatever the reason is: nothing can be made there.
  }
}

function writeProblem(folder: string): Finding | undefined {
  const probe = join(folder, `doctor.${Deno.pid}.tmp`);
  try {
    Deno.writeFileSync(probe, new Uint8Array(4096), { mode: 0o600 });
    removeIfThere(probe);
  } catch (error) {
    try {
      removeIfThere(probe);
    } catch {
      // What could not be written cannot be removed either.
    }
    return broken("home", fileSystemProblem(error, `Cannot write in ${folder}`) ?? error);
  }
}

/** The run folder. Where it is not private, nothing in it may be trusted. */
export function checkRunFolder({ runDir }: HomePaths): Finding {
  const info = statOf(runDir, Deno.lstatSync);
  if (info === undefined) return fine("run folder", `${runDir} does not exist yet`);
  const wrong = privacyProblem(info, Deno.uid());
  if (wrong !== undefined) return problem("run folder", `${runDir}: ${wrong(runDir)}`);
  return fine("run folder", `${runDir} is for you alone`);
}

/** The token file. */
export function checkToken({ tokenFile }: HomePaths): Finding {
  const info = statOf(tokenFile, Deno.lstatSync);
  if (info === undefined) return fine("token", "none yet; the first start makes one");
  const mode = (info.mode ?? 0) & 0o777;
  if (Deno.build.os !== "windows" && (mode & 0o077) !== 0) {
    return problem(
      "token",
      `${tokenFile} has mode ${octal(mode)}, so that others can read it`,
      `Delete it; the next start makes a new one: rm '${tokenFile}'`,
    );
  }
  try {
    if (readToken(tokenFile) !== undefined) return fine("token", `${tokenFile} is for you alone`);
  } catch (error) {
    return broken("token", fileSystemProblem(error, "Cannot read the token") ?? error);
  }
  return warning("token", `${tokenFile} holds no usable token`, "The next start makes a new one.");
}

/** The log: a file, and of the size that its rotation keeps it at. */
export function checkLog({ logFile }: HomePaths): Finding {
  const info = statOf(logFile, Deno.statSync);
  if (info === undefined) return fine("log", "none yet");
  if (!info.isFile) {
    return problem(
      "log",
      `${logFile} is not a file, so that nobody will know why a start failed`,
      "Move it away; the next start makes a new one.",
    );
  }
  let total = info.size;
  for (let number = 1; number < LOG_FILES; number++) {
    total += statOf(`${logFile}.${number}`, Deno.statSync)?.size ?? 0;
  }
  const size = `${logFile}, ${(total / 1e6).toFixed(1)} MB with its older parts`;
  // A little more than the limit is normal: what a crash writes is not counted before the next line.
  if (info.size <= 2 * LOG_LIMIT) return fine("log", size);
  return problem("log", `${size}: it is not rotated`, `Empty it: : > '${logFile}'`);
}

/** Files that only an end without goodbye leaves. Not asked while a daemon runs. */
export function checkFiles({ runDir, daemonJson, sessionsDb }: HomePaths): Finding[] {
  const findings: Finding[] = [];
  if (statOf(daemonJson, Deno.lstatSync) !== undefined) {
    findings.push(warning(
      "files",
      `${daemonJson} was left behind by a daemon that was killed`,
      "Harmless: the next start replaces it. To remove it now: aichaku doctor --reap",
    ));
  }
  const torn = temporaryFiles(runDir);
  if (torn.length > 0) {
    findings.push(warning(
      "files",
      `${torn.length === 1 ? "a file" : `${torn.length} files`} in ${runDir} (such as ${
        torn[0]
      }) never became what it was written for`,
      "Harmless. To remove: aichaku doctor --reap",
    ));
  }
  const damaged = `${sessionsDb}.damaged`;
  if (statOf(damaged, Deno.lstatSync) !== undefined) {
    findings.push(warning(
      "files",
      `${damaged} was put aside because it could not be read; its sessions are lost`,
      `To remove: rm '${damaged}'`,
    ));
  }
  return findings.length > 0 ? findings : [fine("files", "nothing was left behind")];
}

/** Names of files that were being written when their writer was killed. */
export function temporaryFiles(runDir: string): string[] {
  try {
    return [...Deno.readDirSync(runDir)]
      .map(({ name }) => name)
      .filter((name) => name.endsWith(".tmp"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function statOf(path: string, stat: (path: string) => Deno.FileInfo): Deno.FileInfo | undefined {
  try {
    return stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw fileSystemProblem(error, "Cannot look at the installation") ?? error;
  }
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
