/**
 * The answer of `review_file`, checked before anything relies on it: a server of another version, or
 * another server under the name, must not be able to make a review look clean.
 *
 * @module
 */

import { type CallToolResult } from "../../client/mod.ts";
import {
  type Finding,
  type ReviewResult,
  SEVERITIES,
} from "../../server/builtin/reviewer/result.ts";

/**
 * The answer as a review, or why it is none. Only the known fields are kept, in their order, so that the
 * same review is printed the same whoever gave it.
 */
export function readAnswer(answer: CallToolResult): ReviewResult | { problem: string } {
  if (answer.isError) {
    const [first] = answer.content;
    return { problem: first?.text ?? "the reviewer failed and did not say why" };
  }
  const value: unknown = answer.structuredContent;
  if (!isReviewResult(value)) {
    return { problem: "the server named reviewer did not answer as a reviewer does" };
  }
  const { path, language, findings, skipped, rulesVersion } = value;
  return {
    path,
    language,
    findings: findings.map(known),
    ...(skipped === undefined ? {} : { skipped }),
    rulesVersion,
  };
}

function known(finding: Finding): Finding {
  const { rule, severity, line, column, endLine, endColumn } = finding;
  const { message, excerpt, cwe, remedy } = finding;
  return { rule, severity, line, column, endLine, endColumn, message, excerpt, cwe, remedy };
}

function isReviewResult(value: unknown): value is ReviewResult {
  return isRecord(value) && typeof value.path === "string" && typeof value.language === "string" &&
    typeof value.rulesVersion === "string" &&
    (value.skipped === undefined || typeof value.skipped === "string") &&
    Array.isArray(value.findings) && value.findings.every(isFinding);
}

const TEXTS = ["rule", "message", "excerpt", "cwe", "remedy"] as const;
const PLACES = ["line", "column", "endLine", "endColumn"] as const;

function isFinding(value: unknown): value is Finding {
  return isRecord(value) &&
    (SEVERITIES as readonly unknown[]).includes(value.severity) &&
    TEXTS.every((key) => typeof value[key] === "string") &&
    PLACES.every((key) => Number.isSafeInteger(value[key]) && (value[key] as number) > 0);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
