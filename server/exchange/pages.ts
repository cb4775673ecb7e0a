/**
 * A whole list of a server's, page by page.
 *
 * @module
 */

import { isObject, type JsonObject } from "../../protocol/json.ts";
import { type Callee, callUpstream } from "../upstream/call.ts";

/** Which list to read, and for whom. */
export interface PagesOptions {
  /** Default: the daemon itself. */
  owner?: string;
  /** `tools/list` and its like. */
  method: string;
  /** Member of the result that holds the items. */
  member: string;
}

/** Pages of one list that are read: a server that never ends its list must not hang us. */
const MAX_PAGES = 100;

/**
 * Reads the list to its end. Items that are no objects are left out.
 *
 * @throws {UpstreamError} when the server answered with an error.
 * @throws {Fault} when it did not answer.
 */
export async function readPages(
  callee: Callee,
  { owner, method, member }: PagesOptions,
): Promise<JsonObject[]> {
  const items: JsonObject[] = [];
  let cursor: unknown;
  for (let page = 0; page < MAX_PAGES; page++) {
    const params = cursor === undefined ? {} : { cursor };
    const result = await callUpstream(callee, { owner, method, params });
    const found = result[member];
    if (Array.isArray(found)) items.push(...found.filter(isObject));
    cursor = result.nextCursor;
    if (typeof cursor !== "string") break;
  }
  return items;
}
