/**
 * What a server may be told of the clients behind an instance. A legacy server learns once, when it is
 * initialized, what its client can do; so clients that can do different things get different instances,
 * and a server only ever sees capabilities that all of its callers have.
 *
 * Source: MCP 2025-11-25, `ClientCapabilities`. Roots are not among them: they belong to a project.
 *
 * @module
 */

import { isObject, type JsonObject } from "../../protocol/json.ts";

/** Capabilities that make a class, with the parts of each that a server may ask for. */
const CLASSES: Readonly<Record<string, readonly string[]>> = {
  elicitation: ["form", "url"],
  sampling: ["context", "tools"],
};

/**
 * The class of a client, in one form however it was written: two clients are of the same class if and
 * only if these are equal as JSON.
 */
export function clientClass(capabilities: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const name in CLASSES) {
    const declared = capabilities[name];
    if (!isObject(declared)) continue;
    const parts = CLASSES[name];
    const known = parts.filter((part) => isObject(declared[part]));
    // Before there were parts, an empty object meant forms (2025-06-18), and it still does.
    if (name === "elicitation" && known.length === 0) known.push("form");
    result[name] = Object.fromEntries(known.map((part) => [part, {}]));
  }
  return result;
}

/** Whether a client of this class can be asked anything by a server. */
export function canBeAsked(capabilities: JsonObject): boolean {
  for (const _ in capabilities) return true;
  return false;
}
