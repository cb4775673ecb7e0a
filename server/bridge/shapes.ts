/**
 * What a result or an error looks like in the other era. Tables; nothing here knows of calls.
 *
 * Source: MCP 2026-07-28, changelog; MCP 2025-11-25, schema.
 *
 * @module
 */

import { isObject, type JsonObject, stringifyJson } from "../../protocol/json.ts";
import { CACHEABLE_METHODS, META, metaOf } from "../../protocol/modern.ts";

/** Resource not found, until 2025-11-25. Newer revisions say "invalid params". */
const RESOURCE_NOT_FOUND = -32002;
const INVALID_PARAMS = -32602;
/** URLs must be visited first, in 2025-11-25 only. */
const URL_ELICITATION_REQUIRED = -32042;
const INTERNAL_ERROR = -32603;

/** Codes that a modern server must not use any more. Source: MCP 2026-07-28, basic/index, "Error Codes". */
const REPLACED_CODES: Readonly<Record<number, number>> = {
  [RESOURCE_NOT_FOUND]: INVALID_PARAMS,
  [URL_ELICITATION_REQUIRED]: INTERNAL_ERROR,
};

/**
 * A result of a legacy server, or of the daemon's own, for a modern client. Nothing is known about who
 * may see it or how long it holds, so it is private and stale at once.
 */
export function modernResult(
  method: string,
  result: unknown,
  serverInfo: unknown = undefined,
): unknown {
  if (!isObject(result)) return result;
  const { resultType = "complete" } = result;
  const isCacheable = resultType === "complete" && CACHEABLE_METHODS.has(method);
  const shaped: JsonObject = {
    resultType,
    ...(isCacheable ? { ttlMs: 0, cacheScope: "private" } : {}),
    ...result,
  };
  if (method === "tools/list" && Array.isArray(result.tools)) {
    shaped.tools = result.tools.map(withoutTaskSupport);
  }
  if (serverInfo !== undefined) {
    shaped._meta = { [META.serverInfo]: serverInfo, ...metaOf(result) };
  }
  return shaped;
}

/**
 * The members that {@linkcode modernResult} adds where none of them is there, as JSON text.
 *
 * @param serverInfo Never changed once it was given here.
 */
export function modernMembers(serverInfo: unknown): string {
  // A server says the same of itself with every answer.
  const known = isObject(serverInfo) ? knownMembers.get(serverInfo) : undefined;
  if (known !== undefined) return known;
  const members = stringifyJson(modernResult("", {}, serverInfo)).slice(1, -1);
  if (isObject(serverInfo)) knownMembers.set(serverInfo, members);
  return members;
}

const knownMembers = new WeakMap<JsonObject, string>();

/** An error of a legacy server for a modern client. */
export function modernError(error: unknown): unknown {
  if (!isObject(error) || typeof error.code !== "number") return error;
  const code = REPLACED_CODES[error.code];
  return code === undefined ? error : { ...error, code };
}

/**
 * The elicitations by URL that an error of a legacy server demands; undefined when it demands none.
 * Source: MCP 2025-11-25, `URLElicitationRequiredError`.
 */
export function readRequiredUrls(error: unknown): JsonObject[] | undefined {
  if (!isObject(error) || error.code !== URL_ELICITATION_REQUIRED) return undefined;
  const { elicitations } = isObject(error.data) ? error.data : {};
  const urls = Array.isArray(elicitations) ? elicitations.filter(isObject) : [];
  return urls.length === 0 ? undefined : urls.map((params) => ({ ...params, mode: "url" }));
}

/** Tasks of 2025-11-25 cannot be told to the extension that took their place. */
function withoutTaskSupport(tool: unknown): unknown {
  if (!isObject(tool) || !isObject(tool.execution)) return tool;
  const { execution: { taskSupport: _, ...execution }, ...rest } = tool;
  return Object.keys(execution).length === 0 ? rest : { ...rest, execution };
}

/** A result of a modern server for a legacy client. */
export function legacyResult(method: string, result: unknown): unknown {
  if (!isObject(result)) return result;
  const { resultType: _, ttlMs: __, cacheScope: ___, ...rest } = result;
  const { [META.serverInfo]: ____, ...meta } = metaOf(result);
  if ("_meta" in rest) {
    if (Object.keys(meta).length === 0) delete rest._meta;
    else rest._meta = meta;
  }
  if (method === "tools/list" && Array.isArray(rest.tools)) {
    rest.tools = rest.tools.map(withObjectSchema);
  }
  if (method === "tools/call" && "structuredContent" in rest) {
    rest.structuredContent = asObject(rest.structuredContent);
    rest.content = withText(rest.content, rest.structuredContent);
  }
  return rest;
}

/** Before 2026-07-28, structured content was an object, and so was its schema. */
function asObject(content: unknown): unknown {
  return isObject(content) ? content : { result: content };
}

function withObjectSchema(tool: unknown): unknown {
  if (!isObject(tool) || tool.outputSchema === undefined) return tool;
  const { outputSchema } = tool;
  if (isObject(outputSchema) && outputSchema.type === "object") return tool;
  return {
    ...tool,
    outputSchema: {
      type: "object",
      properties: { result: outputSchema },
      required: ["result"],
    },
  };
}

/** Clients that do not know structured content read the text. */
function withText(content: unknown, structured: unknown): unknown {
  if (Array.isArray(content) && content.length > 0) return content;
  return [{ type: "text", text: JSON.stringify(structured) }];
}
