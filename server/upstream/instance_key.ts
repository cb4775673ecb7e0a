/**
 * What an instance truly is. Two entries of the configuration that mean the same server, with the same
 * bounds, for clients of the same class, are one process; and an entry that was not changed keeps its
 * process through a reload.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { isObject, type JsonObject, stringifyJson } from "../../protocol/json.ts";
import type { ServerEntry } from "../config/types.ts";

/** What an instance is made for. */
export interface InstanceSpec {
  /** For one project, where it uses one. */
  entry: ServerEntry;
  /** What the clients behind it can do. */
  capabilities: JsonObject;
  /** The project it works on, an absolute folder. */
  project: string | undefined;
  /** Id of the session that has it for itself. */
  own: string | undefined;
  /**
   * Number, from 1, of a process for modern clients that can be asked: one is not enough where each may
   * have a call of one client that waits for answers. Undefined for all others.
   */
  another?: number;
}

/** The key of an instance: equal for equal specs, whatever the server is called. */
export function instanceKey(
  { entry, capabilities, project, own, another }: InstanceSpec,
): string {
  const isForAll = own === undefined && project === undefined && another === undefined &&
    Object.keys(capabilities).length === 0;
  const { entryKey, keyForAll } = keysOf(entry);
  if (isForAll) return keyForAll;
  return `${entryKey} ${canonical({ capabilities, project, own, another })}`;
}

interface EntryKeys {
  /** What the entry says of it. */
  entryKey: string;
  /** The key of the instance for everybody whom it cannot ask anything, which most are. */
  keyForAll: string;
}

/** By entry: one is never changed, and a call of a client without a name asks for its key. */
const keysByEntry = new WeakMap<ServerEntry, EntryKeys>();

function keysOf(entry: ServerEntry): EntryKeys {
  let keys = keysByEntry.get(entry);
  if (keys === undefined) {
    const { name: _, sharing: { mode }, ...rest } = entry;
    const entryKey = canonical({ ...rest, mode });
    keysByEntry.set(entry, keys = { entryKey, keyForAll: `${entryKey} {"capabilities":{}}` });
  }
  return keys;
}

/** The class of clients that an instance is for: roots make none. */
export function profileOf({ capabilities }: InstanceSpec): JsonObject {
  if (capabilities.roots === undefined) return capabilities;
  const { roots: _, ...profile } = capabilities;
  return profile;
}

/**
 * The key of what is known about a server beyond the life of a process, whoever uses it: it says nothing
 * of the bounds, of projects, or of clients. 64 hexadecimal digits.
 */
export function serverKey(entry: ServerEntry): string {
  return createHash("sha256").update(canonical(identityOf(entry))).digest("hex");
}

function identityOf(entry: ServerEntry): unknown {
  switch (entry.kind) {
    case "stdio":
      return [entry.kind, entry.command, entry.args, entry.env, entry.cwd];
    case "builtin":
      return [entry.kind, entry.builtin];
    case "remote":
      return [entry.kind, entry.type, entry.url, entry.headers];
    case "broken":
      return [entry.kind, entry.name];
  }
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((part) => canonical(part ?? null)).join()}]`;
  if (!isObject(value)) return stringifyJson(value);
  const members = Object.keys(value).filter((key) => value[key] !== undefined).sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
  return `{${members.join()}}`;
}
