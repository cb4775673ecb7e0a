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
  /** What to do instead. */
  remedy: string;
}

/** The review of one file. */
export interface ReviewResult {
  /** Name of the file as it was given; `-` when there was none. */
  path: string;
  /** `typescript`, `javascript`, `python`, or `unknown`. */
  language: string;
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
