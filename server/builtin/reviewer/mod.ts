/**
 * The server `reviewer`: reviews source files by rules. It runs nothing of what it reads, and reads only
 * files inside the folders it was given.
 *
 * @module
 */

import { realpath } from "node:fs/promises";
import { type CallToolResult, McpServer, type ServerContext } from "@modelcontextprotocol/server";
import { isAbsolute, join } from "@std/path";
import { VERSION } from "../../../protocol/version.ts";
import { type AllowedRoots, rootsOf, type RootsOptions } from "./allowed_roots.ts";
import type { Analyzer } from "./analyzer.ts";
import { isInside, readContainedFile } from "./contained_file.ts";
import { languageNamed, languageOf } from "./language.ts";
import { reviewProject } from "./project.ts";
import { NotReadable } from "./regular_file.ts";
import type { ReviewResult } from "./result.ts";
import type { Rule } from "./rule.ts";
import { RULES, rulesFor, rulesVersion } from "./rules.ts";
import {
  explainInputSchema,
  inputSchema,
  listInputSchema,
  projectInputSchema,
  projectSchema,
  resultSchema,
  type ReviewArguments,
  type RuleOutline,
  ruleSchema,
  rulesSchema,
} from "./schema.ts";
import { decodeSource } from "./source.ts";

/** Options of {@linkcode createReviewer}. */
export interface ReviewerOptions extends RootsOptions {
  /** Does the work. Not closed with the server. */
  analyzer: Analyzer;
}

const READS_ONLY = { readOnlyHint: true, idempotentHint: true, openWorldHint: false } as const;
/** Milliseconds between two notifications of progress. */
const PROGRESS_MS = 100;

/** A new server, not connected yet. */
export function createReviewer({ analyzer, ...options }: ReviewerOptions): McpServer {
  const server = new McpServer({ name: "reviewer", title: "aichaku reviewer", version: VERSION });
  const allowed = rootsOf(server, options);

  server.registerTool("review_file", {
    title: "Review a file",
    description:
      "Looks for security problems in one TypeScript, JavaScript or Python file, and for secrets in " +
      "any text file. Give the content, or the path of a file. A file that could not be " +
      'reviewed, or not all of it, has the reason in "skipped".',
    inputSchema,
    outputSchema: resultSchema,
    annotations: READS_ONLY,
  }, (args, { mcpReq: { signal } }) =>
    answer(async () => {
      if (args.content !== undefined) {
        const { path, content, language } = args;
        return await analyzer.review({ path, content, language }, signal);
      }
      return await reviewPath(args, { analyzer, signal, allowed: await allowed() });
    }));

  server.registerTool("review_project", {
    title: "Review a project",
    description:
      "Reviews every TypeScript, JavaScript and Python file of a folder, and looks for secrets in its " +
      ".env and key files. Installed packages, build output and hidden folders are left out. Lists " +
      "files with findings, and every file that was not reviewed or not all of it.",
    inputSchema: projectInputSchema,
    outputSchema: projectSchema,
    annotations: READS_ONLY,
  }, ({ path }, context) =>
    answer(async () => {
      const root = await folderOf(path, await allowed());
      const { signal } = context.mcpReq;
      return await reviewProject(root, { analyzer, signal, onProgress: progressOf(context) });
    }));

  server.registerTool("list_rules", {
    title: "List the rules",
    description:
      "All rules, or those for one language: what each finds, how severe, which weakness.",
    inputSchema: listInputSchema,
    outputSchema: rulesSchema,
    annotations: READS_ONLY,
  }, ({ language }) =>
    answer(async () => ({
      rules: rulesNamed(language).map(outlineOf),
      rulesVersion: await rulesVersion(),
    })));

  server.registerTool("explain_rule", {
    title: "Explain a rule",
    description: "What a rule finds, why that is a problem, what to do instead, with examples.",
    inputSchema: explainInputSchema,
    outputSchema: ruleSchema,
    annotations: READS_ONLY,
  }, ({ rule: id }) =>
    answer(() => {
      const rule = RULES.find((rule) => rule.id === id);
      if (rule === undefined) {
        throw new RangeError(`There is no rule ${JSON.stringify(id)}: list_rules names them all.`);
      }
      const { message, remedy, examples: { bad, good } } = rule;
      const examples = { bad: [...bad], good: [...good] };
      return Promise.resolve({ ...outlineOf(rule), message, remedy, examples });
    }));

  return server;
}

