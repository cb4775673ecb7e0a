/**
 * What changed: the files of a change with their new content and the lines that are new in them.
 *
 * - `--staged`: the index against HEAD; the content is the index's, which is what will be committed,
 *   whatever the working tree says.
 * - `--diff REF`: the working tree against the point where it left REF, and files that git does not know
 *   yet, all of whose lines are new.
 *
 * Deleted files, symbolic links and submodules have no content to review.
 *
 * @module
 */

import { join } from "@std/path";
import { fields, git, GitError, type GitOptions, gitText } from "./git.ts";

/** Lines of a file, as ranges from the first to the last, both counted from 1. */
export type Lines = readonly (readonly [first: number, last: number])[];

/** A file of a change. */
export interface ChangedFile {
  /** Absolute. */
  path: string;
  /** New lines; undefined when all of them are. */
  lines: Lines | undefined;
  /** Its content where it is not the working tree's. */
  read?: () => Promise<Uint8Array>;
}

/** Which change. */
export type Change = { kind: "staged" } | { kind: "since"; ref: string };

/** Options of {@linkcode changedFiles}. */
export interface ChangeOptions extends GitOptions {
  /** Only files below these, as git's pathspecs. All when empty. */
  only: readonly string[];
}

/** The files of a change. @throws {GitError} */
export async function changedFiles(
  change: Change,
  { only, ...options }: ChangeOptions,
): Promise<ChangedFile[]> {
  const top = (await gitText(["rev-parse", "--show-toplevel"], options)).replace(/\n$/, "");
  const paths = ["--", ...(only.length > 0 ? only : [":/"])];
  if (change.kind === "staged") {
    return await compared(["--cached"], { top, paths, options, isStaged: true });
  }
  const base = await branchPoint(change.ref, options);
  const untracked = fields(
    await gitText(
      ["ls-files", "-z", "--others", "--exclude-standard", "--full-name", ...paths],
      options,
    ),
  );
  return [
    ...await compared([base], { top, paths, options, isStaged: false }),
    ...untracked.filter((path) => !path.endsWith("/"))
      .map((path) => ({ path: join(top, path), lines: undefined })),
  ];
}

/** Where the working tree left `ref`; `ref` itself when they have nothing in common. */
async function branchPoint(ref: string, options: GitOptions): Promise<string> {
  let commit: string;
  try {
    const revision = ["--verify", "--quiet", "--end-of-options", `${ref}^{commit}`];
    commit = (await gitText(["rev-parse", ...revision], options)).trim();
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    throw new GitError(`there is no commit ${JSON.stringify(ref)}`, { cause: error });
  }
  try {
    return (await gitText(["merge-base", commit, "HEAD"], options)).trim();
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    return commit;
  }
}

/** How git marks what is no file with content. */
const LINK = "120000";
const SUBMODULE = "160000";

interface Comparison {
  top: string;
  paths: readonly string[];
  options: GitOptions;
  isStaged: boolean;
}

async function compared(
  what: readonly string[],
  { top, paths, options, isStaged }: Comparison,
): Promise<ChangedFile[]> {
  // Twice the same comparison: the first names the files in a way that any name survives, the second has
  // their lines, in the same order.
  const common = ["-M", "--no-color", "--no-ext-diff", "--no-textconv", "--diff-filter=d", ...what];
  const raw = await git(["diff", "--raw", "-z", "--no-abbrev", ...common, ...paths], options);
  const patch = await git(["diff", "-U0", "--submodule=short", ...common, ...paths], options);
  // Content may be in any encoding; only the lines of git itself matter, which are ASCII.
  const blocks = newLinesOf(new TextDecoder("latin1").decode(patch));
  const files: ChangedFile[] = [];
  let next = 0;
  for (const { mode, blob, path, status } of entriesOf(new TextDecoder().decode(raw))) {
    // A file that became another kind of file is shown as deleted and then as added.
    if (status === "T") next++;
    const lines = blocks[next++] ?? [];
    if (mode === LINK || mode === SUBMODULE) continue;
    const read = isStaged ? () => git(["cat-file", "blob", blob], options) : undefined;
    files.push({ path: join(top, path), lines, read });
  }
  return files;
}

interface Entry {
  mode: string;
  blob: string;
  status: string;
  path: string;
}

/** Reads `git diff --raw -z`: `:MODE MODE BLOB BLOB STATUS`, the path, and for a renamed file the new one. */
function entriesOf(raw: string): Entry[] {
  const tokens = fields(raw);
  const entries: Entry[] = [];
  for (let at = 0; at < tokens.length;) {
    const [, mode, , blob, status] = tokens[at++].split(" ");
    if (/^[RC]/.test(status)) at++;
    entries.push({ mode, blob, status: status[0], path: tokens[at++] });
  }
  return entries;
}

/** The new lines of each file of a patch without context. Exported for its test. */
export function newLinesOf(patch: string): Lines[] {
  const files: [number, number][][] = [];
  for (const line of patch.split("\n")) {
    // A line of content begins with one of "+", "-", "\".
    if (line.startsWith("diff --git ")) files.push([]);
    const hunk = /^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (hunk === null) continue;
    const first = Number(hunk[1]);
    const count = Number(hunk[2] ?? "1");
    if (count > 0) files.at(-1)?.push([first, first + count - 1]);
  }
  return files;
}

/** Whether something from `first` to `last` has one of the lines. */
export function touches(lines: Lines, first: number, last: number): boolean {
  return lines.some(([from, to]) => first <= to && last >= from);
}
