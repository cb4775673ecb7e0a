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
  type ReviewStatus,
  SEVERITIES,
  type Severity,
} from "../../server/builtin/reviewer/result.ts";
import type { Suppressed } from "./suppressions.ts";

/** The review of one file. With a status other than `complete`, `skipped` says why. */
export interface FileReport extends Omit<ReviewResult, "rulesVersion"> {
  status: ReviewStatus;
  /** Findings that a comment in the file takes out, with the reason it gives. */
  suppressed?: Suppressed[];
  /** It is in no language that has rules, and was looked at for secrets; nobody had named it. */
  onlySecrets?: true;
}

/** What the reviewer says of a text in no language that has rules. */
export const ONLY_SECRETS = "unsupported language: only secrets were looked for";
/** What is said of a file that is no text. */
export const BINARY = "a binary file (it has a NUL byte)";

/** The review of all files. */
export interface Report {
  /** In the order they were given. */
  files: readonly FileReport[];
  /** Findings of this severity or worse fail the review. */
  failOn: Severity;
  /** Of the reviewer that answered; null when none did. */
  rulesVersion: string | null;
  /** Binary files that were found in folders, and left out. */
  binary: number;
  /** Findings on lines that did not change, and are left out. */
  unchanged: number;
}

/** The numbers of a report. */
export interface Summary {
  files: number;
  /** Files of which everything was reviewed. */
  reviewed: number;
  /** All others: the sum of the next three. */
  notReviewed: number;
  /** Files of which a part was not reviewed. */
  degraded: number;
  /** Files that cannot be reviewed, because of what they are. */
  skipped: number;
  /** Files that could not be read, or whose review failed or took too long. */
  failed: number;
  /** Of the reviewed ones, those that were only looked at for secrets. */
  onlySecrets: number;
  /** Binary files that were found and left out; not among `files`. */
  binary: number;
  filesWithFindings: number;
  findings: Record<Severity, number> & { total: number };
  /** Findings at or above the level that fails the review. */
  failing: number;
  /** Findings that comments in the files take out. */
  suppressed: number;
  /** Findings on lines that did not change. */
  unchanged: number;
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
export function notReviewed(
  path: string,
  { status, reason }: { status: "skipped" | "failed"; reason: string },
): FileReport {
  return { path, language: "unknown", status, findings: [], skipped: reason };
}

/** Counts. */
export function summarize({ files, failOn, binary, unchanged }: Report): Summary {
  const all = files.flatMap(({ findings }) => findings);
  const those = (test: (finding: Finding) => boolean) => all.filter(test).length;
  const inStatus = (wanted: ReviewStatus) => files.filter(({ status }) => status === wanted).length;
  const reviewed = inStatus("complete");
  const bySeverity = SEVERITIES.map((level) => [level, those((f) => f.severity === level)]);
  return {
    files: files.length,
    reviewed,
    notReviewed: files.length - reviewed,
    degraded: inStatus("degraded"),
    skipped: inStatus("skipped"),
    failed: inStatus("failed"),
    onlySecrets: files.filter(({ onlySecrets }) => onlySecrets).length,
    binary,
    filesWithFindings: files.filter(({ findings }) => findings.length > 0).length,
    findings: { ...Object.fromEntries(bySeverity), total: all.length },
    failing: those(({ severity }) => atLeast(severity, failOn)),
    suppressed: files.reduce((sum, { suppressed }) => sum + (suppressed?.length ?? 0), 0),
    unchanged,
  };
}

/** The exit code a report calls for. */
export function exitCodeOf(report: Report): number {
  const { failing, notReviewed } = summarize(report);
  if (failing > 0) return REVIEW_EXIT.findings;
  return notReviewed > 0 ? REVIEW_EXIT.incomplete : REVIEW_EXIT.clean;
}

/** What is not among the findings, or not among the files, and why. */
export function asidesOf({ onlySecrets, binary, suppressed, unchanged }: Summary): string[] {
  return [
    onlySecrets === 0 ? "" : `${count(onlySecrets, "file")} looked at for secrets only`,
    binary === 0 ? "" : `${count(binary, "binary file")} left out`,
    suppressed === 0 ? "" : `${count(suppressed, "finding")} suppressed`,
    unchanged === 0 ? "" : `${count(unchanged, "finding")} on unchanged lines left out`,
  ].filter((text) => text !== "");
}

/** `1 file`, `2 files`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
