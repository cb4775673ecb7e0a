/**
 * A report for a person. Nothing in it that comes from a file can move the cursor, change colours or
 * reorder letters: such characters are shown as escapes.
 *
 * @module
 */

import type { Finding, Severity } from "../../server/builtin/reviewer/result.ts";
import { SEVERITIES } from "../../server/builtin/reviewer/result.ts";
import type { FormatOptions } from "./format.ts";
import { asidesOf, count, type Report, summarize, type Summary } from "./report.ts";

type Style = (code: string, text: string) => string;

const COLORS: Record<Severity, string> = {
  critical: "1;31",
  high: "31",
  medium: "33",
  low: "36",
  info: "2",
};

/** The findings file by file, what was not reviewed, and one line of numbers. */
export function formatPretty(report: Report, { noColor }: FormatOptions): string {
  const style: Style = (code, text) => noColor ? text : `\x1b[${code}m${text}\x1b[0m`;
  const blocks: string[] = [];
  for (const { path, findings } of report.files) {
    if (findings.length === 0) continue;
    const lines = findings.map((finding) => findingLines(finding, style));
    blocks.push([style("1", visible(path)), ...lines].join("\n"));
  }
  const skipped = report.files.filter((file) => file.skipped !== undefined);
  if (skipped.length > 0) {
    const lines = skipped.map(({ path, skipped }) =>
      `  ${visible(path)}  ${visible(skipped ?? "")}`
    );
    blocks.push([style("1;33", "Not reviewed, or not all of it:"), ...lines].join("\n"));
  }
  blocks.push(summaryLine(summarize(report), style));
  return blocks.join("\n\n") + "\n";
}

function findingLines(finding: Finding, style: Style): string {
  const { line, column, severity, rule, cwe, message, excerpt, remedy } = finding;
  const place = `${line}:${column}`.padEnd(8);
  const level = style(COLORS[severity], severity.padEnd(8));
  return [
    `  ${place}  ${level}  ${visible(message)}  ${style("2", `${visible(rule)} ${visible(cwe)}`)}`,
    `            ${style("2", visible(excerpt))}`,
    `            ${visible(remedy)}`,
  ].join("\n");
}

function summaryLine(summary: Summary, style: Style): string {
  const { files, filesWithFindings, notReviewed, failed, findings } = summary;
  const asides = asidesOf(summary);
  const rest = (notReviewed === 0 ? "" : style(
    "33",
    `; ${count(notReviewed, "file")} not reviewed, or not all of it${
      failed === 0 ? "" : ` (${failed} failed)`
    }`,
  )) +
    (asides.length === 0 ? "" : style("2", ` (${asides.join(", ")})`));
  if (findings.total === 0) {
    const clean = `No findings in ${count(files, "file")}`;
    return (notReviewed === 0 ? style("32", clean) : clean) + rest;
  }
  const bySeverity = SEVERITIES.filter((level) => findings[level] > 0)
    .map((level) => `${findings[level]} ${level}`).join(", ");
  return `${count(findings.total, "finding")} (${bySeverity}) in ` +
    `${filesWithFindings} of ${count(files, "file")}${rest}`;
}

/** Control characters, and those that change the direction of text, as `\u{…}`. */
export function visible(text: string): string {
  return text.replace(
    // deno-lint-ignore no-control-regex
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g,
    (char) => char === "\t" ? " " : `\\u{${char.charCodeAt(0).toString(16)}}`,
  );
}
