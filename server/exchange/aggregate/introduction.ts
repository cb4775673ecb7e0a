/**
 * How all servers together introduce themselves: what they can do between them, and what each wants said
 * of it. Made of what is known; nothing is started for it.
 *
 * @module
 */

import { isObject, type JsonObject } from "../../../protocol/json.ts";
import type { InitializeResult } from "../../upstream/handshake.ts";
import { type ListName, LISTS } from "./lists.ts";

/** A server and what is known of it. */
export interface Introduced {
  server: string;
  /** Undefined while nothing is known. */
  initialize: InitializeResult | undefined;
}

/** Characters of one server's own instructions that are passed on, and of all of them. */
const MAX_INSTRUCTIONS = 2_000;
const MAX_ALL_INSTRUCTIONS = 16_000;

/**
 * What they can do between them. A server of which nothing is known may be able to do anything, and a
 * session learns this once. Lists change at least with the configuration.
 */
export function unionOf(servers: readonly Introduced[]): JsonObject {
  const some = (capability: string, part?: string) =>
    servers.some(({ initialize }) => {
      const declared = initialize?.capabilities[capability];
      if (initialize === undefined) return true;
      return part === undefined
        ? declared !== undefined
        : isObject(declared) && declared[part] === true;
    });
  const listChanged = true;
  const lists: ListName[] = ["prompts", "resources"];
  const union: JsonObject = { tools: { listChanged } };
  for (const list of lists) {
    if (some(LISTS[list].capability)) union[list] = { listChanged };
  }
  if (some("resources", "subscribe")) union.resources = { listChanged, subscribe: true };
  for (const capability of ["logging", "completions"]) if (some(capability)) union[capability] = {};
  return union;
}

/** What is said of them: their names, and what each says itself. */
export function instructionsOf(
  servers: readonly Introduced[],
  disabled: readonly string[],
): string {
  const names = servers.map(({ server }) => server).join(", ");
  const parts = [
    `Tools and prompts of these servers, each named server__name: ${names}`,
    ...(disabled.length === 0 ? [] : [`Disabled in the configuration: ${disabled.join(", ")}`]),
  ];
  let left = MAX_ALL_INSTRUCTIONS;
  for (const { server, initialize } of servers) {
    const own = initialize?.instructions;
    if (typeof own !== "string" || own.trim() === "" || left <= 0) continue;
    const text = own.trim().slice(0, Math.min(MAX_INSTRUCTIONS, left));
    left -= text.length;
    parts.push(`What server ${server} says of itself:\n${text}`);
  }
  return parts.join("\n\n");
}
