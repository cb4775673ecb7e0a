/**
 * The files of a folder that are worth a review: inside a git repository what git knows or would add,
 * elsewhere everything that no `.gitignore` leaves out. Never `node_modules`, never `.git`, never through
 * a symbolic link.
 *
 * A folder that git ignores as a whole is walked all the same when it is named: an empty list would look
 * like a clean one.
 *
 * @module
 */

import ignore, { type Ignore } from "ignore";
import { join } from "@std/path";
import { fields, GitError, gitText, withoutRepository } from "./git.ts";

/** A file, or a folder that could not be read. */
export interface FolderEntry {
  /** From the folder, with slashes. */
  path: string;
  /** Why its content cannot be listed; only for folders. */
  unreadable?: string;
}

/** Options of {@linkcode filesOf}. */
export interface FolderOptions {
  env: Record<string, string>;
  signal: AbortSignal;
}

/** Folders that hold other people's code, or none. */
const LEFT_OUT: readonly string[] = ["node_modules", ".git"];

/** The files of `folder`, in the order of their paths. */
export async function filesOf(folder: string, options: FolderOptions): Promise<FolderEntry[]> {
  const known = await knownToGit(folder, options);
  const files: FolderEntry[] = known ?? await walk(folder, options);
  return files.sort((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
}

/** What git would show; undefined outside of a repository, or when git shows nothing. */
async function knownToGit(
  folder: string,
  options: FolderOptions,
): Promise<FolderEntry[] | undefined> {
  let names: string[];
  try {
    const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "."];
    const env = withoutRepository(options.env);
    names = fields(await gitText(list, { cwd: folder, env, signal: options.signal }));
  } catch (error) {
    if (error instanceof GitError) return undefined;
    throw error;
  }
  if (names.length === 0) return undefined;
  const files: FolderEntry[] = [];
  // A file with a conflict is named once for each side.
  for (const path of new Set(names.map((name) => name.replace(/\/$/, "")))) {
    if (path.split("/").some((part) => LEFT_OUT.includes(part))) continue;
    const facts = await Deno.lstat(join(folder, path)).catch(() => undefined);
    if (facts?.isFile) files.push({ path });
    // A submodule, or a repository inside of this one.
    if (facts?.isDirectory) {
      for (const entry of await filesOf(join(folder, path), options)) {
        files.push({ ...entry, path: `${path}/${entry.path}` });
      }
    }
  }
  return files;
}

/** The rules of one `.gitignore`, for paths below its folder. */
interface Rules {
  /** Where it stands, as a prefix of paths: empty or ending in a slash. */
  prefix: string;
  rules: Ignore;
}

async function walk(folder: string, { signal }: FolderOptions): Promise<FolderEntry[]> {
  const files: FolderEntry[] = [];
  await visit("", []);
  return files;

  async function visit(prefix: string, above: readonly Rules[]): Promise<void> {
    signal.throwIfAborted();
    const here = join(folder, prefix);
    let entries: Deno.DirEntry[];
    try {
      entries = await Array.fromAsync(Deno.readDir(here));
    } catch (error) {
      const unreadable = error instanceof Error ? error.message : String(error);
      files.push({ path: prefix.replace(/\/$/, "") || ".", unreadable });
      return;
    }
    const all = [...above, ...await rulesOf(here, prefix)];
    for (const { name, isFile, isDirectory } of entries) {
      if (LEFT_OUT.includes(name)) continue;
      const path = `${prefix}${name}`;
      if (
        all.some(({ prefix, rules }) => isIgnored(rules, path.slice(prefix.length), isDirectory))
      ) {
        continue;
      }
      if (isFile) files.push({ path });
      if (isDirectory) await visit(`${path}/`, all);
    }
  }
}

async function rulesOf(folder: string, prefix: string): Promise<Rules[]> {
  // None, or one that cannot be read: then nothing is left out.
  const text = await Deno.readTextFile(join(folder, ".gitignore")).catch(() => undefined);
  return text === undefined ? [] : [{ prefix, rules: ignore().add(text) }];
}

function isIgnored(rules: Ignore, path: string, isDirectory: boolean): boolean {
  return rules.ignores(isDirectory ? `${path}/` : path);
}
