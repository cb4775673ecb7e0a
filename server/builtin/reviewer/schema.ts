/**
 * The input and output of `review_file`, for clients.
 *
 * @module
 */

import { z } from "zod";
import { LANGUAGE_NAMES } from "./language.ts";
import { type Finding, REVIEW_STATUSES, type ReviewResult, SEVERITIES } from "./result.ts";

const place = z.number().int().min(1);

const findingSchema: z.ZodType<Finding> = z.object({
  rule: z.string().describe("Id of the rule."),
  severity: z.enum(SEVERITIES),
  line: place,
  column: place.describe("In UTF-16 units."),
  endLine: place,
  endColumn: place.describe("After the last unit."),
  message: z.string().describe("What is wrong."),
  excerpt: z.string().describe("The line where it begins; secrets are masked."),
  cwe: z.string().describe("Common Weakness Enumeration."),
  owasp: z.string().optional().describe("Category of the OWASP Top Ten of 2021."),
  remedy: z.string().describe("What to do instead."),
});

/** Answer of `review_file`. */
export const resultSchema: z.ZodType<ReviewResult> = z.object({
  path: z.string(),
  language: z.string(),
  status: z.enum(REVIEW_STATUSES).optional().describe(
    "complete; degraded: not all of it was reviewed; skipped or failed: none of it. See skipped.",
  ),
  findings: z.array(findingSchema).describe("By line, column and rule."),
  skipped: z.string().optional().describe(
    "Why the file, or a part of it, was not reviewed. Absent when all of it was.",
  ),
  rulesVersion: z.string().describe("Changes whenever a rule changes."),
});

/** Arguments of `review_file`. */
export interface ReviewArguments {
  path?: string;
  content?: string;
  language?: string;
}

/** The schema of {@linkcode ReviewArguments}. */
export const inputSchema: z.ZodType<ReviewArguments> = z.object({
  path: z.string().min(1).max(4_096).optional().describe(
    "Absolute path of a file to read; with content, only the name to show and to take the language from.",
  ),
  content: z.string().optional().describe("The text to review. Nothing is read then."),
  language: z.string().max(40).optional().describe(
    `${LANGUAGE_NAMES.join(", ")}. Default: from the path, else from the first line.`,
  ),
});