/** What a tool has to say, as data and as text. */
async function answer(work: () => Promise<object>): Promise<CallToolResult> {
  try {
    const result = await work();
    return {
      content: [{ type: "text", text: JSON.stringify(result) }],
      structuredContent: { ...result },
    };
  } catch (error) {
    // What the caller can mend is an answer of the tool; anything else is a fault of ours.
    if (!(error instanceof NotReadable || error instanceof RangeError)) throw error;
    return { content: [{ type: "text", text: error.message }], isError: true };
  }
}

async function reviewPath(
  { path, language }: ReviewArguments,
  { analyzer, signal, allowed: { roots, project } }: {
    analyzer: Analyzer;
    signal: AbortSignal;
    allowed: AllowedRoots;
  },
): Promise<ReviewResult> {
  if (path === undefined) {
    throw new RangeError(
      'Cannot review without a text: give "content", or the absolute "path" of a file.',
    );
  }
  const file = project === undefined || isAbsolute(path) ? path : join(project, path);
  const source = decodeSource(await readContainedFile(file, roots));
  if ("text" in source) {
    return await analyzer.review({ path, content: source.text, language }, signal);
  }
  return {
    path,
    language: languageNamed(language ?? "") ?? languageOf(path, "") ?? "unknown",
    status: "skipped",
    findings: [],
    skipped: source.skipped,
    rulesVersion: await rulesVersion(),
  };
}

/** The real path of the folder to review. @throws {NotReadable | RangeError} */
async function folderOf(
  path: string | undefined,
  { roots, project }: AllowedRoots,
): Promise<string> {
  const wanted = path ?? project;
  if (wanted === undefined) {
    throw new RangeError(
      'Cannot review without a project: give the absolute "path" of a folder.',
    );
  }
  if (!isAbsolute(wanted) && project === undefined) {
    throw new NotReadable(wanted, "the path is relative; give an absolute one");
  }
  const real = await realpath(isAbsolute(wanted) ? wanted : join(project!, wanted)).catch(
    (error) => {
      throw NotReadable.because(wanted, error);
    },
  );
  if (!await isInside(real, roots, { orSame: true })) {
    throw new NotReadable(wanted, "it is outside the folders this server may read");
  }
  const facts = await Deno.stat(real).catch((error) => {
    throw NotReadable.because(wanted, error);
  });
  if (!facts.isDirectory) throw new NotReadable(wanted, "it is not a folder; use review_file");
  return real;
}

/** Tells the client how far a long call is, if it wants to know. */
function progressOf({ mcpReq }: ServerContext): (done: number, total: number) => void {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return () => {};
  let last = -Infinity;
  return (progress, total) => {
    const now = performance.now();
    if (progress < total && now - last < PROGRESS_MS) return;
    last = now;
    const message = `${progress} of ${total} files`;
    const params = { progressToken, progress, total, message };
    // A client that has gone needs no progress; its call is cancelled by other means.
    mcpReq.notify({ method: "notifications/progress", params }).catch(() => {});
  };
}

function rulesNamed(name: string | undefined): readonly Rule[] {
  if (name === undefined) return RULES;
  const language = languageNamed(name);
  if (language !== undefined) return rulesFor(language);
  throw new RangeError(`There are no rules for the language ${JSON.stringify(name)}.`);
}

function outlineOf({ id, title, severity, languages, cwe, owasp }: Rule): RuleOutline {
  const names = languages === "any" ? ["any"] : [...languages];
  return { id, title, severity, languages: names, cwe, owasp };
}
