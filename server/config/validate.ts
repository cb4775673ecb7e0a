/**
 * Checks the keys of one object of the file against its schema and tells what is wrong in terms of the
 * file: the place, what stands there, what must stand there. A value is shown only where its key is
 * known never to hold a secret; of the others only the kind is told.
 *
 * @module
 */

import type * as z from "zod";
import { kindOf, type Node, nodeAt, type Property, quote } from "./document.ts";
import type { Findings } from "./findings.ts";

/** How {@linkcode validate} reports. */
export interface ValidateOptions {
  /** What every message begins with, such as `server "docs": `; may be empty. */
  label: string;
  /** Where the object stands. */
  node: Node;
  findings: Findings;
  /** Keys whose values may be shown. */
  showable: ReadonlySet<string>;
}

/** The keys as the schema's type; undefined when something is wrong, which is in the findings then. */
export function validate<T>(
  schema: z.ZodType<T>,
  properties: ReadonlyMap<string, Property>,
  { label, node, findings, showable }: ValidateOptions,
): T | undefined {
  const record = toRecord(properties);
  const parsed = schema.safeParse(record);
  if (parsed.success) return parsed.data;
  for (const { path, message } of parsed.error.issues) {
    const [key = "", ...rest] = path;
    const property = properties.get(String(key));
    const value = path.reduce<unknown>(step, record);
    const shown = showable.has(String(key)) && typeof value !== "object"
      ? JSON.stringify(typeof value === "string" ? value.slice(0, 80) : value)
      : kindOf(value);
    findings.error(
      property ? nodeAt(property.node, rest) : node,
      `${label}${placeOf(path)} is ${shown}: it must be ${message}.`,
    );
  }
  return undefined;
}

/** The values by key, in an object without a prototype: a missing `constructor` must be missing. */
export function toRecord(properties: ReadonlyMap<string, Property>): Record<string, unknown> {
  const record: Record<string, unknown> = Object.create(null);
  for (const [key, { value }] of properties) record[key] = value;
  return record;
}

/** A path inside an object as messages write it: `"args"[0]`, `"env"."NAME"`. */
export function placeOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, step) =>
      typeof step === "number"
        ? `${text}[${step}]`
        : `${text}${text === "" ? "" : "."}${quote(String(step))}`,
    "",
  );
}

function step(data: unknown, key: PropertyKey): unknown {
  return data instanceof Map ? data.get(key) : (data as Record<PropertyKey, unknown>)[key];
}
