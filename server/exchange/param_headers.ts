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
import { isObject, type JsonObject } from "../../protocol/json.ts";
import { readHeaderValue } from "../../protocol/header_value.ts";

/** A call, as far as it matters here. */
export interface CalledTool {
  readonly params: JsonObject | undefined;
  /** By their names after `Mcp-Param-`, in lower case. */
  readonly paramHeaders: ReadonlyMap<string, string> | undefined;
}

/** An argument that is mirrored. */
interface Mirrored {
  header: string;
  path: readonly string[];
  isInteger: boolean;
}

/** Levels of a schema that are looked into. */
const MAX_DEPTH = 32;

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
  const schema = tools.get(params.name)?.inputSchema;
  for (const { header, path, isInteger } of mirroredIn(schema)) {
    const text = textOf(valueAt(params.arguments, path));
    // Not there, or nothing that a header can say: its schema is the server's to check.
    if (text === undefined) continue;
    const written = paramHeaders.get(header.toLowerCase());
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

/** The arguments that a schema wants mirrored; none when it says so where it must not. */
function mirroredIn(schema: unknown): Mirrored[] {
  const found: Mirrored[] = [];
  const look = (schema: unknown, path: readonly string[]) => {
    if (!isObject(schema) || !isObject(schema.properties) || path.length > MAX_DEPTH) return;
    for (const [name, property] of Object.entries(schema.properties)) {
      if (!isObject(property)) continue;
      const header = property["x-mcp-header"];
      const own = [...path, name];
      if (typeof header === "string" && header !== "") {
        found.push({ header, path: own, isInteger: property.type === "integer" });
      }
      look(property, own);
    }
  };
  look(schema, []);
  // Clients must leave such a tool out, and nobody knows which argument is meant.
  const names = new Set(found.map(({ header }) => header.toLowerCase()));
  return names.size === found.length ? found : [];
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  for (const name of path) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

/** A value as a header says it. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

function mismatch(what: string): Fault {
  return new Fault("header_mismatch", `Header mismatch: ${what}`);
}
