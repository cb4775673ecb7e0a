/**
 * Arguments of a tool that stand in headers as well (`x-mcp-header` in its schema, `Mcp-Param-{Name}` in
 * the request): somebody on the way may act on the header, and the server on the body, so both must say
 * the same.
 *
 * Source: MCP 2026-07-28, basic/transports/streamable-http, "Custom Headers from Tool Parameters".
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import { readHeaderValue } from "../../protocol/header_value.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { mirroredParams, mirroredValue } from "../../protocol/mirrored_params.ts";

/** A call, as far as it matters here. */
export interface CalledTool {
  readonly params: JsonObject | undefined;
  /** By their names after `Mcp-Param-`, in lower case. */
  readonly paramHeaders: (() => ReadonlyMap<string, string>) | undefined;
}

/** A decimal number as it may be written. */
const DECIMAL = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

/**
 * Compares the headers of a call with its arguments.
 *
 * @returns `header_mismatch`; undefined when all is well, or nothing is known of the tool.
 */
export function checkParamHeaders(
  { params, paramHeaders }: CalledTool,
  tools: ReadonlyMap<string, JsonObject>,
): Fault | undefined {
  if (paramHeaders === undefined || typeof params?.name !== "string") return undefined;
  const mirrored = mirroredParams(tools.get(params.name)?.inputSchema);
  // Nobody knows what is meant; clients must leave such a tool out.
  if ("invalid" in mirrored || mirrored.length === 0) return undefined;
  const headers = paramHeaders();
  for (const param of mirrored) {
    const { header, path, isInteger } = param;
    const text = mirroredValue(params.arguments, param);
    // Not there, or nothing that a header can say: its schema is the server's to check.
    if (text === undefined) continue;
    const written = headers.get(header.toLowerCase());
    const name = `Mcp-Param-${header}`;
    if (written === undefined) {
      return mismatch(`the header ${name} is missing, and the argument ${path.join(".")} is there`);
    }
    const read = readHeaderValue(written);
    if (read === undefined) return mismatch(`the header ${name} is not encoded as it must be`);
    const isEqual = isInteger && DECIMAL.test(read) && DECIMAL.test(text)
      ? Number(read) === Number(text)
      : read === text;
    if (!isEqual) {
      return mismatch(
        `the header ${name} says something else than the argument ${path.join(".")}`,
      );
    }
  }
  return undefined;
}

function mismatch(what: string): Fault {
  return new Fault("header_mismatch", `Header mismatch: ${what}`);
}
