/**
 * A report as workflow commands of GitHub Actions, which shows each as an annotation of the file, and one
 * plain line of numbers.
 *
 * Source: GitHub Docs, "Workflow commands for GitHub Actions", "Setting an error message".
 *
 * @module
 */

import type { Severity } from "../../server/builtin/reviewer/result.ts";
import { asidesOf, type Report, summarize } from "./report.ts";

const COMMANDS: Record<Severity, string> = {
  critical: "error",
  high: "error",
  medium: "warning",
  low: "notice",
  info: "notice",
};

/** One line a finding, one line a file that was not reviewed, one line of numbers. */
export function formatGithub(report: Report): string {
  const lines: string[] = [];
  for (const { path, findings, skipped } of report.files) {
    const file = repositoryPath(path);
    for (const { severity, line, column, endLine, rule, cwe, message, remedy } of findings) {
      const title = `${rule} (${severity}, ${cwe})`;
      const properties = { file, line, endLine, col: column, title };
      lines.push(command(COMMANDS[severity], properties, `${message} ${remedy}`));
    }
    if (skipped !== undefined) {
      lines.push(command("error", { file, title: "not reviewed, or not all of it" }, skipped));
    }
  }
  const summary = summarize(report);
  const { files, reviewed, failed, findings, failing } = summary;
  const asides = asidesOf(summary);
  const found = `${findings.total} finding${findings.total === 1 ? "" : "s"}`;
  lines.push(
    `aichaku review: ${found}, ${failing} of them ${report.failOn} or worse; ` +
      `${reviewed} of ${files} files reviewed` + (failed === 0 ? "" : `, ${failed} failed`) +
      (asides.length === 0 ? "" : ` (${asides.join(", ")})`),
  );
  return lines.join("\n") + "\n";
}

/** GitHub compares paths with those of the repository, which have forward slashes. */
function repositoryPath(path: string): string {
  return Deno.build.os === "windows" ? path.replaceAll("\\", "/") : path;
}

function command(
  name: string,
  properties: Record<string, string | number>,
  message: string,
): string {
  const pairs = Object.entries(properties).map(([key, value]) => `${key}=${property(`${value}`)}`);
  return `::${name} ${pairs.join(",")}::${data(message)}`;
}

function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
