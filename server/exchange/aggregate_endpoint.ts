/**
 * All servers behind one address. Tools and prompts are called `server__name`; resources keep their
 * addresses, and each is read from the server that offers it. Lists are in the order of the
 * configuration, and start no server that is known already.
 *
 * What servers offer is known in `aggregate/catalogs.ts`; here, each call finds the server it is for.
 *
 * @module
 */

import { asFault, Fault } from "../../protocol/errors.ts";
import { isObject, type JsonObject } from "../../protocol/json.ts";
import { describe, type NotificationMessage, notificationText } from "../../protocol/message.ts";
import { negotiateRevision } from "../../protocol/revisions.ts";
import { ChurningMap } from "../../platform/churning_map.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../daemon/log.ts";
import type { CatalogStore } from "../store/catalog_store.ts";
import { askInTurn } from "./aggregate/ask_in_turn.ts";
import { listenAt } from "./aggregate/listen_at.ts";
import { type Audience, Catalogs } from "./aggregate/catalogs.ts";
import { instructionsOf, type Introduced, unionOf } from "./aggregate/introduction.ts";
import { LIST_NAMES, type ListName, listOfMethod, LISTS } from "./aggregate/lists.ts";
import { readingsOf } from "./aggregate/names.ts";
import { Offers, unknownResource } from "./aggregate/offers.ts";
import { pageOf, type PageSize } from "./aggregate/paging.ts";
import type { Call } from "./call.ts";
import type { Endpoint } from "./endpoint.ts";
import { discoverResult } from "./instance_calls.ts";
import { honourable, Listeners, readFilter } from "./listeners.ts";
import type { EndpointListener, ServerEndpoint } from "./server_endpoint.ts";
import type { Session } from "./session.ts";
import { isLogLevel } from "./shared_state.ts";
import type { SharedInstance } from "./shared_instance.ts";

/** Options of {@linkcode AggregateEndpoint}. */
export interface AggregateEndpointOptions {
  /** By name, in the order of the configuration. */
  servers: ReadonlyMap<string, ServerEndpoint>;
  /** Names of the servers that are disabled. Default none. */
  disabled?: () => readonly string[];
  /** What servers were last known to offer. */
  catalogs: CatalogStore;
  version: string;
  clock: Clock;
  log: Logger;
  /** Milliseconds a list waits for one server. Default 15,000. */
  listTimeoutMs?: number;
  pageSize?: PageSize;
}

type Method = (all: AggregateEndpoint, call: Call) => void | Promise<void>;

/** What both eras have. */
const METHODS: Readonly<Record<string, Method>> = {
  "tools/call": (all, call) => all.callByName(call, "tools"),
  "prompts/get": (all, call) => all.callByName(call, "prompts"),
  "resources/read": (all, call) => all.readResource(call),
  "completion/complete": (all, call) => all.complete(call),
};

const LEGACY_METHODS: Readonly<Record<string, Method>> = {
  "ping": (_all, call) => call.succeed({}),
  "logging/setLevel": (all, call) => all.setLogLevel(call),
  "resources/subscribe": (all, call) => all.subscribe(call),
  "resources/unsubscribe": (all, call) => all.unsubscribe(call),
};

const MODERN_METHODS: Readonly<Record<string, Method>> = {
  "server/discover": (all, call) => call.succeed(discoverResult(all.introduce(call.session))),
  "subscriptions/listen": (all, call) => all.listen(call),
};

let lastListener = 0;

/** Every server together. */
export class AggregateEndpoint implements Endpoint, EndpointListener {
  readonly server = undefined;
  readonly #options: AggregateEndpointOptions;
  readonly #sessions = new ChurningMap<string, Session>();
  readonly #catalogs: Catalogs;
  readonly #offers: Offers;
  /** Modern clients that listen. */
  readonly #listeners = new Listeners();

