/**
 * What every command is given: where to write, and the facts of the environment that `main.ts` read.
 * A command reads nothing else of the process, so that a test can run it.
 *
 * @module
 */

import type { SelfCommand } from "../platform/self.ts";

/** Exit codes of the contract. */
export const EXIT = {
  /** Done. */
  ok: 0,
  /** Failed. */
  failed: 1,
  /** Wrong usage: unknown command or option, bad value. */
  usage: 2,
  /** The daemon is not running. */
  notRunning: 3,
} as const;

/** Environment variables of the contract, read once by `main.ts`. Unset and empty are the same. */
export interface EnvironmentFacts {
  /** `AICHAKU_HOME` as given; `homePaths` makes it absolute. Default `~/.aichaku`. */
  home: string;
  /** The user's own home folder. */
  userHome: string;
  /** `AICHAKU_PORT` as given, not yet checked. */
  port: string | undefined;
  /** `AICHAKU_CONFIG` as given. */
  config: string | undefined;
  /** `AICHAKU_TOKEN`: used instead of the token file. */
  token: string | undefined;
  /** `AICHAKU_BIN`: the program that the SDK runs to start a daemon or a built-in server. */
  bin: string | undefined;
  /** `AICHAKU_AUTOSTART` is `1`, `true` or `yes`: the SDK may start a daemon. */
  autostart: boolean;
  /** The whole environment, for `${VAR}` in the configuration. Read when called. */
  variables(): Record<string, string>;
}

/** A running command's world. */
export interface CommandContext {
  /** Writes to standard output as is; add your own line ends. Synchronous, complete on return. */
  stdout(text: string): void;
  /** Writes to standard error as is. */
  stderr(text: string): void;
  /** Whether standard output is a terminal. */
  isTerminal: boolean;
  /** Whether standard error is a terminal. */
  isErrorTerminal: boolean;
  /** No colours: `NO_COLOR` is set, standard output is not a terminal, or it is a dumb one. */
  noColor: boolean;
  /** Folder that relative paths on the command line are taken from; absolute. */
  cwd: string;
  env: EnvironmentFacts;
  /** How to run this program again: `[...args, "mcp", "--serve-builtin", "reviewer"]`. */
  self: SelfCommand;
}

/** Whether a line on standard error can be rewritten in place: on a terminal that is not a dumb one. */
export function rewritesLines({ isErrorTerminal, env }: CommandContext): boolean {
  return isErrorTerminal && env.variables().TERM !== "dumb";
}

/** Wrong usage: `main.ts` writes the message to stderr and exits with 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** The process was told to end, by a signal: `main.ts` exits with its code and says nothing. */
export class ToldToEnd extends Error {
  override name = "ToldToEnd";
  readonly signal: string;
  readonly exitCode: number;

  constructor(signal: string, exitCode: number) {
    super(`ended by ${signal}`);
    this.signal = signal;
    this.exitCode = exitCode;
  }
}
