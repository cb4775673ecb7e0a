/**
 * A report as JSON, for programs. `docs/review.md` describes it.
 *
 * @module
 */

import { VERSION } from "../../protocol/version.ts";
import { type Report, summarize } from "./report.ts";

/** One JSON text, indented. */
export function formatJson(report: Report): string {
  const { files, failOn, rulesVersion } = report;
  const summary = summarize(report);
  return JSON.stringify({ version: VERSION, rulesVersion, failOn, summary, files }, null, 2) + "\n";
}
