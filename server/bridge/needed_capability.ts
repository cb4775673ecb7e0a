/**
 * What a client must have declared to be asked something.
 *
 * Source: MCP 2026-07-28, `ClientCapabilities`, and before it MCP 2025-11-25 and 2025-06-18, which had
 * fewer parts: an `elicitation` without any means forms, in every revision.
 *
 * @module
 */

import { isObject, type JsonObject } from "../../protocol/json.ts";

/** A question, as far as it matters here. */
interface Asked {
  method: string;
  params: JsonObject | undefined;
}

type Need = (params: JsonObject) => JsonObject;

const NEEDS: Readonly<Record<string, Need>> = {
  "elicitation/create": ({ mode }) => ({ elicitation: mode === "url" ? { url: {} } : {} }),
  "sampling/createMessage": ({ tools, toolChoice }) => ({
    sampling: tools === undefined && toolChoice === undefined ? {} : { tools: {} },
  }),
  "roots/list": () => ({ roots: {} }),
};

/**
 * What of its capabilities a client would have to declare to be asked this.
 *
 * @returns `ClientCapabilities` with what is missing; undefined when nothing is.
 * @throws {RangeError} when clients are never asked such a thing.
 */
export function missingCapability(
  capabilities: JsonObject,
  { method, params }: Asked,
): JsonObject | undefined {
  if (!Object.hasOwn(NEEDS, method)) throw new RangeError(`${method} is no question`);
  const needed = NEEDS[method](params ?? {});
  const [[name, parts]] = Object.entries(needed);
  const declared = capabilities[name];
  if (!isObject(declared)) return needed;
  const isMissing = Object.keys(parts as JsonObject).some((part) => !isObject(declared[part]));
  if (isMissing) return needed;
  const onlyUrls = name === "elicitation" && Object.keys(parts as JsonObject).length === 0 &&
    isObject(declared.url) && !isObject(declared.form);
  return onlyUrls ? { elicitation: { form: {} } } : undefined;
}

/** Whether clients are asked such a thing at all. */
export function isQuestion(method: string): boolean {
  return Object.hasOwn(NEEDS, method);
}
