/**
 * The formats a report can be printed in, by name.
 *
 * @module
 */

import { formatGithub } from "./format_github.ts";
import { formatJson } from "./format_json.ts";
import { formatPretty } from "./format_pretty.ts";
import { formatSarif } from "./format_sarif.ts";
import type { Report } from "./report.ts";

/** What a format may depend on beside the report. */
export interface FormatOptions {
  /** No colours. */
  noColor: boolean;
}

/** The whole output, with its last line end. */
export type Format = (report: Report, options: FormatOptions) => string;

export const FORMATS: Readonly<Record<string, Format>> = {
  pretty: formatPretty,
  json: formatJson,
  sarif: formatSarif,
  github: formatGithub,
};
