/**
 * What a modern server over HTTP wants to have in the headers of its tools' calls: learned from every
 * list of tools that passes, and said with each call. A tool that says it in a way that it must not is
 * left out of the list.
 *
 * Source: MCP 2026-07-28, basic/transports/streamable-http, "Custom Headers from Tool Parameters".
 *
 * @module
 */

import { writeHeaderValue } from "../../../protocol/header_value.ts";
import { isObject, type JsonObject, parseJson, stringifyJson } from "../../../protocol/json.ts";
import {
  type MirroredParam,
  mirroredParams,
  mirroredValue,
} from "../../../protocol/mirrored_params.ts";
import type { Logger } from "../../daemon/log.ts";

/** Tools remembered, those without such arguments not counted. */
const MAX_TOOLS = 10_000;

/** The tools of one connection. */
export class MirroredTools {
  readonly #server: string;
  readonly #log: Logger;
  readonly #byName = new Map<string, readonly MirroredParam[]>();
  readonly #warned = new Set<string>();

  constructor({ server, log }: { server: string; log: Logger }) {
    this.#server = server;
    this.#log = log;
  }

  /** Takes the answer to a `tools/list`. @returns it, without the tools that must be left out. */
  onList(line: string): string {
    // Almost no list has any.
    if (!line.includes("x-mcp-header") && this.#byName.size === 0) return line;
    let message: unknown;
    try {
      message = parseJson(line);
    } catch (error) {
      // Not JSON, or too deep: whoever reads lines says so.
      if (error instanceof SyntaxError || error instanceof RangeError) return line;
      throw error;
    }
    const { result } = message as JsonObject;
    if (!isObject(result) || !Array.isArray(result.tools)) return line;
    const tools = result.tools.filter((tool) => this.#learn(tool));
    if (tools.length === result.tools.length) return line;
    return stringifyJson({ ...message as JsonObject, result: { ...result, tools } });
  }

  /** The headers of a call. */
  headersFor(tool: string | undefined, args: unknown): Record<string, string> {
    const headers: Record<string, string> = {};
    for (const param of this.#byName.get(tool ?? "") ?? []) {
      const value = mirroredValue(args, param);
      if (value === undefined) continue;
      headers[`mcp-param-${param.header.toLowerCase()}`] = writeHeaderValue(value);
    }
    return headers;
  }

  /** @returns whether clients may have it. */
  #learn(tool: unknown): boolean {
    if (!isObject(tool) || typeof tool.name !== "string") return true;
    const { name } = tool;
    const mirrored = mirroredParams(tool.inputSchema);
    this.#byName.delete(name);
    if ("invalid" in mirrored) {
      this.#warn(name, mirrored.invalid);
      return false;
    }
    if (mirrored.length > 0 && this.#byName.size < MAX_TOOLS) this.#byName.set(name, mirrored);
    return true;
  }

  #warn(tool: string, why: string): void {
    if (this.#warned.has(tool) || this.#warned.size >= MAX_TOOLS) return;
    this.#warned.add(tool);
    this.#log.warn("a tool is left out: its schema is invalid", {
      server: this.#server,
      tool,
      why,
    });
  }
}