  constructor(options: AggregateEndpointOptions) {
    this.#options = options;
    const { catalogs: store, log, version, servers, clock, listTimeoutMs = 15_000 } = options;
    this.#catalogs = new Catalogs({
      store,
      log,
      version,
      onChanged: (lists, audience) => this.#announce(lists, audience),
    });
    this.#offers = new Offers({ servers, catalogs: this.#catalogs, clock, log, listTimeoutMs });
  }

  /** Sessions at this address. */
  get sessions(): ChurningMap<string, Session> {
    return this.#sessions;
  }

  // ---- as an endpoint

  initialize(session: Session, params: JsonObject | undefined): Promise<JsonObject> {
    const introduction = this.introduce(session);
    return Promise.resolve({
      ...introduction,
      protocolVersion: negotiateRevision(params?.protocolVersion),
    });
  }

  request(call: Call): void {
    const { method } = call;
    const list = listOfMethod(method);
    if (list !== undefined) return void this.#list(call, list);
    const ofEra = call.session.isModern ? MODERN_METHODS : LEGACY_METHODS;
    const own = [METHODS, ofEra].find((methods) => Object.hasOwn(methods, method))?.[method];
    if (own !== undefined) return void this.#settle(call, () => own(this, call));
    call.fail(
      new Fault(
        "method_not_found",
        `No method ${describe(method)} for all servers together; one of them may have it, at ` +
          `/mcp/{server}`,
      ),
    );
  }

  notification(session: Session, message: NotificationMessage): void {
    // Nothing else that a client says to all servers at once means the same to each of them.
    if (message.method !== "notifications/roots/list_changed") return;
    for (const endpoint of this.#options.servers.values()) {
      endpoint.notification(session, message);
      const { entry } = endpoint;
      if (entry.kind !== "stdio" || !entry.usesProject) continue;
      // Another project may offer other things.
      this.#catalogs.forget(session, endpoint.server);
      this.#announce(LIST_NAMES, [session]);
    }
  }

  join(session: Session): void {
    this.#sessions.set(session.id, session);
    // From before a restart: whoever waits for updates may never call.
    for (const server of new Set(session.origins.values())) this.#placeAt(server, session);
  }

  leave(session: Session): void {
    this.#sessions.delete(session.id);
    this.#catalogs.forget(session);
    for (const endpoint of this.#options.servers.values()) endpoint.leave(session);
  }

  // ---- what servers do

  onReady(endpoint: ServerEndpoint, shared: SharedInstance): void {
    this.#catalogs.onReady(endpoint, shared);
  }

  onListChanged(endpoint: ServerEndpoint, method: string, shared: SharedInstance): void {
    this.#catalogs.onListChanged(endpoint, method, shared);
  }

  /** Servers were added, removed or changed. */
  onConfigChanged(): void {
    this.#catalogs.keepOnly(this.#options.servers.values());
    this.#announce(LIST_NAMES, "everybody");
  }

  /** Those it concerns hear, once, of each kind of list that is another now. */
  #announce(lists: readonly ListName[], audience: Audience): void {
    const sessions = audience === "everybody" ? this.#sessions.values() : audience;
    const methods = new Set(lists.map((list) => LISTS[list].changed));
    for (const session of sessions) {
      // Those at one server hear it from there.
      if (session.endpoint !== this) continue;
      for (const method of methods) session.tell(notificationText(method));
    }
    if (audience !== "everybody") return;
    for (const method of methods) this.#listeners.onListChanged(method);
  }

  // ---- calls

  /** What all servers say of themselves, as far as it is known to hold for this client. */
  introduce(session: Session) {
    const { servers, disabled = () => [], version } = this.#options;
    const introduced: Introduced[] = [...servers].map(([server, endpoint]) => ({
      server,
      initialize: this.#catalogs.of(endpoint, session).initialize,
    }));
    return {
      protocolVersion: negotiateRevision(undefined),
      capabilities: unionOf(introduced),
      serverInfo: { name: "aichaku", version },
      instructions: instructionsOf(introduced, disabled()),
    };
  }

  async #list(call: Call, list: ListName): Promise<void> {
    await this.#settle(call, async () => {
      const cursor = call.params?.cursor;
      const { pageSize } = this.#options;
      // A cursor of nobody is refused before anybody is asked.
      if (cursor !== undefined) pageOf([], { list, cursor });
      const all = await this.#offers.list(list, call, { again: cursor !== undefined });
      const { items, nextCursor } = pageOf(all, { list, cursor, ...pageSize });
      call.succeed({ [list]: items, ...(nextCursor === undefined ? {} : { nextCursor }) });
    });
  }

  /** Gives a call to the server that its name begins with, under that server's own name. */
  callByName(call: Call, list: "tools" | "prompts"): void {
    const { endpoint, name } = this.#ownerOfName(call, list, call.params?.name);
    call.params = { ...call.params, name };
    endpoint.request(call);
  }

  async readResource(call: Call): Promise<void> {
    const owners = await this.#ownersOfResource(call);
    if (!call.settled) askInTurn(call, owners);
  }

  async complete(call: Call): Promise<void> {
    const ref = isObject(call.params?.ref) ? call.params.ref : {};
    if (ref.type === "ref/prompt") {
      const { endpoint, name } = this.#ownerOfName(call, "prompts", ref.name);
      call.params = { ...call.params, ref: { ...ref, name } };
      return endpoint.request(call);
    }
    if (ref.type !== "ref/resource" || typeof ref.uri !== "string") {
      throw new Fault(
        "invalid_params",
        `Cannot complete for the reference ${JSON.stringify(ref).slice(0, 200)}: it must be ` +
          `{"type":"ref/prompt","name"} or {"type":"ref/resource","uri"}`,
      );
    }
    const owner = await this.#offers.ownerOfReference(ref.uri, call);
    if (owner === undefined) throw unknownResource(ref.uri, call.session);
    if (!call.settled) owner.request(call);
  }

  /** For every server of the session: those it has called, and those it will call. */
  setLogLevel(call: Call): void {
    const { session } = call;
    const level = call.params?.level;
    if (!isLogLevel(level)) {
      throw new Fault("invalid_params", `Unknown log level ${JSON.stringify(level)}`);
    }
    session.logLevel = level;
    session.changed();
    for (const endpoint of this.#options.servers.values()) {
      endpoint.placeOf(session)?.levelChanged(session);
    }
    call.succeed({});
  }

  async subscribe(call: Call): Promise<void> {
    const [owner] = await this.#ownersOfResource(call);
    if (call.settled) return;
    const { session } = call;
    const uri = call.params?.uri as string;
    session.setOrigin(uri, owner.server);
    call.whenSettled(() => {
      if (!session.subscriptions.has(uri)) session.setOrigin(uri, undefined);
    });
    owner.request(call);
  }

  async unsubscribe(call: Call): Promise<void> {
    const { session } = call;
    const uri = call.params?.uri;
    // Where it was subscribed to, whatever that server lists by now.
    const origin = typeof uri === "string" ? session.origins.get(uri) : undefined;
    const subscribed = origin === undefined ? undefined : this.#options.servers.get(origin);
    const owner = subscribed ?? (await this.#ownersOfResource(call))[0];
    if (typeof uri === "string") call.whenSettled(() => session.setOrigin(uri, undefined));
    if (!call.settled) owner.request(call);
  }

  /** Tells a modern client what it asks to hear of, for as long as it is there. */
  async listen(call: Call): Promise<void> {
    const all = { listChanged: true, subscribe: true };
    const filter = honourable(readFilter(call.params), {
      tools: all,
      prompts: all,
      resources: all,
    });
    const acknowledged = Promise.withResolvers<void>();
    const { resourceSubscriptions: uris } = filter;
    if (uris !== undefined) {
      const byOwner = new Map<ServerEndpoint, string[]>();
      for (const uri of uris) {
        const [owner] = await this.#offers.ownersOf(uri, call);
        if (owner !== undefined) byOwner.set(owner, [...byOwner.get(owner) ?? [], uri]);
      }
      const honoured = await Promise.all(
        [...byOwner].map(([owner, uris]) =>
          listenAt(call, owner, { uris, acknowledged: acknowledged.promise })
        ),
      );
      filter.resourceSubscriptions = honoured.flat();
    }
    if (call.settled) return;
    this.#listeners.add(`listener at all ${++lastListener}`, { call, filter }, () => {});
    acknowledged.resolve();
  }

  /** Whatever goes wrong, the call is answered. */
  async #settle(call: Call, action: () => void | Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      const fault = asFault(error);
      if (fault.reason === "internal") {
        this.#options.log.error("fault while taking a call", { method: call.method, error });
      }
      call.fail(fault);
    }
  }

  async #placeAt(server: string, session: Session): Promise<void> {
    try {
      await this.#options.servers.get(server)?.reach(session, undefined);
    } catch (error) {
      // Its next call at that server is told.
      this.#options.log.debug("cannot go on with subscriptions", { server, error });
    }
  }

  // ---- whose it is

  /** @throws {Fault} when nobody offers it. */
  async #ownersOfResource(call: Call): Promise<ServerEndpoint[]> {
    const uri = call.params?.uri;
    if (typeof uri !== "string") {
      throw new Fault("invalid_params", `Cannot do ${call.method}: "uri" must be a text`);
    }
    const owners = await this.#offers.ownersOf(uri, call);
    if (owners.length === 0) throw unknownResource(uri, call.session);
    return owners;
  }

  /** @throws {Fault} when no server has such a name, or several may. */
  #ownerOfName(call: Call, list: "tools" | "prompts", full: unknown) {
    const { servers } = this.#options;
    const readings = (typeof full === "string" ? readingsOf(full, servers.keys()) : [])
      .map(({ server, name }) => ({ endpoint: servers.get(server)!, name }));
    // Of several that could be meant, one may be known to have it.
    const listed = readings.length < 2
      ? readings
      : readings.filter(({ endpoint, name }) =>
        this.#offers.isListed(list, endpoint, { session: call.session, key: name })
      );
    const [owner, ...others] = listed.length === 1 ? listed : readings;
    if (owner === undefined || others.length > 0) {
      const possible = readings.map(({ endpoint }) => endpoint.server);
      throw new Fault("invalid_params", this.#whyNot(list.slice(0, -1), full, possible));
    }
    return owner;
  }

  #whyNot(kind: string, full: unknown, possible: string[]): string {
    const { servers, disabled = () => [] } = this.#options;
    const shown = typeof full === "string"
      ? describe(full)
      : JSON.stringify(full) ?? "without name";
    if (possible.length > 0) {
      return `The ${kind} ${shown} could be of ${possible.join(" and ")}; rename one of them in ` +
        `config.json`;
    }
    const [off] = typeof full === "string" ? readingsOf(full, disabled()) : [];
    if (off !== undefined) {
      return `The ${kind} ${shown} is of server ${
        JSON.stringify(off.server)
      }, which is disabled in ` +
        `config.json; enable it there`;
    }
    return `Unknown ${kind} ${shown}: ${kind}s are named server__${kind}, and the servers are ` +
      [...servers.keys()].join(", ");
  }
}
