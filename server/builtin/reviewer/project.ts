/**
 * The files of a project that are worth a review, and the review of all of them.
 *
 * It follows no symbolic link, so that it never leaves the folder, and leaves out what is not the
 * project's own: installed packages, build output, hidden folders. What is left out is counted.
 *
 * @module
 */

import { readdir } from "node:fs/promises";
import { join, relative } from "@std/path";
import type { Analyzer } from "./analyzer.ts";
import { languageOf } from "./language.ts";
import { NotReadable, readRegularFile } from "./regular_file.ts";
import { type ReviewResult, SEVERITIES, type Severity } from "./result.ts";
import { decodeSource, MAX_FILE_BYTES } from "./source.ts";

/** Folders that hold what others wrote, or what a program made. */
const NOT_OURS = new Set(
  ("node_modules bower_components vendor third_party dist build out target coverage __pycache__ " +
    "venv site-packages").split(" "),
);
/** Files without a language that are for secrets, or where they are often left. */
const FOR_SECRETS = /^\.env(?:\.[\w.-]{1,40})?$|\.(?:pem|key)$|^\.npmrc$/;

/** Most files of one review. */
export const MAX_PROJECT_FILES = 5_000;
/** Most findings that are listed; all are counted. */
const MAX_LISTED = 2_000;
/** Texts in work at once: few, so that others who ask for a single file need not wait for all. */
const CONCURRENCY = 2;

/** The review of one file of several. */
export type ProjectFile = Omit<ReviewResult, "rulesVersion">;

/** What a review of a project says. */
export interface ProjectResult {
  /** The folder, absolute. */
  root: string;
  /** Files with findings, and those that were not reviewed or not all of them; paths from the folder. */
  files: ProjectFile[];
  summary: {
    /** Files that were to be reviewed. */
    files: number;
    /** All of each was. */
    reviewed: number;
    /** Not all of each was: skipped, failed or degraded; every one is in `files`. */
    notReviewed: number;
    /** Files of other kinds that were not looked at. */
    otherFiles: number;
    /** Folders that were left out, such as `node_modules`. */
    foldersLeftOut: number;
    findings: Record<Severity, number>;
  };
  /** Why the list is not the whole; absent when it is. */
  incomplete?: string;
  rulesVersion: string;
}

/** What there is to review. */
export interface ProjectListing {
  /** Absolute, in the order of their names. */
  files: string[];
  otherFiles: number;
  foldersLeftOut: number;
  /** Whether there were more than {@linkcode MAX_PROJECT_FILES}. */
  truncated: boolean;
  /** Folders that could not be read, from the root. */
  unreadable: string[];
}

/** Finds the files. @throws the signal's reason. */
export async function listProject(root: string, signal?: AbortSignal): Promise<ProjectListing> {
  const listing: ProjectListing = {
    files: [],
    otherFiles: 0,
    foldersLeftOut: 0,
    truncated: false,
    unreadable: [],
  };
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    signal?.throwIfAborted();
    let entries;
    try {
      entries = await readdir(folder, { withFileTypes: true });
    } catch {
      listing.unreadable.push(relative(root, folder) || "."); // Told; the rest goes on.
      continue;
    }
    entries.sort((a, b) => a.name < b.name ? -1 : 1);
    const inside: string[] = [];
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (entry.name.startsWith(".") || NOT_OURS.has(entry.name)) listing.foldersLeftOut++;
        else inside.push(path);
      } else if (
        entry.isFile() &&
        (languageOf(entry.name, "") !== undefined || FOR_SECRETS.test(entry.name))
      ) {
        if (listing.files.length < MAX_PROJECT_FILES) listing.files.push(path);
        else listing.truncated = true;
      } else listing.otherFiles++;
    }
    folders.push(...inside.reverse());
  }
  return listing;
}

/** What a review of a project needs. */
export interface ProjectReview {
  analyzer: Analyzer;
  signal: AbortSignal;
  /** Told after each file. */
  onProgress(done: number, total: number): void;
}

/** Reviews every file of a folder. @throws the signal's reason. */
export async function reviewProject(
  root: string,
  { analyzer, signal, onProgress }: ProjectReview,
): Promise<ProjectResult> {
  const listing = await listProject(root, signal);
  const results: ReviewResult[] = [];
  let next = 0;
  let done = 0;
  const work = async () => {
    for (let at = next++; at < listing.files.length; at = next++) {
      signal.throwIfAborted();
      results[at] = await reviewOne(listing.files[at], { root, analyzer, signal });
      onProgress(++done, listing.files.length);
    }
  };
  // All, not the first to fail: nothing goes on after the answer.
  const ends = await Promise.allSettled(Array.from({ length: CONCURRENCY }, work));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return summarize(root, listing, results);
}

async function reviewOne(
  file: string,
  { root, analyzer, signal }: { root: string; analyzer: Analyzer; signal: AbortSignal },
): Promise<ReviewResult> {
  const path = relative(root, file);
  const unread = (skipped: string, status: "skipped" | "failed"): ReviewResult => ({
    path,
    language: languageOf(path, "") ?? "unknown",
    status,
    findings: [],
    skipped,
    rulesVersion: "",
  });
  try {
    const limit = MAX_FILE_BYTES + 1;
    const source = decodeSource(await readRegularFile(file, { limit, followLink: false }));
    if ("skipped" in source) return unread(source.skipped, "skipped");
    const result = await analyzer.review({ path, content: source.text }, signal);
    // A file that is only for secrets has been reviewed when they were looked for.
    if (!FOR_SECRETS.test(path.split(/[\\/]/).at(-1)!) || result.language !== "unknown") {
      return result;
    }
    const { skipped: _, ...rest } = result;
    return { ...rest, status: "complete" };
  } catch (error) {
    if (error instanceof NotReadable) return unread(error.reason, "failed");
    throw error;
  }
}

async function summarize(
  root: string,
  { otherFiles, foldersLeftOut, truncated, unreadable }: ProjectListing,
  results: readonly ReviewResult[],
): Promise<ProjectResult> {
  const { rulesVersion } = await import("./rules.ts");
  const findings = Object.fromEntries(SEVERITIES.map((level) => [level, 0])) as Record<
    Severity,
    number
  >;
  let listed = 0;
  let cut = 0;
  const files: ProjectFile[] = [];
  for (const { rulesVersion: _, ...file } of results) {
    for (const { severity } of file.findings) findings[severity]++;
    if (file.findings.length === 0 && file.status === "complete") continue;
    const shown = file.findings.slice(0, Math.max(0, MAX_LISTED - listed));
    listed += shown.length;
    cut += file.findings.length - shown.length;
    files.push({ ...file, findings: shown });
  }
  const notReviewed = results.filter(({ status }) => status !== "complete").length;
  const reasons = [
    ...(truncated ? [`more than ${MAX_PROJECT_FILES} files: the rest was not reviewed`] : []),
    ...(cut > 0 ? [`more than ${MAX_LISTED} findings: ${cut} are only counted`] : []),
    ...unreadable.map((folder) => `the folder ${JSON.stringify(folder)} cannot be read`),
  ];
  return {
    root,
    files,
    summary: {
      files: results.length,
      reviewed: results.length - notReviewed,
      notReviewed,
      otherFiles,
      foldersLeftOut,
      findings,
    },
    ...(reasons.length === 0 ? {} : { incomplete: reasons.join("; ") }),
    rulesVersion: await rulesVersion(),
  };
}
