/**
 * An entry with a `command`: a child process. Every path in the result is absolute or a bare program
 * name, so that nothing depends on the folder the daemon was started in; a `cwd` may begin with the mark
 * of the project instead.
 *
 * @module
 */

import { isAbsolute, join, SEPARATOR } from "@std/path";
import { kindOf, type Node, nodeAt, quote } from "./document.ts";
import type { EntryScope } from "./entry_scope.ts";
import { readEnvFile } from "./env_file.ts";
import { knownServer } from "./known_servers.ts";
import { PROJECT_MARK } from "./project.ts";
import type { EntryCommon, Sharing, StdioEntry } from "./types.ts";
import { placeOf } from "./validate.ts";

/** Reads such an entry. What keeps it from running is recorded in the scope. */
export async function readStdio(scope: EntryScope, common: EntryCommon): Promise<StdioEntry> {
  const cwd = readCwd(scope);
  const command = await readCommand(scope, cwd);
  const args = (scope.input.args ?? []).map((arg, index) =>
    scope.text(arg, { place: ["args", index], mayUseProject: true }) ?? ""
  );
  const env = { ...await readVariablesOfFile(scope), ...readEnv(scope) };
  const { usesProject } = scope;
  const known = knownServer({ command, args });
  const sharing: Sharing = known !== undefined && common.sharing.from === "default"
    ? { mode: known.sharing, from: "known", why: known.why }
    : { ...common.sharing };
  // That is so whoever says how it is shared.
  if (known?.exclusive) sharing.exclusive = true;
  return {
    ...common,
    sharing,
    kind: "stdio",
    command,
    args,
    env,
    // A server that works on a project runs in it, as it would under an editor.
    cwd: cwd ?? (usesProject ? PROJECT_MARK : undefined),
    usesProject,
  };
}

function readCwd(scope: EntryScope): string | undefined {
  const { cwd } = scope.input;
  if (cwd === undefined) return undefined;
  const path = scope.text(cwd, { place: ["cwd"], mayUseProject: true, isPath: true });
  // An empty folder is none, as for the clients that write it.
  if (path === undefined || path === "") return undefined;
  if (path.startsWith(PROJECT_MARK)) return path;
  if (path.includes(PROJECT_MARK)) {
    scope.trouble(
      scope.nodeOf("cwd"),
      'its "cwd" has something before the folder of the project, which is a whole path already; ' +
        'begin with "${project}"',
    );
    return undefined;
  }
  return absolute(path, scope.context.folder);
}

async function readCommand(scope: EntryScope, cwd: string | undefined): Promise<string> {
  const { command = "" } = scope.input;
  const node = scope.nodeOf("command");
  const path = scope.text(command, { place: ["command"], isPath: true });
  if (path === undefined) return "";
  if (path.trim() === "") {
    scope.trouble(node, 'its "command" is missing or empty; name the program that is the server');
    return "";
  }
  if (!isBareName(path) && !isAbsolute(path) && cwd?.includes(PROJECT_MARK)) {
    // Otherwise whoever fills a folder with files would choose what runs.
    scope.trouble(
      node,
      'its "command" would be looked for in the folder of the project, and a project never decides ' +
        "which program runs; write the whole path",
    );
    return "";
  }
  // A bare name is looked up in PATH; a path in pieces starts at the folder the process will run in.
  const located = isBareName(path) ? path : absolute(path, cwd ?? scope.context.folder);
  if (/\s/.test(path) && !(await isFile(located))) {
    warnOfCommandLine(scope, node);
    return path;
  }
  return located;
}

function isBareName(path: string): boolean {
  return !path.includes("/") && !(SEPARATOR === "\\" && path.includes("\\"));
}

function absolute(path: string, folder: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}

/** The command itself is not shown: a whole command line may hold a token. */
function warnOfCommandLine(scope: EntryScope, node: Node): void {
  scope.warn(
    node,
    '"command" contains spaces and names no existing file; it is taken as one program and never ' +
      'split. If it is a command line, leave only the program in "command" and put each argument ' +
      'into "args", such as "command": "npx", "args": ["-y", "some-package"]',
  );
}

async function readVariablesOfFile(scope: EntryScope): Promise<Record<string, string>> {
  const { envFile } = scope.input;
  if (envFile === undefined) return {};
  const path = scope.text(envFile, { place: ["envFile"], isPath: true });
  if (path === undefined) return {};
  const file = absolute(path, scope.context.folder);
  const outcome = await readEnvFile(file);
  if ("env" in outcome) return outcome.env;
  // The resolved path says more, but what a variable holds is not shown.
  const shown = envFile.includes("${") ? envFile : file;
  scope.trouble(scope.nodeOf("envFile"), `its "envFile" ${quote(shown)} ${outcome.problem}`);
  return {};
}

function readEnv(scope: EntryScope): Record<string, string> {
  const entries: [string, string][] = [];
  for (const [name, value] of scope.input.env ?? []) {
    const place = ["env", name];
    const node = nodeAt(scope.nodeOf("env"), [name]);
    if (name === "" || /[=\0]/.test(name)) {
      scope.trouble(node, `${placeOf(place)} cannot be the name of a variable; rename it`);
    } else if (value === null) {
      // VS Code removes such a variable from the environment of the child.
      scope.warn(node, `${placeOf(place)} is null and is left out`);
    } else if (typeof value !== "string") {
      scope.warn(node, `${placeOf(place)} is ${kindOf(value)} and is passed on as text`);
      entries.push([name, String(value)]);
    } else {
      if (/^\$[A-Za-z_][A-Za-z0-9_]*$/.test(value)) {
        scope.warn(
          node,
          `${placeOf(place)} is a "$" with a name behind it and is passed on as it is; ` +
            "for the value of a variable, write ${NAME}",
        );
      }
      entries.push([name, scope.text(value, { place, mayUseProject: true }) ?? ""]);
    }
  }
  return Object.fromEntries(entries);
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    // Whatever the reason, nothing can be started from there, and that is all that is asked.
    return false;
  }
}
