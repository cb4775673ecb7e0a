/**
 * From what stands on the command line to what is reviewed: files, folders, patterns, standard input, or
 * the files of a change. Guarantees: a file is reviewed once, in the order in which it was named; what was
 * named and cannot be found is a target as well, which says so.
 *
 * @module
 */

import ignore from "ignore";
import { globToRegExp, isAbsolute, join, relative, resolve } from "@std/path";
import { NotReadable, readRegularFile } from "../../server/builtin/reviewer/regular_file.ts";
import { decodeSource, MAX_FILE_BYTES, type Source } from "../../server/builtin/reviewer/source.ts";
import { UsageError } from "../context.ts";
import { type Change, changedFiles, type Lines } from "./changes.ts";
import { filesOf } from "./folder.ts";

/** One text to review. */
export interface Target {
  /** As it is shown. */
  path: string;
  /** Whether the user named it; else it was found in a folder, by a pattern or in a change. */
  isNamed: boolean;
  /** Its text, or why there is none. @throws {NotReadable} when it cannot be read. */
  read(): Promise<Source>;
  /** Only findings on these lines count; undefined for all. */
  lines?: Lines;
}

/** Options of {@linkcode targetsOf}. */
export interface TargetOptions {
  /** Folder that relative paths are taken from. */
  cwd: string;
  env: Record<string, string>;
  /** Patterns as in `.gitignore`, from `cwd`; what they match is left out. */
  exclude: readonly string[];
  /** Review only what changed; the words then choose among it. */
  change?: Change;
  /** Standard input, for the word `-`. */
  stdin(): Promise<Uint8Array>;
  /** What standard input is called. */
  stdinName: string;
  signal: AbortSignal;
}

/**
 * What to review.
 *
 * @throws {UsageError} for a pattern that matches nothing.
 * @throws {GitError} when a change cannot be found out.
 */
export async function targetsOf(
  words: readonly string[],
  options: TargetOptions,
): Promise<Target[]> {
  const all = options.change === undefined
    ? (await Promise.all(words.map((word) => fromWord(word, options)))).flat()
    : await fromChange(options.change, words, options);
  const excluded = ignore().add(options.exclude);
  const seen = new Set<string>();
  return all.filter(({ path }) => {
    const key = path === options.stdinName ? path : resolve(options.cwd, path);
    const isNew = !seen.has(key);
    seen.add(key);
    const from = relative(options.cwd, key).replaceAll("\\", "/");
    // A pattern is about what is below the folder.
    const isInside = from !== "" && !from.startsWith("../") && !isAbsolute(from);
    return isNew && !(isInside && excluded.ignores(from));
  });
}

async function fromWord(word: string, options: TargetOptions): Promise<Target[]> {
  if (word === "-") return [fromStdin(options)];
  const facts = await Deno.stat(resolve(options.cwd, word)).catch(() => undefined);
  if (facts?.isDirectory) return await fromFolder(word, options);
  // A file may have a name that looks like a pattern.
  if (facts === undefined && /[*?[{]/.test(word)) return await fromPattern(word, options);
  return [file(word, { ...options, isNamed: true })];
}

function fromStdin({ stdin, stdinName }: TargetOptions): Target {
  return {
    path: stdinName,
    isNamed: true,
    read: async () => decodeSource(await stdin()),
  };
}

async function fromFolder(folder: string, options: TargetOptions): Promise<Target[]> {
  const entries = await filesOf(resolve(options.cwd, folder), options);
  return entries.map(({ path, unreadable }) => {
    const shown = join(folder, path);
    if (unreadable === undefined) return file(shown, { ...options, isNamed: false });
    const read = () => Promise.reject(new NotReadable(shown, unreadable));
    return { path: shown, isNamed: true, read };
  });
}

async function fromPattern(pattern: string, options: TargetOptions): Promise<Target[]> {
  const fixed = pattern.split("/").slice(0, -1);
  const firstOpen = fixed.findIndex((part) => /[*?[{]/.test(part));
  const folder = (firstOpen === -1 ? fixed : fixed.slice(0, firstOpen)).join("/");
  const base = pattern.startsWith("/") && folder === "" ? "/" : folder;
  const matches = globToRegExp(pattern.replace(/^\.\//, ""), { extended: true, globstar: true });
  const all = await fromFolder(base === "" ? "." : base, options);
  const found = all.filter(({ path }) => matches.test(path));
  if (found.length > 0) return found;
  throw new UsageError(`aichaku review: no file matches "${pattern}". See: aichaku review --help`);
}

async function fromChange(
  change: Change,
  only: readonly string[],
  options: TargetOptions,
): Promise<Target[]> {
  const files = await changedFiles(change, { ...options, only });
  return files.map(({ path, lines, read }) => {
    const shown = relative(options.cwd, path);
    const target = file(shown, { ...options, isNamed: false });
    return {
      ...target,
      lines,
      read: read === undefined ? target.read : async () => decodeSource(await read()),
    };
  });
}

/** A file of the file system. */
export function file(
  path: string,
  { cwd, isNamed }: { cwd: string; isNamed: boolean },
): Target {
  return {
    path,
    isNamed,
    async read() {
      const options = { limit: MAX_FILE_BYTES + 1, shownAs: path };
      return decodeSource(await readRegularFile(resolve(cwd, path), options));
    },
  };
}
