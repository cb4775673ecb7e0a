/**
 * One server of the configuration as its clients see it. Each session is placed once, on the instance
 * that is right for it: of its project, told of what its client can do, shared or its own.
 *
 * Guarantees: a session stays on its instance, where its state is; when that state is lost, its client
 * is told and never served by another instance as if nothing had happened. Shared instances keep nothing
 * of a client's but log level and subscriptions, which are said again to the next process.
 *
 * @module
 */

import { ChurningMap, ChurningSet } from "../../platform/churning_map.ts";
import type { Clock } from "../../platform/clock.ts";
import { asFault, Fault } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { type NotificationMessage, notificationText } from "../../protocol/message.ts";
import { LATEST_LEGACY_REVISION, negotiateRevision } from "../../protocol/revisions.ts";
import { forProject } from "../config/project.ts";
import type { ServerEntry, StdioEntry } from "../config/types.ts";
import type { Logger } from "../daemon/log.ts";
import type { VerdictStore } from "../store/verdict_store.ts";
import { canBeAsked, clientClass } from "../upstream/client_class.ts";
import type { InitializeResult } from "../upstream/handshake.ts";
import { type InstanceSpec, profileOf, serverKey } from "../upstream/instance_key.ts";
import type { Call } from "./call.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Pool } from "./pool.ts";
import { ProjectFinder } from "./project_finder.ts";
import { stopWhenQuiet } from "./retire.ts";
import type { Session } from "./session.ts";
import type { Doubt } from "../upstream/in_flight.ts";
import type { InstanceUser, SharedInstance } from "./shared_instance.ts";

/** Who hears what happens at a server: the endpoint of all of them together. */
export interface EndpointListener {
  onReady(endpoint: ServerEndpoint, shared: SharedInstance): void;
  onListChanged(endpoint: ServerEndpoint, method: string, shared: SharedInstance): void;
}

/** Options of {@linkcode ServerEndpoint}. */
export interface ServerEndpointOptions {
  entry: ServerEntry;
  pool: Pool;
  verdicts: VerdictStore;
  clock: Clock;
  log: Logger;
  listener: EndpointListener;
  /** What may change while the daemon runs. */
  settings(): { projectRoots: readonly string[]; maxInstances: number };
}

/** What a server may have; told to a client whose server cannot be started yet. */
const WIDEST_CAPABILITIES: JsonObject = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  logging: {},
  completions: {},
};

/** What a modern client may be asked whose calls all go to one process; each says what it can be asked. */
const WIDEST_ELICITATION = { elicitation: { form: {}, url: {} } };
const WIDEST_CLIENT = { ...WIDEST_ELICITATION, sampling: {}, roots: {} };

/** The capability behind each list, and the list of a server that has none. */
const LISTS: Readonly<Record<string, { capability: string; empty: JsonObject }>> = {
  "tools/list": { capability: "tools", empty: { tools: [] } },
  "prompts/list": { capability: "prompts", empty: { prompts: [] } },
  "resources/list": { capability: "resources", empty: { resources: [] } },
  "resources/templates/list": { capability: "resources", empty: { resourceTemplates: [] } },
};

const LISTS_CHANGED = [
  "notifications/tools/list_changed",
  "notifications/prompts/list_changed",
  "notifications/resources/list_changed",
].map((method) => notificationText(method));

/** Why a question could be for nobody, as the end of a sentence. */
const DOUBTS: Readonly<Record<Doubt, string>> = {
  several: "calls of several clients were unanswered",
  none: "no client had a call in flight",
};

/** Milliseconds that calls may go on at an instance that was replaced. */
const RETIRE_MS = 60_000;

/** States of instances, the one that says most about a server first. */
const STATES = ["ready", "starting", "backoff", "failed", "draining", "idle"] as const;

