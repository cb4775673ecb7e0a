/**
 * Reviews files: reads each, has it reviewed, and keeps the order. Guarantees: every file has a report;
 * one that could not be read or reviewed says why; the whole ends by its deadline, and what was not done
 * by then is said to be not done.
 *
 * @module
 */

import { resolve } from "@std/path";
import { NotReadable, readRegularFile } from "../../server/builtin/reviewer/regular_file.ts";
import type { Severity } from "../../server/builtin/reviewer/result.ts";
import { decodeSource, MAX_FILE_BYTES } from "../../server/builtin/reviewer/source.ts";
import { readAnswer } from "./answer.ts";
import { type FileReport, notReviewed, type Report } from "./report.ts";
import type { ReviewerLink } from "./reviewer_link.ts";

/** Files in work at once; also bounds how many are in memory. */
const CONCURRENCY = 8;

/** Options of {@linkcode reviewFiles}. */
export interface RunOptions {
  link: Pick<ReviewerLink, "review">;
  /** Folder that relative paths are taken from. */
  cwd: string;
  failOn: Severity;
  /** Milliseconds for everything. */
  deadlineMs: number;
}

/** Reviews `paths`; one that is given twice is reviewed once. */
export async function reviewFiles(
  paths: readonly string[],
  { link, cwd, failOn, deadlineMs }: RunOptions,
): Promise<Report> {
  const files = [...new Set(paths)];
  const reports: FileReport[] = [];
  let rulesVersion: string | null = null;
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), deadlineMs);

  const reviewOne = async (path: string): Promise<FileReport> => {
    const tooLate = () => notReviewed(path, `not done within ${deadlineMs / 1_000} s`);
    if (deadline.signal.aborted) return tooLate();
    const source = await readSource(path, cwd);
    if ("skipped" in source) return notReviewed(path, source.skipped);
    try {
      const args = { path, content: source.text };
      const answer = readAnswer(await link.review(args, deadline.signal));
      if ("problem" in answer) return notReviewed(path, answer.problem);
      const { rulesVersion: version, ...report } = answer;
      rulesVersion = version;
      return { ...report, path };
    } catch (error) {
      if (deadline.signal.aborted) return tooLate();
      return notReviewed(path, error instanceof Error ? error.message : String(error));
    }
  };

  let next = 0;
  const worker = async () => {
    for (let at = next++; at < files.length; at = next++) reports[at] = await reviewOne(files[at]);
  };
  try {
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, files.length) }, worker));
  } finally {
    clearTimeout(timer);
  }
  return { files: reports, failOn, rulesVersion };
}

async function readSource(path: string, cwd: string) {
  try {
    const options = { limit: MAX_FILE_BYTES + 1, shownAs: path };
    return decodeSource(await readRegularFile(resolve(cwd, path), options));
  } catch (error) {
    if (error instanceof NotReadable) return { skipped: error.reason };
    throw error;
  }
}
