/**
 * What all servers together offer to one session: their lists put together, and whose a resource is.
 *
 * Guarantees: always in the order of the configuration, then the server's own; a server that is slow or
 * broken holds up a list for its deadline at most, and is announced when it can be listed after all; a
 * server that does not run is not started for what it is known to offer. A resource is only ever looked
 * for at a server that listed it, or a template it matches.
 *
 * @module
 */

import { asFault, Fault, type Reason } from "../../../protocol/errors.ts";
import type { JsonObject } from "../../../protocol/json.ts";
import type { Clock } from "../../../platform/clock.ts";
import { legacyResult } from "../../bridge/shapes.ts";
import type { Logger } from "../../daemon/log.ts";
import { isModern } from "../../upstream/handshake.ts";
import type { Call } from "../call.ts";
import type { ServerEndpoint } from "../server_endpoint.ts";
import type { Session } from "../session.ts";
import type { Catalog } from "./catalog.ts";
import type { Catalogs, ReadRequest } from "./catalogs.ts";
import { type ListName, LISTS } from "./lists.ts";
import { fullName } from "./names.ts";
import type { ReadList } from "./read_list.ts";
import { matchesTemplate } from "./uri_template.ts";

/** Options of {@linkcode Offers}. */
export interface OffersOptions {
  /** By name, in the order of the configuration. */
  servers: ReadonlyMap<string, ServerEndpoint>;
  catalogs: Catalogs;
  clock: Clock;
  log: Logger;
  /** Milliseconds a list waits for one server. */
  listTimeoutMs: number;
}

/** One server's part of a list, as that server gave it. */
interface Part {
  endpoint: ServerEndpoint;
  catalog: Catalog;
  items: readonly JsonObject[];
}

/** Milliseconds a list waits for a server without which it has something to say, or did the last time. */
const AGAIN_MS = 1_000;
/** Templates of one server that a resource is compared with. */
const MAX_TEMPLATES = 1_000;

/** Reasons why a server cannot be had by one client, whatever becomes of the server. */
const NOT_FOR_THIS_CLIENT: ReadonlySet<Reason> = new Set<Reason>([
  "invalid_params",
  "isolation_required",
  "not_permitted",
  "cancelled",
]);

/** What all servers offer. */
export class Offers {
  readonly #options: OffersOptions;

  constructor(options: OffersOptions) {
    this.#options = options;
  }

  /**
   * A list of all servers as a client sees it: full names, nothing twice.
   *
   * @param again Whether the client is reading on: then what is known is enough.
   */
  async list(list: ListName, call: Call, { again }: { again: boolean }): Promise<JsonObject[]> {
    const { key, prefixed } = LISTS[list];
    const seen = new Set<string>();
    const all: JsonObject[] = [];
    for (const part of await this.#gather(list, call, { again })) {
      for (const item of inEraOf(call.session, list, part)) {
        const own = String(item[key]);
        const full = prefixed ? fullName(part.endpoint.server, own) : own;
        if (seen.has(full)) continue;
        seen.add(full);
        all.push(prefixed ? { ...item, [key]: full } : item);
      }
    }
    return all;
  }

  /**
   * The servers that a resource can be read from: the first that lists it, else those with a template
   * that it matches. None when nobody offers it.
   */
  async ownersOf(uri: string, call: Call): Promise<ServerEndpoint[]> {
    const known = this.#knownOwners(uri, call.session);
    if (known !== undefined) return known;
    const [resources, templates] = await Promise.all([
      this.#gather("resources", call),
      this.#gather("resourceTemplates", call),
    ]);
    const lister = resources.find(({ items }) => items.some((item) => item.uri === uri));
    if (lister !== undefined) return [lister.endpoint];
    return templates.filter(({ items }) => matchesOne(items, uri)).map(({ endpoint }) => endpoint);
  }

  /** The server with this template, or with the resource; undefined when nobody offers it. */
  async ownerOfReference(uri: string, call: Call): Promise<ServerEndpoint | undefined> {
    const templates = await this.#gather("resourceTemplates", call, { again: true });
    const exact = templates.find(({ items }) => items.some((item) => item.uriTemplate === uri));
    return exact?.endpoint ?? (await this.ownersOf(uri, call))[0];
  }

  /** Whether a server is known to list an item of this name. */
  isListed(list: ListName, endpoint: ServerEndpoint, { session, key }: {
    session: Session;
    key: string;
  }): boolean {
    return this.#options.catalogs.of(endpoint, session).has(list, key);
  }

