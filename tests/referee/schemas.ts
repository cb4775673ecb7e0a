/**
 * The official schemas as validators: what a message of a revision must look like.
 *
 * Compiled when they are first needed, and definition by definition: a test pays for what it says.
 *
 * @module
 */

import AjvDraft7, { type ErrorObject, type ValidateFunction } from "ajv/dist/ajv.js";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import schema20241105 from "./schema/2024-11-05.json" with { type: "json" };
import schema20250326 from "./schema/2025-03-26.json" with { type: "json" };
import schema20250618 from "./schema/2025-06-18.json" with { type: "json" };
import schema20251125 from "./schema/2025-11-25.json" with { type: "json" };
import schema20260728 from "./schema/2026-07-28.json" with { type: "json" };

// deno-lint-ignore no-explicit-any -- schemas and messages of every shape
type Json = any;

const SCHEMAS: Readonly<Record<string, Json>> = {
  "2024-11-05": schema20241105,
  "2025-03-26": schema20250326,
  "2025-06-18": schema20250618,
  "2025-11-25": schema20251125,
  "2026-07-28": schema20260728,
};

/** The messages of one revision. */
export interface RevisionSchema {
  /** What is wrong with a request or notification; empty when nothing is. */
  call(message: Json): string[];
  /** What is wrong with the answer to a request for `method`. */
  answer(message: Json, method: string): string[];
}

const made = new Map<string, RevisionSchema>();

/** The schema of a revision. @throws {Error} when there is no such revision. */
export function schemaOf(revision: string): RevisionSchema {
  const source = SCHEMAS[revision];
  if (source === undefined) throw new Error(`There is no schema of revision ${revision}`);
  let schema = made.get(revision);
  if (schema === undefined) made.set(revision, schema = makeSchema(source));
  return schema;
}

function makeSchema(source: Json): RevisionSchema {
  const part = "$defs" in source ? "$defs" : "definitions";
  const definitions: Record<string, Json> = source[part];
  const make = part === "$defs" ? Ajv2020.default : AjvDraft7.default;
  const ajv = addFormats.default(new make({ strict: false, allErrors: false }));
  ajv.addFormat("byte", /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/);
  ajv.addSchema(source, "mcp");
  const validators = new Map<string, ValidateFunction>();
  const byMethod = new Map<string, string>();
  for (const [name, definition] of Object.entries(definitions)) {
    const method = definition.properties?.method?.const;
    if (method !== undefined) byMethod.set(method, name);
  }

  function check(name: string, value: Json): string[] {
    let validate = validators.get(name);
    if (validate === undefined) {
      validators.set(name, validate = ajv.compile({ $ref: `mcp#/${part}/${name}` }));
    }
    return validate(value) ? [] : (validate.errors ?? []).map((error) => shown(name, error));
  }

  /** The first of several names that this revision has. */
  const known = (...names: string[]) => names.find((name) => name in definitions);

  return {
    call(message) {
      const name = byMethod.get(message.method);
      if (name === undefined) return [`there is no ${message.method} in this revision`];
      const envelope = message.id === undefined ? "JSONRPCNotification" : "JSONRPCRequest";
      if (name.endsWith("Notification") !== (message.id === undefined)) {
        return [`${message.method} must ${message.id === undefined ? "" : "not "}have an id`];
      }
      return [...check(envelope, message), ...check(name, message)];
    },
    answer(message, method) {
      if (message.error !== undefined) {
        return check(known("JSONRPCErrorResponse", "JSONRPCError")!, message);
      }
      const name = byMethod.get(method);
      if (name === undefined) {
        return [`there is no ${method} in this revision, and a result for it`];
      }
      const kind = name.replace(/Request$/, "");
      const whole = known(`${kind}ResultResponse`);
      if (whole !== undefined) return check(whole, message);
      return [
        ...check(known("JSONRPCResultResponse", "JSONRPCResponse")!, message),
        ...check(known(`${kind}Result`, "EmptyResult")!, message.result),
      ];
    },
  };
}

function shown(name: string, { instancePath, message, params }: ErrorObject): string {
  return `${name}${instancePath} ${message} ${JSON.stringify(params)}`;
}
