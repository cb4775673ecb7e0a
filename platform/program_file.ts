/**
 * The file that a command names, for systems that do not look for it as their shells do.
 *
 * On Windows `npx`, `uvx` and most of what package managers install are `.cmd` files. A shell finds them
 * by the endings in PATHEXT; starting a process does not (https://github.com/denoland/deno/issues/15034),
 * and only adds `.exe`. Given the whole path, Deno starts a `.cmd` file and quotes its arguments.
 *
 * Elsewhere a command is what it is, and the system looks for it.
 *
 * @module
 */

/** Where and how to look. */
export interface ProgramFileOptions {
  /** `PATH` of the child. */
  path: string | undefined;
  /** `PATHEXT` of the child. Default: what Windows has when nobody changed it. */
  pathExt?: string;
  /** Folder the child is started in; a command with a separator is taken from there. */
  cwd: string;
  os?: typeof Deno.build.os;
  /** Whether there is a file at this path. */
  isFile?(path: string): boolean;
}

const USUAL_ENDINGS = ".COM;.EXE;.BAT;.CMD";

/**
 * The file to start for `command`; `command` itself where the system looks by itself, where it names its
 * ending already, and where nothing is found: then the error of the start tells.
 */
export function programFile(command: string, options: ProgramFileOptions): string {
  const { path = "", cwd, os = Deno.build.os, isFile = isRealFile } = options;
  if (os !== "windows") return command;
  const endings = (options.pathExt || USUAL_ENDINGS).split(";").filter((ending) => ending !== "");
  const lower = command.toLowerCase();
  const named = endings.some((ending) => lower.endsWith(ending.toLowerCase()));
  // A file without an ending is no program on Windows: beside `npx.cmd` lies an `npx` for other shells.
  const candidates = named ? [command] : endings.map((ending) => command + ending);
  for (const folder of foldersOf(command, path)) {
    for (const candidate of candidates) {
      const file = joined(isAbsolute(folder) ? folder : joined(cwd, folder), candidate);
      if (isFile(file)) return file;
    }
  }
  return command;
}

/** Folders to look in, in their order. Windows also looks in the current one; we do not: it is a trap. */
function foldersOf(command: string, path: string): string[] {
  if (isAbsolute(command) || /[\\/]/.test(command)) return [""];
  // Folders with a semicolon in their name stand in quotes.
  return path.split(";").map((folder) => folder.replaceAll('"', "")).filter((one) => one !== "");
}

function isAbsolute(path: string): boolean {
  return /^(?:[A-Za-z]:[\\/]|[\\/])/.test(path);
}

function joined(folder: string, name: string): string {
  if (folder === "" || isAbsolute(name)) return name;
  return name === "" ? folder : `${folder.replace(/[\\/]$/, "")}\\${name}`;
}

function isRealFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false; // Missing, or in a folder that may not be entered: it cannot be started either way.
  }
}
