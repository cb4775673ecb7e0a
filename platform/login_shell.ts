/**
 * The environment of the user's login shell, as editors resolve it: the shell is started as for a login,
 * reads its start-up files, and prints its variables. A program that a desktop started learns in this
 * way what the same program would know in a terminal: the PATH above all.
 *
 * Guarantees: never throws, and settles after eleven seconds at the latest; whatever the start-up files
 * print, ask or start, the terminal is not touched; a shell that is too slow is told that its terminal is
 * closed, and half a second later ended with all it started. Not guaranteed: that the start-up files do
 * the same when nobody types. What they start in the background of a shell that answered is left to
 * itself, as in a terminal.
 *
 * The shell begins as `sshd` would begin it, with who and where the user is and the system's own PATH,
 * so that what comes out does not depend on the terminal or desktop that this process was started from.
 * Start-up files can tell by `AICHAKU_RESOLVING_ENV=1` that nobody is there.
 *
 * Not done on Windows, where a login has no start-up files.
 *
 * @module
 */

import { type Clock, systemClock } from "./clock.ts";
import { type GroupSignal, signalGroup } from "./process_group.ts";
import { programVariables } from "./program_variables.ts";

/** Set for the shell. Where it is set, no shell is started: start-up files may start this program. */
export const RESOLVING_MARK = "AICHAKU_RESOLVING_ENV";

/** Options of {@linkcode loginShellVariables}. */
export interface LoginShellOptions {
  /** The environment of this process; its `SHELL` is the shell. */
  variables: Readonly<Record<string, string | undefined>>;
  /** The user's home folder, in which the shell starts. */
  home: string;
  /** Milliseconds until the shell is ended. Default 10,000. */
  timeoutMs?: number;
  /** Ends the shell. */
  signal?: AbortSignal;
  /** Told of the shell's process group while it lives: someone may have to end it in our stead. */
  children?: { add(pid: number): void; remove(pid: number): void };
  clock?: Clock;
  /** Default: a process in a session of its own. */
  spawn?: SpawnShell;
  os?: typeof Deno.build.os;
}

/** What the shell's variables are, or why they are not known, as a sentence without its end. */
export type LoginShellOutcome =
  | { variables: Readonly<Record<string, string>> }
  | { problem: string };

/** A shell that was started. */
export interface ShellProcess {
  /** Of the process, and of its group. */
  pid: number;
  stdout: ReadableStream<Uint8Array>;
  /** How it ended: `exited with code 1`. Never rejects. */
  ended: Promise<string>;
  /** Tells its process group that its terminal is closed, so that it can put away what it has begun. */
  hangUp(): void;
  /** Ends it with its process group. */
  kill(): void;
}

/** How a shell is started. @throws when it cannot be. */
export type SpawnShell = (
  shell: string,
  options: { args: string[]; env: Record<string, string>; cwd: string },
) => ShellProcess;

const TIMEOUT_MS = 10_000;
/** Milliseconds for the end of a process that has nothing more to do. */
const LAST_MS = 500;
/** Far more than an environment can be; what start-up files print counts as well. */
const MAX_OUTPUT = 4 * 1024 * 1024;

/** Where shells look for their start-up files. */
const START_UP_PLACES = ["ZDOTDIR", "ENV"];

/** Variables that speak of the shell that printed them. */
const OF_THE_SHELL = new Set(["_", "SHLVL", "PWD", "OLDPWD", "TERM", RESOLVING_MARK]);

/** Asks the login shell for its variables. */
export async function loginShellVariables(options: LoginShellOptions): Promise<LoginShellOutcome> {
  const { variables, home, spawn = spawnShell } = options;
  const refusal = whyNot(options);
  if (refusal !== undefined) return { problem: refusal };
  const shell = variables.SHELL!;
  const mark = crypto.randomUUID();
  let child: ShellProcess;
  try {
    child = spawn(shell, {
      args: shellArguments(shell, mark),
      env: initialVariables(options),
      cwd: home,
    });
  } catch (error) {
    return { problem: `${shell} cannot be started (${messageOf(error)})` };
  }
  const answer = await ask(child, { ...options, mark });
  return "problem" in answer ? { problem: `${shell} ${answer.problem}` } : answer;
}

/** Why no shell is asked, or undefined when one can be. */
function whyNot({ variables, os = Deno.build.os }: LoginShellOptions): string | undefined {
  const shell = variables.SHELL;
  if (os === "windows") return "there is no login shell on Windows";
  if (variables[RESOLVING_MARK]) {
    return `${RESOLVING_MARK} is set: a login shell started this process`;
  }
  if (!shell) return "SHELL is not set";
  if (!shell.startsWith("/")) return `SHELL is ${JSON.stringify(shell)}, not an absolute path`;
  if (/\/(?:false|true|nologin|sync)$/.test(shell)) return `SHELL is ${shell}: no login is allowed`;
  return undefined;
}

/**
 * Arguments that make a shell read the start-up files of a login and then print its variables.
 *
 * What prints is always `sh`, whatever language the shell speaks: all of them read a single-quoted text
 * without quotes and backslashes in the same way. It takes the shell's place (`exec`), so that no files
 * are read at its end. The mark is put together only as it is printed: a shell that shows its command
 * does not show the mark.
 */
export function shellArguments(shell: string, mark: string): string[] {
  const printMark = `printf %s%s ${mark.slice(0, 9)} ${mark.slice(9)}`;
  // Older systems' `env` knows no `-0`; what it prints then has to be parted at its lines.
  const script = `${printMark}; /usr/bin/env -0 2>/dev/null || /usr/bin/env; ${printMark}`;
  const command = `/bin/sh -c '${script}'`;
  switch (shell.slice(shell.lastIndexOf("/") + 1)) {
    case "csh":
    case "tcsh":
      // `-l` would have to be the only option.
      return ["-i", "-c", `exec ${command}`];
    case "pwsh":
      return ["-Login", "-Command", command];
    case "bash":
    case "dash":
    case "fish":
    case "ksh":
    case "nu":
    case "sh":
    case "zsh":
      return ["-l", "-i", "-c", `exec ${command}`];
    default:
      return ["-l", "-i", "-c", command];
  }
}

