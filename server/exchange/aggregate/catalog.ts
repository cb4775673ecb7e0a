/**
 * What one server is known to offer to clients of one class, or to one client alone.
 *
 * @module
 */

import type { JsonObject } from "../../../protocol/json.ts";
import { isObject, stringifyJson } from "../../../protocol/json.ts";
import type { CatalogRecord } from "../../store/catalog_store.ts";
import type { InitializeResult } from "../../upstream/handshake.ts";
import { LIST_NAMES, type ListName, LISTS } from "./lists.ts";

interface Known {
  items: readonly JsonObject[];
  /** Its items by name, made when first asked for. */
  byKey?: Map<unknown, JsonObject>;
  /** What the process that gave it said of itself; undefined once it may be another. */
  from: InitializeResult | undefined;
}

/** What a server offers, as far as it is known. */
export class Catalog {
  /** Where it is kept; undefined for what one client alone is offered, which is kept nowhere. */
  readonly key: string | undefined;
  /** What the clients can do whom it is offered to; see `clientClass`. */
  readonly profile: JsonObject;
  /** Lists that went out without this server's part. */
  readonly missing = new Set<ListName>();
  /** Lists that the server says are for nobody else: never kept, read for each client. */
  readonly unkept = new Set<ListName>();
  /** Lists that are read again because they changed; whether they changed once more meanwhile. */
  readonly followed = new Map<ListName, boolean>();
  /** Wall clock, milliseconds since 1970: when the server last told any of it. */
  readAt = 0;
  #isUnsaved = false;
  #initialize: InitializeResult | undefined;
  readonly #lists = new Map<ListName, Known>();

  constructor(
    { key, profile, record }: {
      key: string | undefined;
      profile: JsonObject;
      record?: CatalogRecord;
    },
  ) {
    this.key = key;
    this.profile = profile;
    if (record === undefined) return;
    this.readAt = record.readAt;
    this.#initialize = record.initialize as InitializeResult;
    for (const list of LIST_NAMES) {
      const items = Object.hasOwn(record.lists, list) ? record.lists[list] : undefined;
      if (items !== undefined) this.#lists.set(list, { items, from: undefined });
    }
  }

  /** What the server says of itself; undefined while nothing is known. */
  get initialize(): InitializeResult | undefined {
    return this.#initialize;
  }

  /** A list; undefined when it is not known. One that the server does not have is empty. */
  get(list: ListName): readonly JsonObject[] | undefined {
    if (this.#initialize === undefined) return undefined;
    if (!hasCapability(this.#initialize, list)) return [];
    return this.#lists.get(list)?.items;
  }

  /** Whether an item of this name is known to be in a list. */
  has(list: ListName, key: string): boolean {
    if (this.get(list) === undefined) return false;
    const known = this.#lists.get(list);
    if (known === undefined) return false;
    known.byKey ??= new Map(known.items.map((item) => [item[LISTS[list].key], item]));
    return known.byKey.has(key);
  }

  /**
   * Whether a list is what the running process has now: it gave it, it says when it changes, and has not
   * said so.
   */
  isFresh(list: ListName, process: InitializeResult | undefined): boolean {
    if (process === undefined || process !== this.#initialize) return false;
    const capability = process.capabilities[LISTS[list].capability];
    if (capability === undefined) return true;
    return this.#lists.get(list)?.from === process && isObject(capability) &&
      capability.listChanged === true;
  }

  /** Whether there is more to keep than was kept. */
  get isUnsaved(): boolean {
    return this.#isUnsaved;
  }

  /** A process has said what it is. */
  learn(process: InitializeResult, now: number): void {
    const before = this.#initialize;
    this.#initialize = process;
    this.readAt = now;
    this.#isUnsaved ||= before === undefined ||
      stringifyJson(essenceOf(before)) !== stringifyJson(essenceOf(process));
  }

  /** A process has given a list. */
  set(list: ListName, items: readonly JsonObject[], process: InitializeResult): void {
    const before = this.#lists.get(list)?.items;
    this.#lists.set(list, { items, from: process });
    this.unkept.delete(list);
    this.#isUnsaved ||= before === undefined || !areSame(before, items);
  }

  /** A list is not to be kept. */
  drop(list: ListName): void {
    this.unkept.add(list);
    if (this.#lists.delete(list)) this.#isUnsaved = true;
  }

  /** A list may be another now; what was known of it stands until it is read again. */
  outdate(list: ListName): void {
    const known = this.#lists.get(list);
    if (known !== undefined) known.from = undefined;
  }

  /** What there is to keep; it counts as kept then. Undefined when nothing is known. */
  toRecord(server: string): CatalogRecord | undefined {
    if (this.#initialize === undefined) return undefined;
    this.#isUnsaved = false;
    const lists = [...this.#lists].map(([list, { items }]) => [list, items]);
    return {
      server,
      readAt: this.readAt,
      initialize: essenceOf(this.#initialize),
      lists: Object.fromEntries(lists),
    };
  }
}

/** The part that is kept. */
function essenceOf(initialize: InitializeResult): JsonObject {
  const { protocolVersion, capabilities, serverInfo, instructions } = initialize;
  return { protocolVersion, capabilities, serverInfo, instructions };
}

/** Whether a server has a list. */
export function hasCapability({ capabilities }: InitializeResult, list: ListName): boolean {
  return capabilities[LISTS[list].capability] !== undefined;
}

/** Whether two lists are the same, order included: clients show them in it. */
export function areSame(one: readonly JsonObject[], other: readonly JsonObject[]): boolean {
  return one.length === other.length && stringifyJson(one) === stringifyJson(other);
}
