/**
 * Whether a program can be found, the way the daemon's child processes are started.
 *
 * @module
 */

import { delimiter, isAbsolute, join } from "node:path";

/** Where and how to look. */
export interface OnPathOptions {
  /** `PATH` of the child. */
  path: string | undefined;
  /** Folder that the child is started in. */
  cwd: string;
  /** `PATHEXT`, on Windows. */
  pathExt?: string;
  os?: typeof Deno.build.os;
}

/** Whether `command` names a program: by its path, else in one of the folders of `PATH`. */
export function isOnPath(command: string, options: OnPathOptions): boolean {
  const { path = "", cwd, pathExt = ".EXE;.CMD;.BAT;.COM", os = Deno.build.os } = options;
  const endings = os === "windows" ? ["", ...pathExt.split(";")] : [""];
  const isPath = command.includes("/") || (os === "windows" && command.includes("\\"));
  const places = isPath
    ? [isAbsolute(command) ? command : join(cwd, command)]
    // An empty folder in PATH means the current one.
    : path.split(delimiter).map((folder) => join(folder || cwd, command));
  return places.some((place) => endings.some((ending) => isProgram(place + ending, os)));
}

function isProgram(file: string, os: typeof Deno.build.os): boolean {
  try {
    const { isFile, mode } = Deno.statSync(file);
    return isFile && (os === "windows" || ((mode ?? 0) & 0o111) !== 0);
  } catch {
    return false; // Missing, or in a folder that may not be entered: it cannot be run either way.
  }
}
