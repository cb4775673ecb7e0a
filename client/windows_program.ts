/**
 * What to start on Windows for a command. Processes are started there by the path of a file, and a
 * `.cmd` or `.bat` file, which `npx` and most of what package managers install are, not at all by Node
 * (CVE-2024-27980): that is run by `cmd.exe`, with every argument quoted so that it reaches the program
 * as it is and is never read as a command.
 *
 * Not guaranteed: what the batch file itself does with its arguments.
 *
 * @module
 */

import { programFile } from "../platform/program_file.ts";

/** A command as it was given. */
export interface GivenCommand {
  command: string;
  args: readonly string[];
  /** Folder that it is started in. */
  cwd: string;
  /** Environment of the child. */
  env: Readonly<Record<string, string>>;
  /** Whether there is a file at this path. */
  isFile(path: string): boolean;
}

/** What to give to `spawn` of `node:child_process`. */
export interface WindowsProgram {
  file: string;
  args: string[];
  /** The arguments are quoted already. */
  windowsVerbatimArguments: boolean;
}

/**
 * The program for a command.
 *
 * @throws {TypeError} when a batch file is to get an argument that cannot be given to one.
 */
export function windowsProgram({ command, args, cwd, env, isFile }: GivenCommand): WindowsProgram {
  const path = variable(env, "PATH");
  const file = programFile(command, {
    path,
    pathExt: variable(env, "PATHEXT"),
    cwd,
    os: "windows",
    isFile,
  });
  if (!/\.(?:cmd|bat)$/i.test(file)) {
    return { file, args: [...args], windowsVerbatimArguments: false };
  }
  const line = [file, ...args].map((word, index) => quoted(word, index === 0)).join(" ");
  return {
    file: `${variable(env, "SYSTEMROOT") ?? "C:\\Windows"}\\System32\\cmd.exe`,
    // Extensions, which `quoted` needs; no delayed expansion, which would read `!`; no AutoRun.
    args: ["/e:ON", "/v:OFF", "/d", "/s", "/c", `"${line}"`],
    windowsVerbatimArguments: true,
  };
}

/** Letters that mean nothing to `cmd.exe`. Batch files see quotes, so that plain words have none. */
const PLAIN = /^[\w#$*+\-./:?@\\]*[\w#$*+\-./:?@]$/;

/**
 * A word as `cmd.exe`, and the program behind the batch file, read it. Each quote is doubled, so that
 * both are inside or outside of quotes at the same letters, and a percent sign is followed by a variable
 * that is always empty, so that none begins a variable's name.
 */
function quoted(word: string, always: boolean): string {
  if (/[\0\r\n]/.test(word)) {
    throw new TypeError(
      `Cannot give the argument ${JSON.stringify(word)} to a .cmd or .bat file: it has a line end`,
    );
  }
  if (!always && PLAIN.test(word)) return word;
  const inner = word.replace(
    /(\\*)("|$)/g,
    (_, slashes: string, end: string) => slashes + slashes + end + end,
  );
  return `"${inner.replaceAll("%", "%%cd:~,%")}"`;
}

/** Windows takes names of variables in whatever case. */
function variable(env: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.entries(env).find(([key]) => key.toUpperCase() === name)?.[1];
}
