/**
 * The only file of the SDK that reads the environment: what is true when the caller gives no option.
 *
 * @module
 */

import { homedir } from "node:os";
import { sep } from "node:path";

import { homeFolder } from "../platform/home_folder.ts";
import { deno, nodesProcess, platformName } from "../platform/runtime.ts";
import type { SpawnSpec } from "./spawned_process.ts";

/** Built-in servers that the program itself can be, without a daemon. */
const BUILTINS: readonly string[] = ["reviewer", "sample"];

/** What a child needs to run at all: who and where the user is, how text and time look. */
const ALLOWED_UNIX = [
  ...["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"],
  ...["LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"],
];
const ALLOWED_WINDOWS = [
  ...["APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATH", "PATHEXT"],
  ...["PROCESSOR_ARCHITECTURE", "PROGRAMFILES", "SYSTEMDRIVE", "SYSTEMROOT"],
  ...["TEMP", "USERNAME", "USERPROFILE"],
];
/** Without these, `npx`, `uvx` and `deno` cannot fetch a server behind a proxy or an own CA. */
const ALLOWED_NETWORK = [
  ...["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"],
  ...["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR"],
  ...["DENO_CERT", "DENO_DIR", "DENO_TLS_CA_STORE"],
];

/** `AICHAKU_HOME`, else `.aichaku` in the user's home folder; a `~` at its head is that folder. */
export function defaultHome(): string {
  return homeFolder(read("AICHAKU_HOME"), homedir(), sep);
}

/** `AICHAKU_TOKEN`: used instead of the token file. */
export function defaultToken(): string | undefined {
  return read("AICHAKU_TOKEN");
}

/** `AICHAKU_AUTOSTART` is `1`, `true` or `yes`. */
export function defaultAutoStart(): boolean {
  return ["1", "true", "yes"].includes(read("AICHAKU_AUTOSTART")?.toLowerCase() ?? "");
}

/** Whether the environment names a proxy for plain HTTP. */
export function hasProxy(): boolean {
  return ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"].some((name) =>
    read(name) !== undefined
  );
}

/** `AICHAKU_BIN`, else `aichaku` on the PATH. */
export function defaultBin(): string {
  return read("AICHAKU_BIN") ?? "aichaku";
}

/** Everything: the daemon needs what its configuration names in `${VAR}`. */
export function wholeEnvironment(): Record<string, string> {
  if (deno !== undefined) return deno.env.toObject();
  const set = Object.entries(nodesProcess().env).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set) as Record<string, string>;
}

/**
 * How to run a built-in server without a daemon: `AICHAKU_BIN mcp --serve-builtin NAME`. Undefined when
 * `server` is not a built-in one or `AICHAKU_BIN` is not set.
 *
 * @param home Passed on, so that the server sees the configuration of this home.
 */
export function builtinSpawn(server: string | undefined, home: string): SpawnSpec | undefined {
  const command = read("AICHAKU_BIN");
  if (command === undefined || server === undefined || !isBuiltin(server)) return undefined;
  return { command, args: ["mcp", "--serve-builtin", server], env: { AICHAKU_HOME: home } };
}

/** Whether `AICHAKU_BIN` could run this server. */
export function isBuiltin(server: string): boolean {
  return BUILTINS.includes(server);
}

/** The environment of a child: an allow-list of this process's, and what the caller adds. */
export function childEnvironment(
  added: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const allowed = platformName() === "win32" ? ALLOWED_WINDOWS : ALLOWED_UNIX;
  const environment: Record<string, string> = {};
  for (const name of [...allowed, ...ALLOWED_NETWORK]) {
    const value = variable(name);
    // A value that begins with "()" is a function exported by an old bash: code, not data.
    if (value !== undefined && !value.startsWith("()")) environment[name] = value;
  }
  return { ...environment, ...added };
}

/** Unset and empty are the same. */
function read(name: string): string | undefined {
  return variable(name) || undefined;
}

function variable(name: string): string | undefined {
  return deno === undefined ? nodesProcess().env[name] : deno.env.get(name);
}
