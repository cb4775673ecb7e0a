/**
 * The inputs and outputs of the tools, for clients.
 *
 * @module
 */

// By its namespace: a bundle leaves out what is not used of it, two thirds.
import * as z from "zod";
import { LANGUAGE_NAMES } from "./language.ts";
import type { ProjectFile, ProjectResult } from "./project.ts";
import {
  type Finding,
  REVIEW_STATUSES,
  type ReviewResult,
  SEVERITIES,
  type Severity,
} from "./result.ts";

const place = z.number().int().min(1);
const count = z.number().int().min(0);

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

const reviewed = {
  path: z.string(),
  language: z.string(),
  status: z.enum(REVIEW_STATUSES).optional().describe(
    "complete; degraded: not all of it was reviewed; skipped or failed: none of it. See skipped.",
  ),
  findings: z.array(findingSchema).describe("By line, column and rule."),
  skipped: z.string().optional().describe(
    "Why the file, or a part of it, was not reviewed. Absent when all of it was.",
  ),
};

const rulesVersion = z.string().describe("Changes whenever a rule changes.");

/** Answer of `review_file`. */
export const resultSchema: z.ZodType<ReviewResult> = z.object({ ...reviewed, rulesVersion });

const fileSchema: z.ZodType<ProjectFile> = z.object(reviewed);

const findingsSchema: z.ZodType<Record<Severity, number>> = z.object({
  critical: count,
  high: count,
  medium: count,
  low: count,
  info: count,
});

/** Answer of `review_project`. */
export const projectSchema: z.ZodType<ProjectResult> = z.object({
  root: z.string(),
  files: z.array(fileSchema).describe(
    "Files with findings, and every file that was not reviewed or not all of it.",
  ),
  summary: z.object({
    files: count,
    reviewed: count.describe("Files of which everything was reviewed."),
    notReviewed: count.describe("Skipped, failed or degraded."),
    otherFiles: count.describe("Files of other kinds, not looked at."),
    foldersLeftOut: count.describe("Such as node_modules and hidden folders."),
    findings: findingsSchema,
  }),
  incomplete: z.string().optional().describe("Why this is not everything; absent when it is."),
  rulesVersion,
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
    "Path of a file to read: absolute, or from the project where there is one. With content, only " +
      "the name to show and to take the language from.",
  ),
  content: z.string().optional().describe("The text to review. Nothing is read then."),
  language: z.string().max(40).optional().describe(
    `${LANGUAGE_NAMES.join(", ")}. Default: from the path, else from the first line.`,
  ),
});

/** Arguments of `review_project`. */
export const projectInputSchema: z.ZodType<{ path?: string }> = z.object({
  path: z.string().min(1).max(4_096).optional().describe(
    "Folder: absolute, or from the project. Default: the project.",
  ),
});

/** Arguments of `list_rules`. */
export const listInputSchema: z.ZodType<{ language?: string }> = z.object({
  language: z.string().max(40).optional().describe(
    `Only rules that look at this language: ${LANGUAGE_NAMES.join(", ")}.`,
  ),
});

/** A rule in a list. */
export interface RuleOutline {
  id: string;
  title: string;
  severity: Severity;
  /** Names, or `any`. */
  languages: string[];
  cwe: string;
  owasp: string;
}

const outline = {
  id: z.string(),
  title: z.string(),
  severity: z.enum(SEVERITIES),
  languages: z.array(z.string()).describe("Names, or any for every text file."),
  cwe: z.string(),
  owasp: z.string(),
};

/** Answer of `list_rules`. */
export const rulesSchema: z.ZodType<{ rules: RuleOutline[]; rulesVersion: string }> = z.object({
  rules: z.array(z.object(outline)),
  rulesVersion,
});

/** Arguments of `explain_rule`. */
export const explainInputSchema: z.ZodType<{ rule: string }> = z.object({
  rule: z.string().min(1).max(100).describe("Id of a rule, as in a finding."),
});

/** Everything about a rule. */
export interface RuleExplained extends RuleOutline {
  message: string;
  remedy: string;
  examples: { bad: string[]; good: string[] };
}

/** Answer of `explain_rule`. */
export const ruleSchema: z.ZodType<RuleExplained> = z.object({
  ...outline,
  message: z.string().describe("What is wrong."),
  remedy: z.string().describe("What to do instead."),
  examples: z.object({
    bad: z.array(z.string()).describe("Each is found."),
    good: z.array(z.string()).describe("None is found."),
  }),
});
