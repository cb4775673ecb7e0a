/**
 * A quick look at a tool's arguments: most schemas say little more than the types of their keys, and
 * most arguments are right. Whatever is not certain here is left to the real validator, which takes
 * longer to load than a call takes, and also knows what to say.
 *
 * Guarantees: what is right here, the validator would take. Not guaranteed: the reverse.
 *
 * @module
 */

import { isObject } from "../../protocol/json.ts";

/** Keywords that tell people something, and forbid nothing. As everywhere here, `format` is one. */
const NOTES: ReadonlySet<string> = new Set([
  ...["$schema", "title", "description", "default", "examples", "deprecated", "format"],
]);

/**
 * Whether a value is certainly what a schema asks for. A schema that is malformed does not matter: the
 * validator takes everything then.
 */
export function isPlainlyRight(value: unknown, schema: unknown): boolean {
  if (!isObject(schema)) return false;
  const properties = isObject(schema.properties) ? schema.properties : {};
  return Object.entries(schema).every(([keyword, limit]) => {
    if (NOTES.has(keyword)) return true;
    switch (keyword) {
      case "type":
        return [limit].flat().some((type) => isOf(type, value));
      case "enum":
        return Array.isArray(limit) && limit.includes(value);
      case "anyOf":
        return Array.isArray(limit) && limit.some((one) => isPlainlyRight(value, one));
      case "minimum":
        return typeof value === "number" && value >= Number(limit);
      case "maximum":
        return typeof value === "number" && value <= Number(limit);
      case "minLength":
        return typeof value === "string" && [...value].length >= Number(limit);
      case "maxLength":
        return typeof value === "string" && [...value].length <= Number(limit);
      case "items":
        return Array.isArray(value) && value.every((item) => isPlainlyRight(item, limit));
      case "required":
        return Array.isArray(limit) && isObject(value) &&
          limit.every((name) => Object.hasOwn(value, String(name)));
      case "additionalProperties":
        return limit === true ||
          isObject(value) && Object.keys(value).every((key) => Object.hasOwn(properties, key));
      case "properties":
        return isObject(value) &&
          Object.entries(value).every(([key, one]) =>
            !Object.hasOwn(properties, key) || isPlainlyRight(one, properties[key])
          );
      default:
        return false;
    }
  });
}

/** Whether a value of JSON has this type; false for a type that there is not. */
export function isOf(type: unknown, value: unknown): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value);
    case "integer":
      return Number.isInteger(value);
    default: {
      const own: unknown = typeof value;
      return own === type;
    }
  }
}
