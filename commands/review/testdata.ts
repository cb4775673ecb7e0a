/**
 * Findings and reports for the tests of this folder.
 *
 * @module
 */

import type { Finding } from "../../server/builtin/reviewer/result.ts";
import type { FileReport, Report } from "./report.ts";

export function finding(changes: Partial<Finding> = {}): Finding {
  return {
    rule: "js-eval",
    severity: "high",
    line: 3,
    column: 5,
    endLine: 3,
    endColumn: 10,
    message: "eval runs text.",
    excerpt: "x = eval(y);",
    cwe: "CWE-95",
    remedy: "Use JSON.parse.",
    ...changes,
  };
}

export function file(path: string, changes: Partial<FileReport> = {}): FileReport {
  const status = changes.skipped === undefined ? "complete" : "degraded";
  return { path, language: "typescript", status, findings: [], ...changes };
}

export function report(files: FileReport[], changes: Partial<Report> = {}): Report {
  return {
    files,
    failOn: "high",
    rulesVersion: "0123456789ab",
    binary: 0,
    unchanged: 0,
    ...changes,
  };
}
