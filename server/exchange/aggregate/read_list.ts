/**
 * One list of one server, read to its end for the daemon itself: it is work for no client, so nothing
 * that the server says meanwhile is taken for theirs.
 *
 * @module
 */

import { Fault } from "../../../protocol/errors.ts";
import { isObject, type JsonObject, nestsDeeperThan } from "../../../protocol/json.ts";
import { modernMeta } from "../../../protocol/modern.ts";
import { LATEST_MODERN_REVISION } from "../../../protocol/revisions.ts";
import { callUpstream, DAEMON, UpstreamError } from "../../upstream/call.ts";
import { isModern } from "../../upstream/handshake.ts";
import type { Instance } from "../../upstream/instance.ts";
import { type ListName, LISTS } from "./lists.ts";

/** A list as its server gave it. */
export interface ReadList {
  items: JsonObject[];
  /** Whether the server says that it is for nobody else. Source: MCP 2026-07-28, server/utilities/caching. */
  isPrivate: boolean;
}

/** Pages of one list that are read: a server that never ends its list must not hang us. */
const MAX_PAGES = 100;
/** Items of one list that are kept. */
const MAX_ITEMS = 20_000;
/** Levels an item may nest. No schema comes near; deeper ones cannot be written by everybody. */
const MAX_DEPTH = 200;

/**
 * Reads the list as it is for clients that can do what `profile` says. What is no item is left out: no object, without its name, nested too deeply. A server
 * that has the capability and not this method has an empty list.
 *
 * @throws {UpstreamError} when the server answered with an error.
 * @throws {Fault} when it did not answer, or `cancelled` when `signal` was aborted: it is told so.
 */
export async function readList(
  instance: Instance,
  { list, signal, profile }: { list: ListName; signal: AbortSignal; profile: JsonObject },
): Promise<ReadList> {
  const { method, key } = LISTS[list];
  const isItem = (item: unknown): item is JsonObject =>
    isObject(item) && typeof item[key] === "string" && !nestsDeeperThan(item, MAX_DEPTH);
  const meta = metaFor(instance, profile);
  const items: JsonObject[] = [];
  let isPrivate = false;
  let cursor: unknown;
  for (let page = 0; page < MAX_PAGES && items.length < MAX_ITEMS; page++) {
    const params = { ...meta, ...(cursor === undefined ? {} : { cursor }) };
    let result;
    try {
      result = await callUpstream(abortable(instance, signal), { owner: DAEMON, method, params });
    } catch (error) {
      if (error instanceof UpstreamError && isNoSuchMethod(error)) break;
      throw error;
    }
    const found = result[list];
    if (Array.isArray(found)) { for (const item of found) if (isItem(item)) items.push(item); }
    if (result.cacheScope === "private") isPrivate = true;
    cursor = result.nextCursor;
    if (typeof cursor !== "string") break;
  }
  return { items, isPrivate };
}

/** A modern server wants to know with every request what its client can do, and lists by it. */
function metaFor({ initializeResult }: Instance, capabilities: JsonObject): JsonObject {
  if (initializeResult === undefined || !isModern(initializeResult)) return {};
  const client = { protocolVersion: LATEST_MODERN_REVISION, clientInfo: undefined, capabilities };
  return { _meta: modernMeta(client) };
}

function isNoSuchMethod({ error }: UpstreamError): boolean {
  return isObject(error) && error.code === -32601;
}

/** The instance, with calls that are abandoned when `signal` is aborted. */
function abortable(instance: Instance, signal: AbortSignal): Pick<Instance, "submit"> {
  return {
    submit(call) {
      const given = {
        ...call,
        answer: (text: string) => (done(), call.answer(text)),
        fail: (fault: Fault) => (done(), call.fail(fault)),
      };
      const onAbort = () => {
        instance.abandon(given, "the client cancelled it");
        call.fail(new Fault("cancelled", `Nobody waits for ${call.method} any more`));
      };
      const done = () => signal.removeEventListener("abort", onAbort);
      if (signal.aborted) return onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      instance.submit(given);
    },
  };
}
