/**
 * What a modern request says once more in its headers: its method, what it is about, and the arguments
 * that the called tool wants there. The last are learned from every list of tools that passes.
 *
 * Guarantees: a tool whose schema asks for headers in a way that it must not is left out of its list, and
 * its user is warned once (`process.emitWarning`).
 *
 * Source: MCP 2026-07-28, basic/transports/streamable-http, "Request Metadata".
 *
 * @module
 */

import { nodesProcess } from "../platform/runtime.ts";

import { writeHeaderValue } from "../protocol/header_value.ts";
import { type MirroredParam, mirroredParams, mirroredValue } from "../protocol/mirrored_params.ts";
import { META, metaOf } from "../protocol/modern.ts";
import { excerpt } from "./errors.ts";
import { isObject, type JsonObject } from "./jsonrpc.ts";

/** Requests whose subject stands in `Mcp-Name`, and the parameter it is. */
const SUBJECTS: ReadonlyMap<string, "name" | "uri"> = new Map(
  [["tools/call", "name"], ["prompts/get", "name"], ["resources/read", "uri"]] as const,
);
/** Tools remembered, those without such arguments not counted. */
const MAX_TOOLS = 10_000;

/** The headers of one connection's requests. */
export class ParamHeaders {
  readonly #server: string;
  readonly #warn: (message: string) => void;
  readonly #byTool = new Map<string, readonly MirroredParam[]>();
  readonly #warned = new Set<string>();

  /** @param options.warn Replaced in tests. */
  constructor(
    server: string,
    { warn = (message) => nodesProcess().emitWarning(message) }: {
      warn?: (message: string) => void;
    } = {},
  ) {
    this.#server = server;
    this.#warn = warn;
  }

  /** The headers of a request. */
  of(method: string, params: JsonObject): Record<string, string> {
    const subjectName = SUBJECTS.get(method);
    const subject = subjectName === undefined ? undefined : params[subjectName];
    return {
      ...(method === "tools/call" ? this.#mirrored(params) : {}),
      "mcp-protocol-version": String(metaOf(params)[META.protocolVersion]),
      "mcp-method": writeHeaderValue(method),
      ...(typeof subject === "string" ? { "mcp-name": writeHeaderValue(subject) } : {}),
    };
  }

  /** Takes the result of a `tools/list`. @returns it, without the tools that must be left out. */
  learn(result: JsonObject): JsonObject {
    if (!Array.isArray(result.tools)) return result;
    const tools = result.tools.filter((tool) => this.#learn(tool));
    return tools.length === result.tools.length ? result : { ...result, tools };
  }

  #mirrored({ name, arguments: args }: JsonObject): Record<string, string> {
    const headers: Record<string, string> = {};
    for (const param of this.#byTool.get(String(name)) ?? []) {
      const value = mirroredValue(args, param);
      if (value === undefined) continue;
      headers[`mcp-param-${param.header.toLowerCase()}`] = writeHeaderValue(value);
    }
    return headers;
  }

  /** @returns whether its user may have it. */
  #learn(tool: unknown): boolean {
    if (!isObject(tool) || typeof tool.name !== "string") return true; // Refused by whoever reads it.
    const { name } = tool;
    const mirrored = mirroredParams(tool.inputSchema);
    this.#byTool.delete(name);
    if ("invalid" in mirrored) {
      this.#leaveOut(name, mirrored.invalid);
      return false;
    }
    if (mirrored.length > 0 && this.#byTool.size < MAX_TOOLS) this.#byTool.set(name, mirrored);
    return true;
  }

  #leaveOut(tool: string, why: string): void {
    if (this.#warned.has(tool) || this.#warned.size >= MAX_TOOLS) return;
    this.#warned.add(tool);
    this.#warn(
      `The tool ${JSON.stringify(excerpt(tool))} of server ${
        JSON.stringify(this.#server)
      } is left ` +
        `out of its list: its schema ${why}`,
    );
  }
}
