/**
 * The server `reviewer`: reviews source files by rules. It runs nothing of what it reads, keeps nothing,
 * and reads only files inside the folders it was given.
 *
 * @module
 */

import { McpServer } from "@modelcontextprotocol/server";
import { VERSION } from "../../../protocol/version.ts";
import { readContainedFile } from "./contained_file.ts";
import { languageNamed, languageOf } from "./language.ts";
import { NotReadable } from "./regular_file.ts";
import type { ReviewResult } from "./result.ts";
import { reviewText } from "./review.ts";
import { rulesVersion } from "./rules.ts";
import { inputSchema, resultSchema, type ReviewArguments } from "./schema.ts";
import { decodeSource } from "./source.ts";

/** Options of {@linkcode createReviewer}. */
export interface ReviewerOptions {
  /** Folders whose files may be read when only a path is given. Absolute. */
  roots: readonly string[];
}

/** A new server, not connected yet. */
export function createReviewer({ roots }: ReviewerOptions): McpServer {
  const server = new McpServer({ name: "reviewer", title: "aichaku reviewer", version: VERSION });
  server.registerTool("review_file", {
    title: "Review a file",
    description:
      "Looks for security problems in one TypeScript, JavaScript or Python file, and for secrets in " +
      "any text file. Give the content, or the absolute path of a file. A file that could not be " +
      'reviewed, or not all of it, has the reason in "skipped".',
    inputSchema,
    outputSchema: resultSchema,
    annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
  }, async (args) => {
    try {
      const result = await review(args, roots);
      return {
        content: [{ type: "text", text: JSON.stringify(result) }],
        structuredContent: { ...result },
      };
    } catch (error) {
      // What the caller can mend is an answer of the tool; anything else is a fault of ours.
      if (!(error instanceof NotReadable || error instanceof RangeError)) throw error;
      return { content: [{ type: "text", text: error.message }], isError: true };
    }
  });
  return server;
}

async function review(
  { path, content, language }: ReviewArguments,
  roots: readonly string[],
): Promise<ReviewResult> {
  if (content !== undefined) return await reviewText({ path, content, language });
  if (path === undefined) {
    throw new RangeError(
      'Cannot review without a text: give "content", or the absolute "path" of a file.',
    );
  }
  const source = decodeSource(await readContainedFile(path, roots));
  if ("text" in source) return await reviewText({ path, content: source.text, language });
  return {
    path,
    language: languageNamed(language ?? "") ?? languageOf(path, "") ?? "unknown",
    findings: [],
    skipped: source.skipped,
    rulesVersion: await rulesVersion(),
  };
}
