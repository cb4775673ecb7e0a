/**
 * What a review of several files comes to, before it is printed in some format: plain data, in the order
 * the files were given, and the one place that counts it.
 *
 * @module
 */

import {
  atLeast,
  type Finding,
  type ReviewResult,
  SEVERITIES,
  type Severity,
} from "../../server/builtin/reviewer/result.ts";

/** The review of one file. With `skipped`, it was not reviewed, or not all of it. */
export type FileReport = Omit<ReviewResult, "rulesVersion">;

/** The review of all files. */
export interface Report {
  /** In the order they were given. */
  files: readonly FileReport[];
  /** Findings of this severity or worse fail the review. */
  failOn: Severity;
  /** Of the reviewer that answered; null when none did. */
  rulesVersion: string | null;
}

/** The numbers of a report. */
export interface Summary {
  files: number;
  /** Files of which everything was reviewed. */
  reviewed: number;
  notReviewed: number;
  filesWithFindings: number;
  findings: Record<Severity, number> & { total: number };
  /** Findings at or above the level that fails the review. */
  failing: number;
}

/** Exit codes of `aichaku review`, beside 2 for wrong usage. */
export const REVIEW_EXIT = {
  /** Everything was reviewed, and nothing found at or above the level. */
  clean: 0,
  /** Something was found at or above the level, whether or not everything was reviewed. */
  findings: 1,
  /** Not everything was reviewed, and nothing found at or above the level in the rest. */
  incomplete: 4,
} as const;

/** A file without a review. */
export function notReviewed(path: string, reason: string): FileReport {
  return { path, language: "unknown", findings: [], skipped: reason };
}

/** Counts. */
export function summarize({ files, failOn }: Report): Summary {
  const all = files.flatMap(({ findings }) => findings);
  const count = (test: (finding: Finding) => boolean) => all.filter(test).length;
  const notReviewed = files.filter(({ skipped }) => skipped !== undefined).length;
  const bySeverity = SEVERITIES.map((level) => [level, count((f) => f.severity === level)]);
  return {
    files: files.length,
    reviewed: files.length - notReviewed,
    notReviewed,
    filesWithFindings: files.filter(({ findings }) => findings.length > 0).length,
    findings: { ...Object.fromEntries(bySeverity), total: all.length },
    failing: count(({ severity }) => atLeast(severity, failOn)),
  };
}

/** The exit code a report calls for. */
export function exitCodeOf(report: Report): number {
  const { failing, notReviewed } = summarize(report);
  if (failing > 0) return REVIEW_EXIT.findings;
  return notReviewed > 0 ? REVIEW_EXIT.incomplete : REVIEW_EXIT.clean;
}
