/**
 * What a review says: the shape of the answer of `review_file`. Plain types without dependencies, so
 * that a command that prints results loads nothing else.
 *
 * @module
 */

/** From the worst to the mildest. */
export const SEVERITIES = ["critical", "high", "medium", "low", "info"] as const;

export type Severity = (typeof SEVERITIES)[number];

/** Whether `severity` is `level` or worse. */
export function atLeast(severity: Severity, level: Severity): boolean {
  return SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(level);
}

/** One thing found. Lines and columns count from 1, columns in UTF-16 units. */
export interface Finding {
  /** Id of the rule. */
  rule: string;
  severity: Severity;
  line: number;
  column: number;
  endLine: number;
  /** Column after the last unit. */
  endColumn: number;
  /** What is wrong. */
  message: string;
  /** The line where it begins, shortened to 160 units; secrets are masked. */
  excerpt: string;
  /** `CWE-` and a number. */
  cwe: string;
  /** Category of the OWASP Top Ten of 2021, as `A03:2021`. Absent from reviewers before 0.2. */
  owasp?: string;
  /** What to do instead. */
  remedy: string;
}

/**
 * How much of a file was reviewed: all of it; not all of it (a part that could not be parsed, too many
 * findings, a language that is only searched for secrets); nothing, because of what it is; nothing,
 * because the review failed or took too long.
 */
export const REVIEW_STATUSES = ["complete", "degraded", "skipped", "failed"] as const;

export type ReviewStatus = (typeof REVIEW_STATUSES)[number];

/** The review of one file. */
export interface ReviewResult {
  /** Name of the file as it was given; `-` when there was none. */
  path: string;
  /** `typescript`, `javascript`, `python`, or `unknown`. */
  language: string;
  /** Absent from reviewers before 0.2; then it is told by `skipped` alone. */
  status?: ReviewStatus;
  /** By line, column and rule. The same text always gives the same list. */
  findings: Finding[];
  /**
   * Why the file was not reviewed, or not all of it. Absent when all of it was: only then does an empty
   * list of findings mean that no rule matched.
   */
  skipped?: string;
  /** Changes whenever a rule changes. */
  rulesVersion: string;
}
