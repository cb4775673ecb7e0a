/**
 * The answer of `review_file`, checked before anything relies on it: a server of another version, or
 * another server under the name, must not be able to make a review look clean.
 *
 * @module
 */

import { type CallToolResult } from "../../client/mod.ts";
import { isObject } from "../../protocol/json.ts";
import {
  type Finding,
  REVIEW_STATUSES,
  type ReviewResult,
  type ReviewStatus,
  SEVERITIES,
} from "../../server/builtin/reviewer/result.ts";

/** A review that says how much of the file was reviewed, and with it why not all of it was. */
export interface Answer extends ReviewResult {
  status: ReviewStatus;
}

/**
 * The answer as a review, or why it is none. Only the known fields are kept, in their order, so that the
 * same review is printed the same whoever gave it.
 */
export function readAnswer(answer: CallToolResult): Answer | { problem: string } {
  if (answer.isError) {
    const [first] = answer.content;
    return { problem: first?.text ?? "the reviewer failed and did not say why" };
  }
  const value: unknown = answer.structuredContent;
  if (!isReviewResult(value)) {
    return { problem: "the server named reviewer did not answer as a reviewer does" };
  }
  const { path, language, findings, rulesVersion } = value;
  const { status, skipped } = completeness(value);
  return {
    path,
    language,
    status,
    findings: findings.map(known),
    ...(skipped === undefined ? {} : { skipped }),
    rulesVersion,
  };
}

/** Only who says nothing else is complete: a reason or a status alone is enough for a doubt. */
function completeness(
  { status = "complete", skipped }: ReviewResult,
): Pick<Answer, "status" | "skipped"> {
  if (status === "complete") {
    return skipped === undefined ? { status } : { status: "degraded", skipped };
  }
  return { status, skipped: skipped ?? "the reviewer did not say why" };
}

function known(finding: Finding): Finding {
  const { rule, severity, line, column, endLine, endColumn } = finding;
  const { message, excerpt, cwe, owasp, remedy } = finding;
  return {
    ...{ rule, severity, line, column, endLine, endColumn, message, excerpt, cwe },
    ...(owasp === undefined ? {} : { owasp }),
    remedy,
  };
}

function isReviewResult(value: unknown): value is ReviewResult {
  return isObject(value) && typeof value.path === "string" && typeof value.language === "string" &&
    typeof value.rulesVersion === "string" &&
    (value.skipped === undefined || typeof value.skipped === "string") &&
    (value.status === undefined ||
      (REVIEW_STATUSES as readonly unknown[]).includes(value.status)) &&
    Array.isArray(value.findings) && value.findings.every(isFinding);
}

const TEXTS = ["rule", "message", "excerpt", "cwe", "remedy"] as const;
const PLACES = ["line", "column", "endLine", "endColumn"] as const;

function isFinding(value: unknown): value is Finding {
  return isObject(value) &&
    (SEVERITIES as readonly unknown[]).includes(value.severity) &&
    TEXTS.every((key) => typeof value[key] === "string") &&
    (value.owasp === undefined || typeof value.owasp === "string") &&
    PLACES.every((key) => Number.isSafeInteger(value[key]) && (value[key] as number) > 0);
}
