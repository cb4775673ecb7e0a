/**
 * The arguments of a tool from the command line: `key=value` words, read as the tool's schema says, or a
 * JSON object. What the schema does not allow is told before anything is called, with the key and what was
 * expected of it.
 *
 * @module
 */

import type { ErrorObject } from "ajv/dist/2020.js";
import { isObject, type JsonObject } from "../../protocol/json.ts";
import { nearest } from "../nearest.ts";
import { isOf, isPlainlyRight } from "./plainly_right.ts";

/** The arguments are not what the tool takes; the message says which key, and what is expected. */
export class WrongArguments extends Error {
  override name = "WrongArguments";
}

/**
 * Reads `key=value` words. A value is taken as the schema types it: text as it is, numbers, `true` and
 * `false`, JSON for lists and objects; a key given several times is a list.
 *
 * @throws {WrongArguments}
 */
export function readPairs(words: readonly string[], schema: JsonObject): JsonObject {
  const properties = objectOf(schema.properties);
  const given = new Map<string, string[]>();
  for (const word of words) {
    const equals = word.indexOf("=");
    if (equals <= 0) {
      throw new WrongArguments(`"${word}" is not of the form key=value`);
    }
    const key = word.slice(0, equals);
    given.set(key, [...given.get(key) ?? [], word.slice(equals + 1)]);
  }
  const result: JsonObject = {};
  for (const [key, values] of given) {
    const known = Object.hasOwn(properties, key);
    if (!known && !allowsMore(schema)) throw unknownKey(key, Object.keys(properties));
    const property = known ? objectOf(properties[key]) : {};
    result[key] = readValue(key, values, property);
  }
  return result;
}

/** Reads a JSON object. @param source For the message: `--args`. @throws {WrongArguments} */
export function readJson(text: string, source: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new WrongArguments(`${source} is not JSON (${(error as SyntaxError).message})`);
  }
  if (isObject(value)) return value;
  throw new WrongArguments(`${source} must be a JSON object, and is ${JSON.stringify(value)}`);
}

/**
 * Checks arguments against the tool's schema. A schema that cannot be read checks nothing: the server
 * decides then.
 *
 * @throws {WrongArguments} naming every key that is wrong.
 */
export async function checkArguments(args: JsonObject, schema: JsonObject): Promise<void> {
  if (isPlainlyRight(args, schema)) return;
  // Loaded only here: it takes longer than the rest of a call.
  // By its default: a bundle (Deno 2.9.6) gives a CommonJS package no other name.
  const { default: { Ajv2020 } } = await import("ajv/dist/2020.js");
  // The dialect is named by servers in many ways; what tools use means the same in all of them.
  const { $schema: _dialect, $id: _id, ...plain } = schema;
  const validator = new Ajv2020({
    strict: false,
    allErrors: true,
    validateFormats: false,
    logger: false,
    verbose: true,
  });
  let validate;
  try {
    validate = validator.compile(plain);
  } catch {
    return; // Not a schema after all.
  }
  if (validate(args)) return;
  const properties = Object.keys(objectOf(schema.properties));
  const texts = (validate.errors ?? []).map((error) => problemOf(error, properties));
  throw new WrongArguments([...new Set(texts)].join("; "));
}

function problemOf(error: ErrorObject, properties: readonly string[]): string {
  const { keyword, params, instancePath, parentSchema, data, message } = error;
  const key = instancePath.slice(1).replaceAll("/", ".");
  const at = key === "" ? "" : `${key}.`;
  switch (keyword) {
    case "required": {
      const missing = String(params.missingProperty);
      const property = objectOf(objectOf(objectOf(parentSchema).properties)[missing]);
      return `missing key "${at}${missing}" (${describeType(property)})`;
    }
    case "additionalProperties":
    case "unevaluatedProperties": {
      const extra = String(params.additionalProperty ?? params.unevaluatedProperty);
      return at === "" ? unknownKey(extra, properties).message : `unknown key "${at}${extra}"`;
    }
    case "type":
    case "enum":
    case "const":
      return `key "${key}" must be ${describeType(objectOf(parentSchema))}, and is ${show(data)}`;
    default:
      return `key "${key}" ${message ?? `breaks the rule ${keyword}`}, and is ${show(data)}`;
  }
}

/** What a schema expects, in a few words. */
export function describeType(schema: JsonObject): string {
  if (Array.isArray(schema.enum)) return `one of ${schema.enum.map(show).join(", ")}`;
  if ("const" in schema) return show(schema.const);
  const types = typesOf(schema);
  if (types.length === 0) return "any value";
  return types.map((type) =>
    type === "array" ? `list of ${describeType(objectOf(schema.items))}` : type
  ).join(" or ");
}

/** The JSON types a schema allows, as far as it says; empty for any. */
function typesOf(schema: JsonObject): string[] {
  const { type } = schema;
  if (typeof type === "string") return [type];
  if (Array.isArray(type)) return type.map(String);
  const choices = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choices)) return [...new Set(choices.map(objectOf).flatMap(typesOf))];
  const values = Array.isArray(schema.enum) ? schema.enum : "const" in schema ? [schema.const] : [];
  return [...new Set(values.map((value) => value === null ? "null" : typeof value))];
}

function readValue(key: string, values: readonly string[], schema: JsonObject): unknown {
  const types = typesOf(schema);
  const isList = types.includes("array");
  if (values.length > 1 || (isList && types.length === 1 && !values[0].startsWith("["))) {
    if (!isList && types.length > 0) {
      throw new WrongArguments(`key "${key}" is given ${values.length} times and is no list`);
    }
    const items = objectOf(schema.items);
    return values.map((value) => readOne(key, value, items));
  }
  return readOne(key, values[0], schema);
}

function readOne(key: string, text: string, schema: JsonObject): unknown {
  const types = typesOf(schema);
  if (types.length === 0) return jsonOr(text, text);
  if (types.length === 1 && types[0] === "string") return text;
  const value = jsonOr(text, undefined);
  if (value !== undefined && types.some((type) => isOf(type, value))) return value;
  if (types.includes("string")) return text;
  throw new WrongArguments(`key "${key}" must be ${describeType(schema)}, and is ${show(text)}`);
}

function jsonOr<T>(text: string, otherwise: T): unknown | T {
  try {
    return JSON.parse(text);
  } catch {
    return otherwise; // Not JSON: then it is meant as text.
  }
}

function allowsMore({ properties, additionalProperties }: JsonObject): boolean {
  return properties === undefined || additionalProperties === true ||
    isObject(additionalProperties);
}

function unknownKey(key: string, known: readonly string[]): WrongArguments {
  const meant = nearest(key, known);
  const list = known.length === 0 ? "it takes none" : `known are ${known.join(", ")}`;
  const hint = meant === undefined ? list : `did you mean ${meant}?`;
  return new WrongArguments(`unknown key "${key}": ${hint}`);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}
