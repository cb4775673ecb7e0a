/**
 * One server of the configuration as its clients see it: each call goes to the instance where its session
 * belongs, after its client was told what it has lost.
 *
 * Guarantees: a session stays on its instance, where its state is; when that state is lost, its client
 * is told and never served by another instance as if nothing had happened. Shared instances keep nothing
 * of a client's but log level and subscriptions, which are said again to the next process.
 *
 * This joins what the other modules know: who may share ({@linkcode SharingPolicy}), who is where
 * ({@linkcode Places}) and belongs where ({@linkcode Placement}), what runs ({@linkcode ServerLifecycle}),
 * what clients were promised ({@linkcode Introduction}) and have lost ({@linkcode Losses}).
 *
 * @module
 */

import { ChurningSet } from "../../platform/churning_map.ts";
import type { Clock } from "../../platform/clock.ts";
import { asFault, Fault } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { NotificationMessage } from "../../protocol/message.ts";
import type { ServerEntry } from "../config/types.ts";
import type { Logger } from "../daemon/log.ts";
import type { VerdictStore } from "../store/verdict_store.ts";
import type { Doubt } from "../upstream/in_flight.ts";
import type { Call } from "./call.ts";
import type { Endpoint } from "./endpoint.ts";
import { introduce, Introduction } from "./introduction.ts";
import { Losses } from "./losses.ts";
import { Placement } from "./placement.ts";
import { Places } from "./places.ts";
import type { Pool } from "./pool.ts";
import { ServerLifecycle } from "./server_lifecycle.ts";
import type { Session } from "./session.ts";
import type { InstanceUser, SharedInstance } from "./shared_instance.ts";
import { SharingPolicy } from "./sharing_policy.ts";

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

/** States of instances, the one that says most about a server first. */
const STATES = ["ready", "starting", "backoff", "failed", "draining", "idle"] as const;

/** One server. */
export class ServerEndpoint implements Endpoint, InstanceUser {
  readonly server: string;
  readonly #listener: EndpointListener;
  /** Sessions at this address, placed or not; those at all servers together are not among them. */
  readonly #sessions = new ChurningSet<Session>();
  readonly #policy: SharingPolicy;
  readonly #places: Places;
  readonly #losses: Losses;
  readonly #placement: Placement;
  readonly #lifecycle: ServerLifecycle;
  readonly #introduction: Introduction;

