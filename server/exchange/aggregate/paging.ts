/**
 * Pages of a list. A cursor says where the page before it ended, and nothing else is kept for it: it is
 * good in any session and after a restart, and a list that changed meanwhile goes on after the same item
 * where it still is.
 *
 * A cursor holds the name of the list, a count, and a hash: nothing that a client may not know.
 *
 * Source: MCP 2025-11-25, server/utilities/pagination.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { Fault } from "../../../protocol/errors.ts";
import { isObject, type JsonObject } from "../../../protocol/json.ts";
import { type ListName, LISTS } from "./lists.ts";

/** How large a page may be. One item fits whatever its size. */
export interface PageSize {
  /** Default 500: clients that know nothing of pages see the first one only. */
  maxItems?: number;
  /** Characters of JSON. Default 2 Mi. */
  maxChars?: number;
}

/** One page. */
export interface Page {
  items: JsonObject[];
  nextCursor?: string;
}

/** Where a page ended. */
interface Position {
  /** Items before it. */
  count: number;
  /** Of the last item before it. */
  hash: string;
}

const MAX_ITEMS = 500;
const MAX_CHARS = 2 * 1024 * 1024;

/**
 * The page of `items` that `cursor` asks for; the first one without.
 *
 * @throws {Fault} `invalid_params` when it is no cursor of this list.
 */
export function pageOf(
  items: JsonObject[],
  { list, cursor, maxItems = MAX_ITEMS, maxChars = MAX_CHARS }: PageSize & {
    list: ListName;
    cursor: unknown;
  },
): Page {
  const keyOf = (item: JsonObject) => String(item[LISTS[list].key]);
  const start = cursor === undefined ? 0 : startOf(items.map(keyOf), readCursor(list, cursor));
  let end = start;
  for (let chars = 0; end < items.length && end - start < maxItems; end++) {
    chars += JSON.stringify(items[end]).length;
    if (end > start && chars > maxChars) break;
  }
  const page = items.slice(start, end);
  if (end >= items.length) return { items: page };
  const position = { count: end, hash: hashOf(keyOf(page.at(-1)!)) };
  return { items: page, nextCursor: writeCursor(list, position) };
}

function startOf(keys: string[], { count, hash }: Position): number {
  const isAfter = (at: number) => at > 0 && at <= keys.length && hashOf(keys[at - 1]) === hash;
  if (isAfter(count)) return count;
  const found = keys.findIndex((key) => hashOf(key) === hash);
  return found === -1 ? Math.min(count, keys.length) : found + 1;
}

function hashOf(key: string): string {
  return createHash("sha256").update(key).digest("base64url").slice(0, 12);
}

function writeCursor(list: ListName, { count, hash }: Position): string {
  return btoa(JSON.stringify({ list, count, hash }))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function readCursor(list: ListName, cursor: unknown): Position {
  const position = typeof cursor === "string" ? decode(cursor) : undefined;
  const { count, hash } = position ?? {};
  if (
    position?.list !== list || typeof hash !== "string" || hash.length !== 12 ||
    typeof count !== "number" || !Number.isSafeInteger(count) || count < 1
  ) {
    throw new Fault(
      "invalid_params",
      `${JSON.stringify(cursor)?.slice(0, 100)} is no cursor of ${LISTS[list].method}; begin ` +
        `again without one`,
    );
  }
  return { count, hash };
}

function decode(cursor: string): JsonObject | undefined {
  if (cursor.length > 200) return undefined;
  try {
    const value: unknown = JSON.parse(atob(cursor.replaceAll("-", "+").replaceAll("_", "/")));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // Not one of ours.
  }
}
