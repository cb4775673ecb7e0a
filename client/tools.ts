/**
 * Tools as MCP describes them. Source: MCP 2025-11-25, server/tools.
 *
 * @module
 */

import { AichakuError, excerpt } from "./errors.ts";
import { isObject, type JsonObject } from "./jsonrpc.ts";

/** A tool of a server. Fields that are not named here are kept. */
export interface Tool {
  name: string;
  title?: string;
  description?: string;
  /** JSON Schema of the arguments. */
  inputSchema: JsonObject;
  /** JSON Schema of `structuredContent`. */
  outputSchema?: JsonObject;
  annotations?: JsonObject;
  [key: string]: unknown;
}

/** One piece of a tool's answer. */
export interface ContentBlock {
  /** `text`, `image`, `audio`, `resource`, `resource_link`. */
  type: string;
  /** For `text`. */
  text?: string;
  [key: string]: unknown;
}

/** What a tool answered. Fields that are not named here are kept. */
export interface CallToolResult {
  content: ContentBlock[];
  structuredContent?: JsonObject;
  /** The tool failed; `content` says why. */
  isError?: boolean;
  [key: string]: unknown;
}

/** The tools of one page. @throws {AichakuError} `protocol`. */
export function readTools(page: JsonObject): Tool[] {
  const { tools } = page;
  if (Array.isArray(tools) && tools.every((tool) => isObject(tool) && isString(tool.name))) {
    return tools as Tool[];
  }
  throw new AichakuError(
    "protocol",
    `Cannot read the list of tools: "tools" must be an array of tools, and is ${excerpt(tools)}`,
  );
}

/** The answer of a tool. @param action For messages. @throws {AichakuError} `protocol`. */
export function readToolResult(result: JsonObject, action: string): CallToolResult {
  const { content } = result;
  if (Array.isArray(content) && content.every((block) => isObject(block) && isString(block.type))) {
    return result as CallToolResult;
  }
  throw new AichakuError(
    "protocol",
    `Cannot ${action}: "content" of the result must be an array of content blocks, and is ` +
      excerpt(content),
  );
}

function isString(value: unknown): boolean {
  return typeof value === "string";
}
