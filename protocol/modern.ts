/**
 * What the modern era adds to a message: the revision, the client and what it can do stand in `_meta` of
 * every request, and every result says what kind it is. Source: MCP 2026-07-28, basic/index.
 *
 * @module
 */

import { isObject, type JsonObject } from "./json.ts";

/** Keys of `_meta` that the specification reserves. */
export const META = {
  protocolVersion: "io.modelcontextprotocol/protocolVersion",
  clientInfo: "io.modelcontextprotocol/clientInfo",
  clientCapabilities: "io.modelcontextprotocol/clientCapabilities",
  logLevel: "io.modelcontextprotocol/logLevel",
  subscriptionId: "io.modelcontextprotocol/subscriptionId",
  serverInfo: "io.modelcontextprotocol/serverInfo",
} as const;

/** Requests that a server may answer by asking for more. Source: basic/patterns/mrtr. */
export const MULTI_ROUND_METHODS: ReadonlySet<string> = new Set([
  "tools/call",
  "prompts/get",
  "resources/read",
]);

/** Results that say how long they may be kept. Source: server/utilities/caching. */
export const CACHEABLE_METHODS: ReadonlySet<string> = new Set([
  "server/discover",
  "tools/list",
  "prompts/list",
  "resources/list",
  "resources/templates/list",
  "resources/read",
]);

/** `_meta` of a message's params or of a result; empty when there is none. */
export function metaOf(params: JsonObject | undefined): JsonObject {
  return isObject(params?._meta) ? params._meta : {};
}

/** Whether a request was made in the modern era: it names its revision itself. */
export function isModernRequest(params: JsonObject | undefined): boolean {
  return META.protocolVersion in metaOf(params);
}

/** `_meta` without what belongs to one hop of the modern era; undefined when nothing is left. */
export function withoutModernMeta(meta: JsonObject): JsonObject | undefined {
  for (const key in meta) {
    // Nearly every client's has nothing else.
    if (!RESERVED.has(key)) {
      return Object.fromEntries(Object.entries(meta).filter(([key]) => !RESERVED.has(key)));
    }
  }
  return undefined;
}

const RESERVED: ReadonlySet<string> = new Set(Object.values(META));

/** Who makes a modern request. */
export interface ModernClient {
  protocolVersion: string;
  clientInfo: unknown;
  capabilities: JsonObject;
  logLevel?: string;
}

/**
 * `_meta` that says who makes a modern request. A `clientInfo` that is none (legacy clients get away with
 * `{}`) is left out: a modern server would refuse the request for it.
 */
export function modernMeta(client: ModernClient): JsonObject {
  const { protocolVersion, clientInfo, capabilities, logLevel } = client;
  return {
    [META.protocolVersion]: protocolVersion,
    ...(isImplementation(clientInfo) ? { [META.clientInfo]: clientInfo } : {}),
    [META.clientCapabilities]: capabilities,
    ...(logLevel === undefined ? {} : { [META.logLevel]: logLevel }),
  };
}

/** Source: MCP 2026-07-28, schema, `Implementation`. */
function isImplementation(info: unknown): boolean {
  return isObject(info) && typeof info.name === "string" && typeof info.version === "string";
}
