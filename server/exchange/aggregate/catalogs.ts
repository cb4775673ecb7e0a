/**
 * What every server offers, as far as it is known: in memory, and on disk for the next daemon. A list
 * that is known is not asked for again unless its server runs anyway; a server that is started is asked
 * whether it still offers the same, and everybody hears when it does not.
 *
 * Guarantees: what is for one client alone (a process of its own, its project, what a server calls
 * private) is neither written down nor given to another. Clients that can do different things have
 * different catalogs. Not guaranteed: that what a stopped server was last known to offer is what it will
 * offer when it is started.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { Fault } from "../../../protocol/errors.ts";
import type { JsonObject } from "../../../protocol/json.ts";
import type { ServerEntry } from "../../config/types.ts";
import type { Logger } from "../../daemon/log.ts";
import { CATALOG_MAX_AGE_MS, type CatalogStore } from "../../store/catalog_store.ts";
import { clientClass } from "../../upstream/client_class.ts";
import { isModern } from "../../upstream/handshake.ts";
import { serverKey } from "../../upstream/instance_key.ts";
import type { ServerEndpoint } from "../server_endpoint.ts";
import type { Session } from "../session.ts";
import type { SharedInstance } from "../shared_instance.ts";
import { areSame, Catalog, hasCapability } from "./catalog.ts";
import { ListReading } from "./list_reading.ts";
import { LIST_NAMES, type ListName, listsOfNotification } from "./lists.ts";
import { type ReadList, readList } from "./read_list.ts";

/** Who is told of a change: everybody, or the sessions it concerns. */
export type Audience = "everybody" | readonly Session[];

/** Options of {@linkcode Catalogs}. */
export interface CatalogsOptions {
  store: CatalogStore;
  log: Logger;
  /** This program's version: what built-in servers offer may differ with it. */
  version: string;
  /** Milliseconds since 1970. Default `Date.now`. */
  wallClock?: () => number;
  /** Lists are others now, or there is more in them than somebody was given. */
  onChanged(lists: readonly ListName[], audience: Audience): void;
}

/** What is to be read. */
export interface ReadRequest {
  catalog: Catalog;
  list: ListName;
  /** Name of the server. */
  server: string;
  /** The instance to read it from. */
  reach(): SharedInstance | Promise<SharedInstance>;
}

/** An instance of a server. */
interface Place {
  endpoint: ServerEndpoint;
  shared: SharedInstance;
}

/** How long what a remote server offers is taken for granted; asking it starts nothing. Milliseconds. */
const REMOTE_MAX_AGE_MS = 60 * 60_000;
/** Milliseconds after which a catalog that was found unchanged is written again, so that it does not age. */
const RENEW_MS = 24 * 60 * 60_000;

/** The catalogs of all servers. */
export class Catalogs {
  readonly #options: CatalogsOptions;
  readonly #shared = new Map<string, Catalog>();
  /** What one session alone is offered, by server. */
  readonly #own = new WeakMap<Session, Map<string, Catalog>>();
  readonly #readings = new WeakMap<Catalog, Map<ListName, ListReading>>();
  /** When each shared catalog was last written. */
  readonly #writtenAt = new WeakMap<Catalog, number>();
  /** Hashing takes longer than all the rest. */
  readonly #serverKeys = new WeakMap<ServerEntry, string>();

  constructor(options: CatalogsOptions) {
    this.#options = options;
  }

  /** What a server offers to a session. */
  of(endpoint: ServerEndpoint, session: Session): Catalog {
    const profile = clientClass(session.capabilities);
    if (!endpoint.isApart(session)) return this.#sharedBy(endpoint.entry, profile);
    const own = this.#own.get(session) ?? new Map<string, Catalog>();
    this.#own.set(session, own);
    const catalog = own.get(endpoint.server) ?? new Catalog({ key: undefined, profile });
    own.set(endpoint.server, catalog);
    return catalog;
  }

  /** Forgets what a session alone is offered by a server, or by all. */
  forget(session: Session, server?: string): void {
    if (server === undefined) this.#own.delete(session);
    else this.#own.get(session)?.delete(server);
  }