/** What the shell begins with. */
function initialVariables(
  { variables, home, os = Deno.build.os }: LoginShellOptions,
): Record<string, string> {
  const initial: Record<string, string> = { HOME: home };
  for (const name of [...programVariables(os), ...START_UP_PLACES]) {
    const value = variables[name];
    // A value that begins with "()" is a function exported by an old bash: code, not data.
    if (value !== undefined && !value.startsWith("()")) initial[name] = value;
  }
  const path = os === "darwin"
    ? "/usr/bin:/bin:/usr/sbin:/sbin"
    : "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";
  return { ...initial, PATH: path, TERM: "dumb", [RESOLVING_MARK]: "1" };
}

/** What the shell said; a problem as the end of a sentence that begins with its name. */
async function ask(
  child: ShellProcess,
  options: LoginShellOptions & { mark: string },
): Promise<LoginShellOutcome> {
  const { mark, children, clock = systemClock, timeoutMs = TIMEOUT_MS, signal } = options;
  children?.add(child.pid);
  const reader = child.stdout.getReader();
  using deadline = alarm(clock, timeoutMs);
  const aborted = Promise.withResolvers<LoginShellOutcome>();
  const onAbort = () => aborted.resolve({ problem: "was ended: nobody needs its variables" });
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort);
  const outcome = await Promise.race([
    readAnswer(reader, { mark, ended: child.ended }),
    deadline.rung.then((): LoginShellOutcome => ({
      problem: `did not print its variables within ${timeoutMs / 1000} s and was ended`,
    })),
    aborted.promise,
  ]);
  signal?.removeEventListener("abort", onAbort);
  // It may hold locks of the user's (pyenv's, conda's), and leave them behind when it is killed at once.
  if ("problem" in outcome) child.hangUp();
  // Rejects only when the pipe broke, which is an end as well.
  await reader.cancel().catch(() => {});
  if (!(await endsSoon(child, clock))) {
    child.kill();
    await endsSoon(child, clock);
  }
  children?.remove(child.pid);
  return outcome;
}

/** Reads what stands between two marks, and looks no further. */
async function readAnswer(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  { mark, ended }: { mark: string; ended: Promise<string> },
): Promise<LoginShellOutcome> {
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    // A pipe that breaks has ended.
    const { value, done } = await reader.read().catch(() => ({ value: undefined, done: true }));
    if (done) return { problem: `${await ended} and printed no variables` };
    text += decoder.decode(value, { stream: true });
    const begin = text.indexOf(mark);
    const end = begin < 0 ? -1 : text.indexOf(mark, begin + mark.length);
    if (end >= 0) {
      const variables = parseVariables(text.slice(begin + mark.length, end));
      return variables.PATH === undefined ? { problem: "printed no variables" } : { variables };
    }
    if (text.length > MAX_OUTPUT) {
      return { problem: `printed more than ${MAX_OUTPUT} characters and was ended` };
    }
  }
}

/** The output of `env -0`, or of an `env` that knows no `-0`. */
export function parseVariables(text: string): Record<string, string> {
  // Without NULs, a line that begins no variable goes on with the value of the last one.
  const records = text.includes("\0")
    ? text.split("\0")
    : text.replace(/\n$/, "").split(/\n(?=[A-Za-z_][A-Za-z0-9_]*=)/);
  const variables: Record<string, string> = {};
  for (const record of records) {
    const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(record) ?? [];
    if (name === undefined || OF_THE_SHELL.has(name) || value.startsWith("()")) continue;
    variables[name] = value;
  }
  return variables;
}

/** A promise for a moment. Dispose of it when nobody waits any more. */
function alarm(clock: Clock, ms: number): Disposable & { rung: Promise<void> } {
  const { promise: rung, resolve } = Promise.withResolvers<void>();
  const timer = clock.after(ms, resolve);
  return { rung, [Symbol.dispose]: () => timer[Symbol.dispose]() };
}

/** Whether a process that has nothing more to do has ended, or does so within a moment. */
async function endsSoon(child: ShellProcess, clock: Clock): Promise<boolean> {
  using patience = alarm(clock, LAST_MS);
  return await Promise.race([
    child.ended.then(() => true),
    patience.rung.then(() => false),
  ]);
}

function spawnShell(
  shell: string,
  { args, env, cwd }: { args: string[]; env: Record<string, string>; cwd: string },
): ShellProcess {
  const child = new Deno.Command(shell, {
    args,
    env,
    clearEnv: true,
    cwd,
    stdin: "null",
    stdout: "piped",
    stderr: "null",
    // A session of its own: no terminal to ask at, and a group that can be ended as a whole.
    detached: true,
  }).spawn();
  let over = false;
  let isUnwanted = false;
  const signal = (name: GroupSignal) => {
    // Once it is gone, the id of its group can be another's.
    if (!over) signalGroup(child.pid, name);
  };
  return {
    pid: child.pid,
    stdout: child.stdout,
    ended: child.status.then(({ code, signal }) => {
      // What it had started may not care for a terminal.
      if (isUnwanted) signalGroup(child.pid, "SIGKILL");
      over = true;
      return signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
    }),
    hangUp: () => {
      isUnwanted = true;
      signal("SIGHUP");
    },
    kill: () => signal("SIGKILL"),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