/** One server. */
export class ServerEndpoint implements Endpoint, InstanceUser {
  readonly server: string;
  readonly #options: ServerEndpointOptions;
  readonly #projects: ProjectFinder;
  /** Sessions at this address, placed or not; those at all servers together are not among them. */
  readonly #sessions = new ChurningSet<Session>();
  readonly #places = new ChurningMap<Session, SharedInstance>();
  readonly #instances = new Set<SharedInstance>();
  /** Instances that were replaced, and whose calls may finish. */
  readonly #leaving = new Set<SharedInstance>();
  /** Sessions that were told what a server may have, before there was one to ask. */
  readonly #provisional = new WeakSet<Session>();
  /** Sessions that lost their place while the server was stopped. */
  readonly #displaced = new Set<Session>();
  #entry: ServerEntry;
  #serverKey: string | undefined;
  /** What some instance said of itself the last time. */
  #lastKnown: InitializeResult | undefined;
  #held = false;
  /** It is not configured any more, and never runs again. */
  #removed = false;
  /** How a process of it ended that is not known any more. */
  #lastError: string | undefined;

  constructor(options: ServerEndpointOptions) {
    this.server = options.entry.name;
    this.#options = options;
    this.#entry = options.entry;
    this.#projects = new ProjectFinder({
      server: this.server,
      roots: () => options.settings().projectRoots,
    });
  }

  get entry(): ServerEntry {
    return this.#entry;
  }

  /** Instances its sessions use. */
  get instances(): ReadonlySet<SharedInstance> {
    return this.#instances;
  }

  /** Sessions at this server. */
  get clients(): number {
    return this.#places.size;
  }

  /** How the last process ended that one client had for itself, if it was not meant to. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** The state that says most about it: one process that runs is a server that runs. */
  get state(): string {
    if (this.#held) return "stopped";
    const states = new Set([...this.#instances].map(({ instance }) => instance.life.state));
    return STATES.find((state) => states.has(state)) ?? "idle";
  }

  /** Why clients that can be asked get a process of their own, if they do. */
  get verdict(): string | undefined {
    return this.#options.verdicts.get(this.#key)?.isolate;
  }

  // ---- as an endpoint

  async initialize(session: Session, params: JsonObject | undefined): Promise<JsonObject> {
    const introduction = await this.#introduce(session);
    // Tasks belong to whoever began them, and the server would list them to everybody.
    const { tasks: _, ...capabilities } = introduction.capabilities;
    return {
      ...introduction,
      protocolVersion: negotiateRevision(params?.protocolVersion),
      capabilities,
    };
  }

  request(call: Call): void {
    const { session } = call;
    const parked = this.#parkedFor(call);
    if (parked !== undefined) return parked.request(call);
    const loss = this.#lossOf(session);
    if (loss !== undefined) {
      return call.fail(
        new Fault("upstream_exited", loss, { server: this.server, retryable: true }),
      );
    }
    const isProvisional = this.#provisional.has(session);
    const placed = this.#places.get(session);
    if (placed !== undefined && !isProvisional) {
      if (this.#suits(placed, call)) return placed.request(call);
      this.#unplace(session, placed);
    }
    let place;
    try {
      place = this.reach(session, call);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return call.fail(error);
    }
    if (place instanceof Promise || isProvisional) this.#requestWhenPlaced(place, call);
    else place.request(call);
  }

  notification(session: Session, message: NotificationMessage): void {
    if (message.method === "notifications/roots/list_changed") this.#onRootsChanged(session);
    this.#places.get(session)?.notification(session, message);
  }

  join(session: Session): void {
    // At all servers together, a session comes here with its first call.
    if (session.endpoint !== this) return;
    this.#sessions.add(session);
    if (this.#mustAskProject(session)) return;
    // Where a modern one belongs, each of its calls says for itself.
    if (!session.isModern) this.#tryPlace(session);
  }

  leave(session: Session): void {
    this.#projects.forget(session);
    this.#displaced.delete(session);
    this.#sessions.delete(session);
    const shared = this.#places.get(session);
    if (shared === undefined) return;
    if (shared.own !== session) return this.#unplace(session, shared);
    this.#places.delete(session);
    shared.leave(session);
    // It may come back under its name when it was only forgotten.
    this.#bereave(session, "it was not used for too long");
    this.#stop(shared, "its client is gone");
  }

  #unplace(session: Session, shared: SharedInstance): void {
    this.#places.delete(session);
    this.#letGo(session, shared);
    this.#forgetIfUseless(shared);
  }

  /** What an instance keeps for a session goes, unless the session is there by another name as well. */
  #letGo(session: Session, shared: SharedInstance): void {
    const isThere = [...shared.users].some((user) => user !== this && user.isAt(session, shared));
    if (!isThere) shared.leave(session);
  }

  isAt(session: Session, shared: SharedInstance): boolean {
    return this.#places.get(session) === shared;
  }

  // ---- placing

  /**
   * The instance of a session; it is placed there if it was nowhere. At once, unless its project must be
   * looked at.
   *
   * @throws {Fault} thrown or as a rejection: when there can be none for it.
   */
  reach(session: Session, via: Call | undefined): SharedInstance | Promise<SharedInstance> {
    const placed = this.#places.get(session);
    if (placed !== undefined) return placed;
    // Nobody would ever take it off again.
    if (session.ended) throw new Fault("cancelled", "The client's session has ended");
    if (this.#held) throw this.#isHeld();
    const entry = this.#entry;
    if (!this.#usesProject) return this.#place(session, { entry, via });
    return this.#projects.find(session, via).then((project) => {
      // Two calls at once may have come here.
      const placed = this.#places.get(session);
      if (placed !== undefined) return placed;
      // Another configuration may have come as well, which needs another folder, or none.
      if (session.ended || this.#held || this.#entry !== entry) return this.reach(session, via);
      return this.#place(session, {
        entry: forProject(entry as StdioEntry, project),
        project,
        via,
      });
    });
  }

  #place(
    session: Session,
    { entry, project, via }: { entry: ServerEntry; project?: string; via: Call | undefined },
  ): SharedInstance {
    const own = this.#isolates(session) ? session : undefined;
    const { capabilities } = via ?? session;
    const shared = this.#instanceFor({
      entry,
      capabilities: this.#told({ own, project, capabilities }),
      project,
      own: own?.id,
    }, { session, via });
    shared.users.add(this);
    this.#instances.add(shared);
    this.#places.set(session, shared);
    if (own !== undefined) this.#note(session);
    shared.join(session, this.#subscriptionsOf(session));
    return shared;
  }

  /** What a process is told that the clients behind it can do. */
  #told({ own, project, capabilities }: {
    own: Session | undefined;
    project: string | undefined;
    capabilities: JsonObject;
  }): JsonObject {
    const profile = this.#classOf(capabilities);
    // It may be another thing with each of a modern client's calls, and the process stays.
    if (own?.kind === "modern") return { ...WIDEST_CLIENT, ...profile, ...WIDEST_ELICITATION };
    const roots = project === undefined ? own?.capabilities.roots : {};
    return { ...profile, ...(roots === undefined ? {} : { roots }) };
  }

  /**
   * The instance that a session is to use. A modern client's call that is asked something waits there
   * for its client to come back, which may never happen: others have another process meanwhile, and
   * legacy clients, which cannot be moved, are somewhere else from the beginning.
   */
  #instanceFor(
    spec: InstanceSpec,
    { session, via }: { session: Session; via: Call | undefined },
  ): SharedInstance {
    const { pool } = this.#options;
    const own = spec.own === undefined ? undefined : session;
    const mayPark = own === undefined && session.isModern && this.#entry.sharing.mode === "auto" &&
      canBeAsked(profileOf(spec));
    if (!mayPark) return pool.find(spec) ?? this.#make(spec, own);
    let first: SharedInstance | undefined;
    for (let another = 1;; another++) {
      spec = { ...spec, another };
      const shared = pool.find(spec);
      if (shared === undefined) break;
      // No process is started for a call that goes on with another one, and finds it nowhere.
      const isLost = via?.params?.requestState !== undefined;
      if (isLost || !this.#isTaken(shared, session)) return shared;
      first ??= shared;
    }
    try {
      return this.#make(spec, undefined);
    } catch (error) {
      const isFull = error instanceof Fault && error.reason === "overloaded";
      // It waits for its turn, with all the others.
      if (first !== undefined && isFull) return first;
      throw error;
    }
  }

  /** @throws {Fault} `overloaded`. */
  #make(spec: InstanceSpec, own: Session | undefined): SharedInstance {
    this.#makeRoom();
    const shared = this.#options.pool.make(spec, own);
    // Who has no name cannot have it alone, once it was seen to ask for several.
    if (own === undefined && this.#mustTakeTurns(profileOf(spec))) shared.instance.takeTurns();
    return shared;
  }

  /** Whether a call of a modern client would wait there for another client to come back. */
  #isTaken({ spec, parked, instance }: SharedInstance, { id }: Session): boolean {
    return spec.another !== undefined && parked > 0 && !instance.isFreeFor(id);
  }

  /** Whether a call may go where its session is. A modern one says for itself what its client can do. */
  #suits(placed: SharedInstance, { session, capabilities }: Call): boolean {
    if (!session.isModern || placed.own !== undefined) return true;
    const isSameClass = placed.profile === JSON.stringify(this.#classOf(capabilities));
    return isSameClass && !this.#isTaken(placed, session);
  }

  /** Where the call is parked that this one goes on with. */
  #parkedFor({ session, params }: Call): SharedInstance | undefined {
    const requestState = params?.requestState;
    if (!session.isModern || typeof requestState !== "string") return undefined;
    return [...this.#instances, ...this.#leaving].find((shared) => shared.holds(requestState));
  }

  /** A modern server is told with every request what its client can do: it needs no classes. */
  #classOf(capabilities: JsonObject): JsonObject {
    const { era } = this.#options.verdicts.get(this.#key) ?? {};
    return era === "modern" ? {} : clientClass(capabilities);
  }

  /** See `serverKey`. */
  get #key(): string {
    return this.#serverKey ??= serverKey(this.#entry);
  }

  /** Notes that a session has a process for itself here, so that it can be told when that is gone. */
  #note(session: Session): void {
    if (!session.owned.has(this.server)) {
      session.owned.add(this.server);
      session.changed();
    } else if (session.endpoint !== this && !session.losses?.has(this.server)) {
      // It had one, and nobody here knows of it: that was another run of the daemon.
      this.#bereave(session, "the daemon was restarted");
    }
  }

  /** What a session must be told before it is served again; said once. */
  #lossOf(session: Session): string | undefined {
    const isFromBefore = session.owned.has(this.server) && session.endpoint !== this &&
      !this.#places.has(session);
    if (isFromBefore && !session.losses?.has(this.server)) {
      this.#bereave(session, "the daemon was restarted");
    }
    const loss = session.losses?.get(this.server);
    if (loss !== undefined) session.losses!.delete(this.server);
    if (isFromBefore) session.owned.delete(this.server);
    return loss;
  }

  /** Resources of this server that a session subscribed to before. */
  #subscriptionsOf({ endpoint, subscriptions, origins }: Session): ReadonlySet<string> {
    if (endpoint === this) return subscriptions;
    return new Set([...subscriptions].filter((uri) => origins.get(uri) === this.server));
  }

  /** Where a session is; undefined while it is nowhere. */
  placeOf(session: Session): SharedInstance | undefined {
    return this.#places.get(session);
  }

  /**
   * Whether what the server offers to a session may be another thing for every other one. Not where a
   * process of its own would only keep questions apart, before it has one.
   */
  isApart(session: Session): boolean {
    if (this.#usesProject) return true;
    const placed = this.#places.get(session);
    return placed === undefined ? this.#entry.sharing.mode === "session" : placed.own !== undefined;
  }

  /** The instance that serves a session, or would, if it runs already. Nothing is placed or started. */
  runningFor(session: Session): SharedInstance | undefined {
    const isReady = ({ instance }: SharedInstance) => instance.life.state === "ready";
    const placed = this.#places.get(session);
    if (placed !== undefined) return isReady(placed) ? placed : undefined;
    if (this.isApart(session)) return undefined;
    const classText = (capabilities: JsonObject) => JSON.stringify(clientClass(capabilities));
    const profile = JSON.stringify(this.#classOf(session.capabilities));
    return [...this.#instances].find((shared) =>
      isReady(shared) && shared.own === undefined && shared.spec.project === undefined &&
      classText(shared.spec.capabilities) === profile
    );
  }

  /**
   * Whether a client gets a process for itself.
   *
   * @throws {Fault} `isolation_required` when it would, and cannot be known again.
   */
  #isolates(session: Session): boolean {
    const { mode } = this.#entry.sharing;
    const isNameless = session.kind === "request";
    if (mode === "session" && isNameless) {
      throw new Fault(
        "isolation_required",
        `Server ${
          JSON.stringify(this.server)
        } keeps something for each of its clients, and this one ` +
          `has no name: add ?client=KEY to its address, or send X-Aichaku-Client`,
        { server: this.server },
      );
    }
    if (mode === "session") return true;
    // Nameless ones share, one at a time, so that every question has one possible asker.
    return mode === "auto" && !isNameless && this.verdict !== undefined && (session.isModern ||
      canBeAsked(this.#classOf(session.capabilities)));
  }

  /** Whether clients of this class that share an instance may not call at the same time. */
  #mustTakeTurns(profile: JsonObject): boolean {
    return this.#entry.sharing.mode === "auto" && this.verdict !== undefined && canBeAsked(profile);
  }

  #tryPlace(session: Session): void {
    try {
      const place = this.reach(session, undefined);
      if (place instanceof Promise) place.catch(() => {}); // Told to its next call, as below.
    } catch (error) {
      // Whatever keeps it from a place keeps it from being served, and is told to its next call.
      if (!(error instanceof Fault)) throw error;
    }
  }

  async #requestWhenPlaced(
    place: SharedInstance | Promise<SharedInstance>,
    call: Call,
  ): Promise<void> {
    try {
      const shared = await place;
      // It may have been cancelled meanwhile.
      if (call.settled) return;
      const list = Object.hasOwn(LISTS, call.method) ? LISTS[call.method] : undefined;
      if (list !== undefined && this.#provisional.has(call.session)) {
        const { capabilities } = await shared.instance.ready();
        if (call.settled) return;
        if (capabilities[list.capability] === undefined) return call.succeed(list.empty);
      }
      shared.request(call);
    } catch (error) {
      call.fail(asFault(error));
    }
  }

  /** What the server says of itself, or may say once it can be started. */
  async #introduce(session: Session): Promise<InitializeResult> {
    if (!this.#places.has(session) && this.#mustAskProject(session)) {
      this.#provisional.add(session);
      return this.#lastKnown ?? {
        protocolVersion: LATEST_LEGACY_REVISION,
        capabilities: WIDEST_CAPABILITIES,
        serverInfo: { name: this.server, version: "" },
      };
    }
    const shared = await this.reach(session, undefined);
    return await shared.instance.ready();
  }

  /** Its roots may name another project now: the next call finds out. */
  #onRootsChanged(session: Session): void {
    this.#projects.forget(session);
    const shared = this.#places.get(session);
    if (shared?.spec.project === undefined || session.project !== undefined) return;
    this.#provisional.add(session);
    if (shared.own === session) return void this.#retire(shared, this.#takeOff(shared));
    this.#unplace(session, shared);
  }

  get #usesProject(): boolean {
    return this.#entry.kind === "stdio" && this.#entry.usesProject;
  }

  /** Whether the client must be asked for its project, which takes a call under way. */
  #mustAskProject(session: Session): boolean {
    return this.#usesProject && this.#projects.mustAsk(session);
  }

  /** @throws {Fault} when there are too many instances, and all are in use. */
  #makeRoom(): void {
    const { maxInstances } = this.#options.settings();
    if (this.#instances.size < maxInstances) return;
    const instances = [...this.#instances];
    const resting = instances.find((shared) => shared.own === undefined && shared.resting);
    // No process, no state: its sessions get a new one with their next call.
    if (resting !== undefined) {
      for (const session of this.#takeOff(resting)) this.#letGo(session, resting);
      return;
    }
    const spare =
      instances.find(({ sessions, instance }) =>
        sessions.size === 0 && instance.callsInFlight === 0
      ) ?? instances.find(({ own }) => own !== undefined && !own.active) ??
        instances.find(({ own }) => own !== undefined && own.spare);
    if (spare === undefined) {
      throw new Fault(
        "overloaded",
        `Server ${JSON.stringify(this.server)} has ${maxInstances} instances already, for other ` +
          `projects and clients; end one of those, or raise "server.limits.maxInstancesPerServer"`,
        { server: this.server },
      );
    }
    this.#stop(spare, "another client needed its place");
  }

  // ---- what happens at its instances

  onReady(shared: SharedInstance): void {
    this.#lastKnown = shared.instance.initializeResult;
    this.#options.listener.onReady(this, shared);
  }

  onListChanged(shared: SharedInstance, method: string): void {
    this.#options.listener.onListChanged(this, method, shared);
  }

  /** Once a question could not be given to anybody, new clients that can be asked get their own process. */
  onUnattributable(shared: SharedInstance, method: string, doubt: Doubt): void {
    if (this.#entry.sharing.mode !== "auto") return;
    // Those who are there stay where their state is, but never again two of them at once: nor at its other
    // processes, which would learn the same from a refusal of their own.
    for (const { instance, spec } of [shared, ...this.#instances]) {
      if (canBeAsked(clientClass(spec.capabilities))) instance.takeTurns();
    }
    if (this.verdict !== undefined) return;
    const reason = `it asked ${method} while ${DOUBTS[doubt]}`;
    this.#options.verdicts.add(this.#key, { server: this.server, isolate: reason });
    this.#options.log.warn("clients that can be asked get a process of their own from now on", {
      server: this.server,
      reason,
    });
  }

  /** What waits for its turn there finds another process. */
  onParked(shared: SharedInstance): void {
    if (shared.spec.another === undefined) return;
    // Another entry may mean the same process; its sessions are its own.
    const isHere = ({ session }: Call) => this.#places.get(session) === shared;
    for (const call of shared.withdrawWaiting(isHere)) this.request(call);
  }

  onGone(shared: SharedInstance, { crashed }: { crashed: boolean }): void {
    if (!this.#instances.has(shared)) return;
    const { state } = shared.instance.life;
    // Ended by another endpoint that uses it as well.
    if (state === "draining" || state === "stopped") {
      const sessions = this.#takeOff(shared);
      // The next daemon tells those who lose something by the end of this one.
      if (this.#options.pool.closed) return;
      for (const session of sessions) {
        this.#onTakenOff(session, shared, "its process was ended, and what it knew with it");
      }
      return;
    }
    if (shared.own === undefined) return this.#forgetIfUseless(shared);
    if (crashed) this.#lastError = shared.instance.lastError;
    const how = crashed ? "ended" : "was ended";
    this.#stop(shared, `its process ${how}, and what it knew with it`);
  }

  /** Ends an instance for good; the sessions on it are placed anew, or lost if it was their own. */
  #stop(shared: SharedInstance, reason: string): Promise<void> {
    const sessions = this.#takeOff(shared);
    const fault = new Fault(
      "draining",
      `Server ${JSON.stringify(this.server)} was ended: ${reason}`,
      {
        server: this.server,
        retryable: false,
      },
    );
    const stopped = shared.stop(fault);
    this.#options.pool.seeOff(shared, stopped);
    for (const session of sessions) this.#onTakenOff(session, shared, reason);
    return stopped;
  }

  /** Takes an instance out of use. @returns the sessions that were on it. */
  #takeOff(shared: SharedInstance): Session[] {
    const sessions = [...this.#places].filter(([, place]) => place === shared)
      .map(([session]) => session);
    for (const session of sessions) this.#places.delete(session);
    this.#instances.delete(shared);
    shared.users.delete(this);
    // Another entry of the configuration may mean the same.
    if (shared.users.size === 0) this.#options.pool.forget(shared);
    return sessions;
  }

  #onTakenOff(session: Session, shared: SharedInstance, reason: string): void {
    if (session.ended) return;
    if (shared.own !== session) {
      if (this.#held) this.#displaced.add(session);
      return this.#tryPlace(session);
    }
    session.owned.delete(this.server);
    // Its id is the client's own business, and would begin anew without a word.
    if (session.endpoint === this && session.kind === "mcp") return session.lose(reason);
    this.#bereave(session, reason);
    session.changed();
  }

  /** The session goes on, or its client comes back, although its own process here is gone. */
  #bereave(session: Session, reason: string): void {
    session.losses ??= new Map();
    session.losses.set(
      this.server,
      `Server ${JSON.stringify(this.server)} was ended: ${reason}; the next call begins anew`,
    );
  }

  #forgetIfUseless(shared: SharedInstance): void {
    if (!shared.forgettable) return;
    this.#instances.delete(shared);
    shared.users.delete(this);
    if (shared.users.size === 0) this.#options.pool.forget(shared);
  }

  // ---- control

  /**
   * Starts it, for clients without capabilities or project.
   *
   * @throws {Fault} when it cannot be started.
   */
  async start(): Promise<void> {
    if (this.#removed) throw this.#isHeld();
    this.#release();
    const entry = this.#entry;
    if (this.#usesProject || entry.sharing.mode === "session") return;
    const spec = { entry, capabilities: {}, project: undefined, own: undefined };
    let shared = this.#options.pool.find(spec);
    if (shared === undefined) {
      this.#makeRoom();
      shared = this.#options.pool.make(spec, undefined);
    }
    shared.users.add(this);
    this.#instances.add(shared);
    await shared.instance.ready();
  }

  /** Ends all its processes; calls are refused until it is started again. */
  async stop(): Promise<void> {
    this.#held = true;
    await Promise.all([...this.#instances].map((shared) => this.#stop(shared, "it was stopped")));
  }

  /** Ends all its processes, and starts again what clients use. @throws {Fault} as `start`. */
  async restart(): Promise<void> {
    if (this.#removed) throw this.#isHeld();
    this.#release();
    await Promise.all([...this.#instances].map((shared) => this.#stop(shared, "it was restarted")));
    const running = [...this.#instances].map(({ instance }) => instance.ready());
    await (running.length > 0 ? Promise.all(running) : this.start());
  }

  /** It may run again; those who waited for what it says of its own accord need not call for it. */
  #release(): void {
    this.#held = false;
    for (const session of this.#displaced) this.#tryPlace(session);
    this.#displaced.clear();
  }

  /** Goes on as another entry: calls in flight end where they are, everything else goes to new processes. */
  update(entry: ServerEntry): void {
    this.#entry = entry;
    this.#serverKey = undefined;
    for (const shared of [...this.#instances]) {
      const sessions = this.#takeOff(shared);
      this.#retire(shared, sessions);
      for (const session of sessions) {
        this.#onTakenOff(session, shared, "its configuration was changed");
        if (session.ended || session.endpoint !== this) continue;
        for (const text of LISTS_CHANGED) session.mailbox.post(text);
      }
    }
  }

  /** It is not configured any more: calls in flight end, then everything does. */
  async remove(): Promise<void> {
    this.#held = true;
    this.#removed = true;
    await Promise.all(
      [...this.#instances].map((shared) => this.#retire(shared, this.#takeOff(shared))),
    );
    for (const session of [...this.#sessions]) {
      session.lose("its server is not configured any more");
    }
  }

  /** Ends an instance that `sessions` were taken off, unless another entry means the same. */
  async #retire(shared: SharedInstance, sessions: readonly Session[]): Promise<void> {
    if (shared.users.size > 0) {
      for (const session of sessions) this.#letGo(session, shared);
      return;
    }
    const { clock, pool } = this.#options;
    const stopped = stopWhenQuiet(shared, { clock, withinMs: RETIRE_MS });
    pool.seeOff(shared, stopped);
    this.#leaving.add(shared);
    try {
      await stopped;
    } finally {
      this.#leaving.delete(shared);
    }
  }

  #isHeld(): Fault {
    if (this.#removed) {
      return new Fault(
        "upstream_unavailable",
        `Server ${JSON.stringify(this.server)} is not configured any more`,
        { server: this.server, retryable: false },
      );
    }
    return new Fault(
      "upstream_unavailable",
      `Server ${
        JSON.stringify(this.server)
      } is stopped; start it with POST /mcp/${this.server}/start`,
      { server: this.server, retryable: false },
    );
  }
}
