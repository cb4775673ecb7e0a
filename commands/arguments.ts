/**
 * Reading a command's arguments strictly: an option that is not known, lacks its value or has one too
 * many is wrong usage, named in the error, never ignored.
 *
 * @module
 */

import { parseArgs } from "@std/cli";
import { UsageError } from "./context.ts";
import { nearest } from "./nearest.ts";

/** What a command takes. Names without dashes. */
export interface ArgumentSpec {
  /** Command as the user wrote it, for errors: `aichaku mcp`. */
  command: string;
  /** Options without a value. `help` is always one of them, with `-h`. */
  flags: readonly string[];
  /** Options with a value. Given twice, the last counts. */
  values: readonly string[];
  /** Options with a value that may be given several times; every value counts. */
  lists?: readonly string[];
  /** Options of one letter, and what they are short for. `-h` is always one of them. */
  short?: Readonly<Record<string, string>>;
  /** Options that are taken but not suggested. */
  hidden?: readonly string[];
  /** What else an option that nobody knows may mean, for its error. */
  aboutUnknown?: string;
  /** Words that are not options, at most. Default any number. */
  maxWords?: number;
}

/** What was given. */
export interface ParsedArguments {
  flags: ReadonlySet<string>;
  values: ReadonlyMap<string, string>;
  /** Every value of each option in `lists`, in order; an empty array for one that is not given. */
  lists: ReadonlyMap<string, readonly string[]>;
  words: readonly string[];
}

/** Parses `args`. @throws {UsageError} */
export function parseArguments(args: readonly string[], spec: ArgumentSpec): ParsedArguments {
  const flags = ["help", ...spec.flags];
  const lists = spec.lists ?? [];
  const known = [...flags, ...spec.values, ...lists];
  const valueOfFlag = args.find((arg) =>
    arg.startsWith("--") && arg.includes("=") && flags.includes(arg.slice(2, arg.indexOf("=")))
  );
  if (valueOfFlag !== undefined) {
    throw usage(spec, `${valueOfFlag.slice(0, valueOfFlag.indexOf("="))} takes no value`);
  }
  const parsed = parseArgs(args, {
    boolean: flags,
    string: [...spec.values, ...lists, "_"],
    collect: lists,
    alias: { ...spec.short, h: "help" },
    unknown(arg, key) {
      if (key === undefined) return true; // A word, not an option.
      const shown = arg.includes("=") ? arg.slice(0, arg.indexOf("=")) : arg;
      const visible = known.filter((name) => !spec.hidden?.includes(name));
      const meant = nearest(shown, visible.map((name) => `--${name}`));
      const about = spec.aboutUnknown === undefined ? "" : `; ${spec.aboutUnknown}`;
      throw usage(spec, `unknown option ${shown}${about}`, meant);
    },
  });
  const values = new Map<string, string>();
  for (const name of spec.values) {
    const value = parsed[name];
    if (value === undefined) continue;
    if (value === "") throw usage(spec, `--${name} needs a value`);
    values.set(name, String(value));
  }
  const collected = lists.map((name): [string, string[]] => {
    const given = (parsed[name] as unknown[]).map(String);
    if (given.includes("")) throw usage(spec, `--${name} needs a value`);
    return [name, given];
  });
  const words = parsed._.map(String);
  if (spec.maxWords !== undefined && words.length > spec.maxWords) {
    throw usage(spec, `unexpected argument "${words[spec.maxWords]}"`);
  }
  return {
    flags: new Set(flags.filter((name) => parsed[name] === true)),
    values,
    lists: new Map(collected),
    words,
  };
}

/** A {@linkcode UsageError} that names the command and where to read on. */
export function usage(spec: { command: string }, problem: string, meant?: string): UsageError {
  const hint = meant === undefined ? "" : ` Did you mean ${meant}?`;
  return new UsageError(`${spec.command}: ${problem}.${hint} See: ${spec.command} --help`);
}

/**
 * A TCP port.
 *
 * @param source Where the text came from: `--port`, `AICHAKU_PORT`.
 * @throws {UsageError} naming the value.
 */
export function parsePort(text: string, source: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (!(port <= 65_535)) {
    throw new UsageError(
      `Invalid port "${text}" in ${source}: ` +
        "use a whole number from 0 to 65535 (0 lets the system choose).",
    );
  }
  return port;
}