  /** Without asking anybody; undefined when what is known does not decide it. */
  #knownOwners(uri: string, session: Session): ServerEndpoint[] | undefined {
    const owners: ServerEndpoint[] = [];
    // One before it in the order may list it; any other may have a template for it.
    let allLists = true;
    let allTemplates = true;
    for (const endpoint of this.#options.servers.values()) {
      const catalog = this.#options.catalogs.of(endpoint, session);
      if (catalog.has("resources", uri)) return allLists ? [endpoint] : undefined;
      allLists &&= isSettled(catalog, "resources");
      allTemplates &&= isSettled(catalog, "resourceTemplates");
      if (matchesOne(catalog.get("resourceTemplates") ?? [], uri)) owners.push(endpoint);
    }
    return allLists && allTemplates && owners.length > 0 ? owners : undefined;
  }

  // ---- gathering

  async #gather(list: ListName, call: Call, { again = false } = {}): Promise<Part[]> {
    const parts = [...this.#options.servers.values()].map(async (endpoint) => {
      const catalog = this.#options.catalogs.of(endpoint, call.session);
      const items = await this.#partOf(list, { endpoint, catalog, call, again });
      return { endpoint, catalog, items };
    });
    return await Promise.all(parts);
  }

  #partOf(
    list: ListName,
    { endpoint, catalog, call, again }: {
      endpoint: ServerEndpoint;
      catalog: Catalog;
      call: Call;
      again: boolean;
    },
  ): readonly JsonObject[] | Promise<readonly JsonObject[]> {
    const { session } = call;
    if (endpoint.state === "stopped") {
      catalog.missing.add(list);
      return [];
    }
    const running = endpoint.runningFor(session);
    const known = catalog.get(list);
    const isEnough = again || running === undefined ||
      catalog.isFresh(list, running.instance.initializeResult);
    if (known !== undefined && isEnough) return known;
    const request: ReadRequest = {
      catalog,
      list,
      server: endpoint.server,
      reach: () => running ?? endpoint.reach(session, call),
    };
    return this.#read(request, call, known);
  }

  /** One server's list, or what is known of it when it fails or takes too long. */
  #read(
    request: ReadRequest,
    call: Call,
    known: readonly JsonObject[] | undefined,
  ): Promise<readonly JsonObject[]> {
    const { clock, log, listTimeoutMs } = this.#options;
    const { catalog, list, server } = request;
    // Who made one list wait in vain does not hold up every list after it.
    const isShort = known !== undefined || catalog.missing.has(list);
    const waitMs = isShort ? Math.min(listTimeoutMs, AGAIN_MS) : listTimeoutMs;
    return new Promise((resolve) => {
      let isWaiting = true;
      const end = (items: readonly JsonObject[]) => {
        isWaiting = false;
        timer[Symbol.dispose]();
        resolve(items);
      };
      const giveUp = (why: string) => {
        if (known === undefined) catalog.missing.add(list);
        log.warn(known === undefined ? "server left out of a list" : "server listed as known", {
          server,
          list,
          why,
        });
        end(known ?? []);
      };
      // The reading goes on, and is announced when it is done: it still counts as waited for.
      const timer = clock.after(waitMs, () => giveUp(`no answer in ${waitMs} ms`));
      const { reading, outcome } = this.#join(request);
      call.whenCancelled(() => {
        if (!isWaiting) return;
        reading.leave();
        end([]);
      });
      outcome.then(
        ({ items }) => end(items),
        (error) => {
          const fault = asFault(error);
          if (!isWaiting) return;
          if (!NOT_FOR_THIS_CLIENT.has(fault.reason)) return giveUp(fault.message);
          log.debug("server not listed for a client", { server, list, why: fault.message });
          end(known ?? []);
        },
      );
    });
  }

  /** Joins the reading of a list; what turns out to be for one client only is read for each. */
  #join(request: ReadRequest) {
    const { catalogs } = this.#options;
    const { catalog, list } = request;
    const isShared = catalog.key !== undefined;
    const reading = catalogs.read(request, { alone: isShared && catalog.unkept.has(list) });
    const isFirst = reading.join() === 1;
    const forAll = isFirst || !isShared;
    const outcome: Promise<ReadList> = forAll ? reading.done : reading.done.then((read) => {
      if (!read.isPrivate) return read;
      const own = catalogs.read(request, { alone: true });
      own.join();
      return own.done;
    });
    return { reading, outcome };
  }
}

/** Whether nobody need be asked what a list holds: it is known, or its server had its chance. */
function isSettled(catalog: Catalog, list: ListName): boolean {
  return catalog.get(list) !== undefined || catalog.missing.has(list);
}

function matchesOne(templates: readonly JsonObject[], uri: string): boolean {
  return templates.slice(0, MAX_TEMPLATES)
    .some(({ uriTemplate }) => matchesTemplate(String(uriTemplate), uri));
}

/** Items in the shape that the client's era knows. */
function inEraOf(
  session: Session,
  list: ListName,
  { catalog, items }: Part,
): readonly JsonObject[] {
  const isForeign = !session.isModern && catalog.initialize !== undefined &&
    isModern(catalog.initialize);
  if (!isForeign) return items;
  const shaped = legacyResult(LISTS[list].method, { [list]: items }) as JsonObject;
  return shaped[list] as JsonObject[];
}

/** What a client is told of a resource that nobody offers. */
export function unknownResource(uri: unknown, session: Session): Fault {
  const shown = JSON.stringify(typeof uri === "string" ? uri.slice(0, 200) : uri);
  // Since 2026-07-28 it is an invalid parameter like any other.
  return new Fault(
    session.isModern ? "invalid_params" : "resource_not_found",
    `No server offers the resource ${shown}: none lists it, nor a template that it matches`,
  );
}