  constructor({ entry, pool, verdicts, clock, log, listener, settings }: ServerEndpointOptions) {
    const server = this.server = entry.name;
    this.#listener = listener;
    const policy = this.#policy = new SharingPolicy({ entry, verdicts, log });
    const places = this.#places = new Places({ user: this, pool });
    const losses = this.#losses = new Losses({ server, endpoint: this, places });
    const placement = this.#placement = new Placement({
      ...{ endpoint: this, policy, places, losses, pool, settings },
      refusal: () => this.#lifecycle.refusal,
      end: (shared, reason) => void this.#lifecycle.end(shared, reason),
    });
    this.#lifecycle = new ServerLifecycle({
      ...{ endpoint: this, policy, places, placement, losses, pool, clock },
      sessions: this.#sessions,
    });
    this.#introduction = new Introduction(server);
  }

  get entry(): ServerEntry {
    return this.#policy.entry;
  }

  /** Instances its sessions use. */
  get instances(): ReadonlySet<SharedInstance> {
    return this.#places.instances;
  }

  /** Sessions at this server. */
  get clients(): number {
    return this.#places.size;
  }

  /** See {@linkcode ServerLifecycle.lastError}. */
  get lastError(): string | undefined {
    return this.#lifecycle.lastError;
  }

  /** The state that says most about it: one process that runs is a server that runs. */
  get state(): string {
    if (this.#lifecycle.held) return "stopped";
    const states = new Set([...this.instances].map(({ instance }) => instance.life.state));
    return STATES.find((state) => states.has(state)) ?? "idle";
  }

  /** See {@linkcode SharingPolicy.verdict}. */
  get verdict(): string | undefined {
    return this.#policy.verdict;
  }

  // ---- as an endpoint

  async initialize(session: Session, params: JsonObject | undefined): Promise<JsonObject> {
    if (!this.#places.has(session) && this.#placement.mustAskProject(session)) {
      return introduce(this.#introduction.provisional(session), params);
    }
    const shared = await this.reach(session, undefined);
    return introduce(await shared.instance.ready(), params);
  }

  request(call: Call): void {
    const { session } = call;
    const parked = this.#placement.parkedFor(call);
    if (parked !== undefined) return parked.request(call);
    const loss = this.#losses.take(session);
    if (loss !== undefined) {
      return call.fail(
        new Fault("upstream_exited", loss, { server: this.server, retryable: true }),
      );
    }
    const isProvisional = this.#introduction.isProvisional(session);
    const placed = this.#places.get(session);
    if (placed !== undefined && !isProvisional) {
      if (placed.own !== undefined) this.#placement.clearWay(session);
      if (this.#placement.suits(placed, call)) return placed.request(call);
      this.#places.unplace(session, placed);
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
    if (this.#placement.mustAskProject(session)) return;
    // Where a modern one belongs, each of its calls says for itself.
    if (!session.isModern) this.#placement.tryReach(session);
  }

  leave(session: Session): void {
    this.#placement.forgetProject(session);
    this.#lifecycle.forget(session);
    this.#sessions.delete(session);
    const shared = this.#places.get(session);
    if (shared === undefined) return;
    if (shared.own !== session) return this.#places.unplace(session, shared);
    this.#places.leaveOwn(session, shared);
    // It may come back under its name when it was only forgotten.
    this.#losses.add(session, "it was not used for too long");
    this.#lifecycle.end(shared, "its client is gone");
  }

  async #requestWhenPlaced(
    place: SharedInstance | Promise<SharedInstance>,
    call: Call,
  ): Promise<void> {
    try {
      const shared = await place;
      // It may have been cancelled meanwhile.
      if (call.settled) return;
      const list = this.#introduction.promisedList(call);
      if (list !== undefined) {
        const { capabilities } = await shared.instance.ready();
        if (call.settled) return;
        if (capabilities[list.capability] === undefined) return call.succeed(list.empty);
      }
      shared.request(call);
    } catch (error) {
      call.fail(asFault(error));
    }
  }

  /** Its roots may name another project now: the next call finds out. */
  #onRootsChanged(session: Session): void {
    this.#placement.forgetProject(session);
    const shared = this.#places.get(session);
    if (shared?.spec.project === undefined || session.project !== undefined) return;
    this.#introduction.doubt(session);
    if (shared.own === session) return void this.#lifecycle.retire(shared);
    this.#places.unplace(session, shared);
  }

  // ---- where its sessions are

  isAt(session: Session, shared: SharedInstance): boolean {
    return this.#places.get(session) === shared;
  }

  /** See {@linkcode Places.get}. */
  placeOf(session: Session): SharedInstance | undefined {
    return this.#places.get(session);
  }

  /** See {@linkcode Placement.reach}. */
  reach(session: Session, via: Call | undefined): SharedInstance | Promise<SharedInstance> {
    return this.#placement.reach(session, via);
  }

  /** See {@linkcode Placement.isApart}. */
  isApart(session: Session): boolean {
    return this.#placement.isApart(session);
  }

  /** See {@linkcode Placement.runningFor}. */
  runningFor(session: Session): SharedInstance | undefined {
    return this.#placement.runningFor(session);
  }

  // ---- what happens at its instances

  onReady(shared: SharedInstance): void {
    this.#introduction.learn(shared.instance.initializeResult, shared.spec.project);
    this.#listener.onReady(this, shared);
  }

  onListChanged(shared: SharedInstance, method: string): void {
    this.#listener.onListChanged(this, method, shared);
  }

  onUnattributable(shared: SharedInstance, method: string, doubt: Doubt): void {
    this.#policy.onUnattributable([shared, ...this.instances], { method, doubt });
  }

  /** What waits for its turn there finds another process. */
  onParked(shared: SharedInstance): void {
    if (shared.spec.another === undefined) return;
    // Another entry may mean the same process; its sessions are its own.
    const isHere = ({ session }: Call) => this.#places.get(session) === shared;
    for (const call of shared.withdrawWaiting(isHere)) this.request(call);
  }

  onGone(shared: SharedInstance, gone: { crashed: boolean }): void {
    this.#lifecycle.onGone(shared, gone);
  }

  // ---- control

  /** See {@linkcode ServerLifecycle.start}. */
  async start(): Promise<void> {
    await this.#lifecycle.start();
  }

  /** See {@linkcode ServerLifecycle.stop}. */
  async stop(): Promise<void> {
    await this.#lifecycle.stop();
  }

  /** See {@linkcode ServerLifecycle.restart}. */
  async restart(): Promise<void> {
    await this.#lifecycle.restart();
  }

  /** See {@linkcode ServerLifecycle.update}. */
  update(entry: ServerEntry): void {
    this.#lifecycle.update(entry);
  }

  /** See {@linkcode ServerLifecycle.remove}. */
  async remove(): Promise<void> {
    await this.#lifecycle.remove();
  }
}