  /** Lets go of what belongs to no configured server any more; it stays on disk until it is too old. */
  keepOnly(endpoints: Iterable<ServerEndpoint>): void {
    const keys = new Set([...endpoints].map(({ entry }) => this.#serverKeyOf(entry)));
    for (const key of this.#shared.keys()) {
      if (!keys.has(key.slice(0, key.indexOf(" ")))) this.#shared.delete(key);
    }
  }

  /**
   * Reads a list; whoever asks meanwhile waits for the same. The caller joins what is returned.
   *
   * @param alone Whether it is for one client only; nothing of it is kept then.
   */
  read(request: ReadRequest, { alone = false } = {}): ListReading {
    const { catalog, list } = request;
    const before = catalog.get(list);
    const begin = () => new ListReading((reading) => this.#perform(request, { reading, before }));
    if (alone) return begin();
    const readings = this.#readings.get(catalog) ?? new Map<ListName, ListReading>();
    this.#readings.set(catalog, readings);
    const running = readings.get(list);
    if (running !== undefined && !running.signal.aborted) return running;
    const reading = begin();
    readings.set(list, reading);
    const done = () => void (readings.get(list) === reading && readings.delete(list));
    reading.done.then(done, done);
    return reading;
  }

  // ---- what servers do

  /** A server was started: whatever was known of it, or somebody missed, is read anew. */
  onReady(endpoint: ServerEndpoint, shared: SharedInstance): void {
    for (const catalog of this.#catalogsOf(endpoint, shared)) {
      for (const list of LIST_NAMES) {
        if (catalog.get(list) === undefined && !catalog.missing.has(list)) continue;
        const reading = this.#readOnRunning(catalog, list, { endpoint, shared });
        reading.announces = true;
      }
    }
  }

  /** A server says that a list of it changed. */
  onListChanged(endpoint: ServerEndpoint, method: string, shared: SharedInstance): void {
    const lists = listsOfNotification(method);
    if (lists.length === 0) return;
    for (const catalog of this.#catalogsOf(endpoint, shared)) {
      for (const list of lists) {
        catalog.outdate(list);
        // What is being read may be of before: whoever asks from now on does not get that.
        const wasBeingRead = this.#readings.get(catalog)?.delete(list) ?? false;
        if (wasBeingRead || catalog.get(list) !== undefined) {
          this.#follow(catalog, list, { endpoint, shared });
        }
      }
    }
    this.#options.onChanged(lists, audienceOf(shared));
  }

  /** Reads a list that changed; however often it changes meanwhile, once more after that. */
  async #follow(catalog: Catalog, list: ListName, at: Place): Promise<void> {
    const { followed } = catalog;
    if (followed.has(list)) return void followed.set(list, true);
    do {
      followed.set(list, false);
      // A failure was logged; what was known stands until somebody asks again.
      await this.#readOnRunning(catalog, list, at).done.catch(() => {});
    } while (followed.get(list));
    followed.delete(list);
  }

  /** Reads a list on the daemon's own account, if the server still runs. */
  #readOnRunning(catalog: Catalog, list: ListName, { endpoint, shared }: Place): ListReading {
    const { server } = endpoint;
    const reading = this.read({ catalog, list, server, reach: () => requireRunning(shared) });
    reading.keep();
    reading.done.catch((error) => {
      this.#options.log.debug("cannot ask a server what it offers", {
        server,
        list,
        error: error.message,
      });
    });
    return reading;
  }

  /** The catalogs that an instance fills, as far as somebody uses them. */
  #catalogsOf(endpoint: ServerEndpoint, shared: SharedInstance): Catalog[] {
    const sessions = sessionsApart(shared);
    if (sessions !== undefined) {
      return sessions.map((session) => this.#own.get(session)?.get(endpoint.server))
        .filter((catalog) => catalog !== undefined);
    }
    const { entry } = endpoint;
    const ofClass = this.#sharedBy(entry, clientClass(shared.spec.capabilities));
    const { initializeResult } = shared.instance;
    if (initializeResult === undefined || !isModern(initializeResult)) return [ofClass];
    // A modern server is told with every request what its client can do: all classes share it.
    const head = `${this.#serverKeyOf(entry)} `;
    return [...this.#shared].filter(([key]) => key.startsWith(head)).map(([, catalog]) => catalog);
  }

  // ---- reading

  async #perform(
    { catalog, list, server, reach }: ReadRequest,
    { reading, before }: { reading: ListReading; before: readonly JsonObject[] | undefined },
  ): Promise<ReadList> {
    // Not for one client only, and not overtaken by a change of the list.
    const isCurrent = () => this.#readings.get(catalog)?.get(list) === reading;
    const shared = await reach();
    const { instance } = shared;
    const process = await instance.ready();
    reading.signal.throwIfAborted();
    // A process that came to be of its client's own meanwhile says nothing of what others have.
    const isOnesOwn = shared.own !== undefined && catalog.key !== undefined;
    if (!isOnesOwn) {
      catalog.learn(process, this.#now());
      if (isCurrent()) {
        this.#readRest({
          catalog,
          list,
          server,
          reach: () => requireRunning(shared),
        });
      }
    }
    const read = hasCapability(process, list)
      ? await readList(instance, { list, signal: reading.signal, profile: catalog.profile })
      : { items: [], isPrivate: false };
    if (isOnesOwn) return { ...read, isPrivate: true };
    if (!isCurrent() || instance.initializeResult !== process) return read;
    if (read.isPrivate) catalog.drop(list);
    else catalog.set(list, read.items, process);
    const differs = before === undefined || !areSame(before, read.items);
    this.#keep(catalog, server);
    const hasArrived = catalog.missing.delete(list) && read.items.length > 0;
    if (hasArrived || (reading.announces && before !== undefined && differs)) {
      this.#options.onChanged([list], catalog.key === undefined ? audienceOf(shared) : "everybody");
    }
    return read;
  }

  /** Now that the server runs: what else it offers, so that nobody has to start it for that. */
  #readRest(request: ReadRequest): void {
    const { catalog } = request;
    const readings = this.#readings.get(catalog);
    for (const list of LIST_NAMES) {
      if (catalog.get(list) !== undefined || catalog.unkept.has(list) || readings?.has(list)) {
        continue;
      }
      this.read({ ...request, list }).keep();
    }
  }

  // ---- keeping

  #sharedBy(entry: ServerEntry, profile: JsonObject): Catalog {
    const { store, version } = this.#options;
    const program = entry.kind === "builtin" ? version : "";
    const key = `${this.#serverKeyOf(entry)} ${JSON.stringify(profile)} ${program}`;
    const maxAge = entry.kind === "remote" ? REMOTE_MAX_AGE_MS : CATALOG_MAX_AGE_MS;
    const isTooOld = (readAt: number) => Math.abs(this.#now() - readAt) > maxAge;
    const inMemory = this.#shared.get(key);
    if (inMemory !== undefined) {
      const isOld = inMemory.initialize !== undefined && isTooOld(inMemory.readAt);
      if (!isOld || this.#readings.get(inMemory)?.size) return inMemory;
    }
    const file = createHash("sha256").update(key).digest("hex");
    const record = store.get(file);
    const isGood = record !== undefined && !isTooOld(record.readAt);
    if (record !== undefined && !isGood) store.delete(file);
    const catalog = new Catalog({ key: file, profile, record: isGood ? record : undefined });
    if (isGood) this.#writtenAt.set(catalog, record.readAt);
    this.#shared.set(key, catalog);
    return catalog;
  }

  #serverKeyOf(entry: ServerEntry): string {
    const key = this.#serverKeys.get(entry) ?? serverKey(entry);
    this.#serverKeys.set(entry, key);
    return key;
  }

  #keep(catalog: Catalog, server: string): void {
    const { key } = catalog;
    if (key === undefined) return;
    const isAging = this.#now() - (this.#writtenAt.get(catalog) ?? 0) > RENEW_MS;
    const record = catalog.isUnsaved || isAging ? catalog.toRecord(server) : undefined;
    if (record === undefined) return;
    this.#writtenAt.set(catalog, this.#now());
    this.#options.store.put(key, record);
  }

  #now(): number {
    return (this.#options.wallClock ?? Date.now)();
  }
}

/** Nothing that the daemon wants to know for itself is worth starting a server. */
function requireRunning(shared: SharedInstance): SharedInstance {
  if (shared.instance.life.state === "ready") return shared;
  throw new Fault("cancelled", `Server ${JSON.stringify(shared.server)} does not run any more`);
}

/** The sessions that an instance is apart for; undefined when it is for everybody of a class. */
function sessionsApart(shared: SharedInstance): Session[] | undefined {
  if (shared.own !== undefined) return [shared.own];
  return shared.spec.project === undefined ? undefined : [...shared.sessions.values()];
}

function audienceOf(shared: SharedInstance): Audience {
  return sessionsApart(shared) ?? "everybody";
}
