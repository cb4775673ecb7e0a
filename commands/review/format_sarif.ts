/**
 * A report as SARIF 2.1.0, which code hosts and editors import.
 *
 * Source: OASIS Static Analysis Results Interchange Format (SARIF) Version 2.1.0.
 *
 * @module
 */

import { isAbsolute, toFileUrl } from "@std/path";
import { VERSION } from "../../protocol/version.ts";
import type { Finding, Severity } from "../../server/builtin/reviewer/result.ts";
import { type FileReport, type Report, summarize } from "./report.ts";

const LEVELS: Record<Severity, "error" | "warning" | "note"> = {
  critical: "error",
  high: "error",
  medium: "warning",
  low: "note",
  info: "note",
};

/** GitHub code scanning sorts by this number: over 9.0 critical, 7.0 high, 4.0 medium, else low. */
const SECURITY_SEVERITY: Record<Severity, string> = {
  critical: "9.5",
  high: "8.0",
  medium: "5.5",
  low: "3.0",
  info: "1.0",
};

/** One SARIF log with one run, indented. */
export function formatSarif(report: Report): string {
  const rules = [...rulesOf(report.files).values()];
  const indexes = new Map(rules.map(({ rule }, index) => [rule, index]));
  const log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{
      tool: {
        driver: {
          name: "aichaku",
          semanticVersion: VERSION,
          ...(report.rulesVersion === null
            ? {}
            : { properties: { rulesVersion: report.rulesVersion } }),
          rules: rules.map(ruleDescriptor),
        },
      },
      columnKind: "utf16CodeUnits",
      invocations: [{
        executionSuccessful: summarize(report).notReviewed === 0,
        toolExecutionNotifications: report.files.flatMap(notification),
      }],
      results: report.files.flatMap(({ path, findings, suppressed = [] }) => [
        ...findings.map((finding) => result(path, finding, indexes.get(finding.rule))),
        ...suppressed.map((finding) => ({
          ...result(path, finding, indexes.get(finding.rule)),
          suppressions: [{ kind: "inSource", justification: finding.reason }],
        })),
      ]),
    }],
  };
  return JSON.stringify(log, null, 2) + "\n";
}

/** A finding of each rule, by the rule's id, in the order of the ids. */
function rulesOf(files: readonly FileReport[]): Map<string, Finding> {
  const all: Finding[] = files.flatMap(({ findings, suppressed = [] }) => [
    ...findings,
    ...suppressed,
  ]);
  all.sort((a, b) => a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : 0);
  return new Map(all.map((finding) => [finding.rule, finding]));
}

function ruleDescriptor({ rule, message, remedy, severity, cwe }: Finding) {
  return {
    id: rule,
    shortDescription: { text: message },
    help: { text: `${message} ${remedy}` },
    defaultConfiguration: { level: LEVELS[severity] },
    properties: {
      "security-severity": SECURITY_SEVERITY[severity],
      tags: ["security", `external/cwe/${cwe.toLowerCase()}`],
    },
  };
}

function result(path: string, finding: Finding, ruleIndex: number | undefined) {
  const { rule, severity, line, column, endLine, endColumn, message, excerpt, remedy } = finding;
  return {
    ruleId: rule,
    ruleIndex,
    level: LEVELS[severity],
    message: { text: `${message} ${remedy}` },
    locations: [{
      physicalLocation: {
        artifactLocation: { uri: uriOf(path) },
        region: {
          startLine: line,
          startColumn: column,
          endLine,
          endColumn,
          // The excerpt, not the line: it has its secrets masked.
          snippet: { text: excerpt },
        },
      },
    }],
    properties: { severity },
  };
}

function notification({ path, skipped, onlySecrets }: FileReport) {
  if (skipped === undefined && !onlySecrets) return [];
  return [{
    level: skipped === undefined ? "note" : "error",
    message: {
      text: skipped === undefined
        ? "No language with rules: looked at for secrets only"
        : `Not reviewed, or not all of it: ${skipped}`,
    },
    locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(path) } } }],
  }];
}

/** A path as a URI: relative where the path is, `file:` otherwise. */
export function uriOf(path: string): string {
  if (isAbsolute(path)) return toFileUrl(path).href;
  const segments = Deno.build.os === "windows" ? path.split(/[\\/]/) : path.split("/");
  // A leading "./" says nothing, and code hosts compare texts.
  return segments.filter((segment) => segment !== "." && segment !== "")
    .map((segment) => encodeURIComponent(segment.toWellFormed())).join("/");
}
