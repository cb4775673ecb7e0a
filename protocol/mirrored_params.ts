/**
 * Arguments of a tool that stand in headers as well: `x-mcp-header` in the schema of the tool names the
 * header, `Mcp-Param-{Name}` carries the value.
 *
 * Source: MCP 2026-07-28, basic/transports/streamable-http, "Custom Headers from Tool Parameters".
 *
 * @module
 */

import { isObject, type JsonObject } from "./json.ts";

/** An argument that is mirrored. */
export interface MirroredParam {
  /** What follows `Mcp-Param-`. */
  header: string;
  /** Names that lead from the arguments to the value. */
  path: readonly string[];
  isInteger: boolean;
}

const ANNOTATION = "x-mcp-header";
/** RFC 9110, section 5.6.2, `token`. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const TYPES: readonly unknown[] = ["string", "integer", "boolean"];
/** Levels of a schema that are looked into. */
const MAX_DEPTH = 64;
/** Parts of a schema that are looked at. */
const MAX_PARTS = 100_000;
/** Keywords whose members have names of the schema's own. */
const NAMED: ReadonlySet<string> = new Set([
  "properties",
  "patternProperties",
  "$defs",
  "definitions",
  "dependentSchemas",
]);

/**
 * The arguments that a tool wants mirrored.
 *
 * @param schema Its `inputSchema`.
 * @returns why the schema is invalid, as the end of a sentence, when it says so in a way that it must not:
 * clients have to leave such a tool out.
 */
export function mirroredParams(schema: unknown): Mirrored {
  if (!isObject(schema)) return NONE;
  let mirrored = known.get(schema);
  if (mirrored === undefined) known.set(schema, mirrored = findMirrored(schema));
  return mirrored;
}

/** What a schema says. */
type Mirrored = readonly MirroredParam[] | { invalid: string };

const NONE: Mirrored = [];

/** By schema: tools are called far more often than they change. */
const known = new WeakMap<object, Mirrored>();

function findMirrored(schema: JsonObject): Mirrored {
  const found: MirroredParam[] = [];
  const names = new Set<string>();
  let invalid: string | undefined;
  let parts = 0;
  const look = (part: unknown, { path, depth }: { path: Path; depth: number }): void => {
    if (invalid !== undefined || typeof part !== "object" || part === null) return;
    if (depth > MAX_DEPTH || ++parts > MAX_PARTS) return;
    if (isObject(part) && Object.hasOwn(part, ANNOTATION)) take(part, path);
    for (const [keyword, value] of Object.entries(part)) {
      if (!NAMED.has(keyword) || !isObject(value)) {
        look(value, { path: undefined, depth: depth + 1 });
        continue;
      }
      for (const [name, named] of Object.entries(value)) {
        const below = keyword === "properties" && path !== undefined ? [...path, name] : undefined;
        look(named, { path: below, depth: depth + 2 });
      }
    }
  };
  const take = (part: Record<string, unknown>, path: Path): void => {
    const header = part[ANNOTATION];
    if (typeof header !== "string" || !TOKEN.test(header)) {
      invalid = `has the header name ${JSON.stringify(header)?.slice(0, 40)}`;
    } else if (path === undefined || path.length === 0) {
      invalid = `has the header ${header} where no argument is certain to be`;
    } else if (!TYPES.includes(part.type)) {
      invalid = `has the header ${header} for an argument that is no string, integer or boolean`;
    } else if (names.has(header.toLowerCase())) {
      invalid = `has the header ${header} twice`;
    } else {
      names.add(header.toLowerCase());
      found.push({ header, path, isInteger: part.type === "integer" });
    }
  };
  look(schema, { path: [], depth: 0 });
  return invalid === undefined ? found : { invalid };
}

/** Where a part of a schema stands; undefined when that is not by `properties` alone. */
type Path = readonly string[] | undefined;

/** The value of an argument as a header says it; undefined when it has none that a header could say. */
export function mirroredValue(args: unknown, { path }: MirroredParam): string | undefined {
  let value = args;
  for (const name of path) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}
