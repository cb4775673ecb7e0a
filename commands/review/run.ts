/**
 * Reviews files: reads each, has it reviewed, and keeps the order. Guarantees: every file has a report;
 * one that could not be read or reviewed says why; the whole ends by its deadline, and what was not done
 * by then is said to be not done.
 *
 * @module
 */

import type { Severity } from "../../server/builtin/reviewer/result.ts";
import { NotReadable } from "../../server/builtin/reviewer/regular_file.ts";
import { readAnswer } from "./answer.ts";
import { touches } from "./changes.ts";
import type { OnDone } from "./progress.ts";
import { BINARY, type FileReport, notReviewed, ONLY_SECRETS, type Report } from "./report.ts";
import type { ReviewerLink } from "./reviewer_link.ts";
import type { RuleFilter } from "./rule_filter.ts";
import { applySuppressions, UNEXPLAINED } from "./suppressions.ts";
import type { Target } from "./targets.ts";

/** Files in work at once; also bounds how many are in memory. */
const CONCURRENCY = 8;

/** Options of {@linkcode reviewFiles}. */
export interface RunOptions {
  link: Pick<ReviewerLink, "review">;
  failOn: Severity;
  /** Which rules count. Default all. */
  counts?: RuleFilter;
  /** Milliseconds for everything. */
  deadlineMs: number;
  onDone?: OnDone;
}

/** Reviews the targets. */
export async function reviewFiles(
  targets: readonly Target[],
  { link, failOn, counts = () => true, deadlineMs, onDone }: RunOptions,
): Promise<Report> {
  const reports: (FileReport | undefined)[] = [];
  let rulesVersion: string | null = null;
  let unchanged = 0;
  let done = 0;
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), deadlineMs);

  const reviewOne = async (target: Target): Promise<FileReport | undefined> => {
    const { path, isNamed, lines } = target;
    const failed = (reason: string) => notReviewed(path, { status: "failed", reason });
    const tooLate = () => failed(`not done within ${deadlineMs / 1_000} s`);
    if (deadline.signal.aborted) return tooLate();
    try {
      const source = await target.read();
      if ("skipped" in source) {
        // Nobody asked for a picture that happens to lie in the folder.
        return !isNamed && source.skipped === BINARY
          ? undefined
          : notReviewed(path, { status: "skipped", reason: source.skipped });
      }
      const args = { path, content: source.text };
      const answer = readAnswer(await link.review(args, deadline.signal));
      if ("problem" in answer) return failed(answer.problem);
      const { rulesVersion: version, findings: all, skipped, status, ...facts } = answer;
      rulesVersion = version;
      const { findings, suppressed } = applySuppressions(all, source.text);
      const counting = findings.filter(({ rule }) => rule === UNEXPLAINED || counts(rule));
      const onLines = lines === undefined
        ? counting
        : counting.filter(({ line, endLine }) => touches(lines, line, endLine));
      unchanged += counting.length - onLines.length;
      // A text in no language that has rules was looked at as a whole; who named it is told all the same.
      const isWhole = skipped === undefined || (!isNamed && skipped === ONLY_SECRETS);
      return {
        ...facts,
        path,
        status: isWhole ? "complete" : status,
        findings: onLines,
        ...(suppressed.length === 0 ? {} : { suppressed }),
        ...(isWhole ? {} : { skipped }),
        ...(isWhole && skipped !== undefined ? { onlySecrets: true as const } : {}),
      };
    } catch (error) {
      if (deadline.signal.aborted) return tooLate();
      if (error instanceof NotReadable) return failed(error.reason);
      return failed(error instanceof Error ? error.message : String(error));
    }
  };

  let next = 0;
  const worker = async () => {
    for (let at = next++; at < targets.length; at = next++) {
      reports[at] = await reviewOne(targets[at]);
      onDone?.(++done, targets.length);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, targets.length) }, worker));
  } finally {
    clearTimeout(timer);
  }
  const files = reports.filter((report) => report !== undefined);
  return { files, failOn, rulesVersion, binary: reports.length - files.length, unchanged };
}
