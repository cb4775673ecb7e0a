/**
 * Which instance of a server a session belongs to: of its project, told of what its client can do, shared
 * or its own, and another one where the calls of others would be waited for.
 *
 * Guarantees: a session that has a place is given that one; two calls at once of a session that has none
 * come to the same. No session is placed after it has ended, or while the server may not run; a server
 * has no more instances than it may.
 * Not guaranteed: that the instance runs. Its first call starts it.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { forProject } from "../config/project.ts";
import type { ServerEntry, StdioEntry } from "../config/types.ts";
import { clientClass } from "../upstream/client_class.ts";
import type { InstanceSpec } from "../upstream/instance_key.ts";
import type { Call } from "./call.ts";
import type { Endpoint } from "./endpoint.ts";
import { makeRoom } from "./make_room.ts";
import type { Losses } from "./losses.ts";
import type { Places } from "./places.ts";
import type { Pool } from "./pool.ts";
import { ProjectFinder } from "./project_finder.ts";
import type { Session } from "./session.ts";
import type { SharedInstance } from "./shared_instance.ts";
import type { SharingPolicy } from "./sharing_policy.ts";

/** Options of {@linkcode Placement}. */
export interface PlacementOptions {
  /** The address of the server alone. */
  endpoint: Endpoint;
  policy: SharingPolicy;
  places: Places;
  losses: Losses;
  pool: Pool;
  /** What may change while the daemon runs. */
  settings(): { projectRoots: readonly string[]; maxInstances: number };
  /** Why nobody may be placed now; undefined when the server may run. */
  refusal(): Fault | undefined;
  /** Ends an instance whose place another client needs. */
  end(shared: SharedInstance, reason: string): void;
}

/** Finds the instances of one server for its sessions. */
export class Placement {
  readonly #options: PlacementOptions;
  readonly #policy: SharingPolicy;
  readonly #places: Places;
  readonly #projects: ProjectFinder;

  constructor(options: PlacementOptions) {
    this.#options = options;
    this.#policy = options.policy;
    this.#places = options.places;
    this.#projects = new ProjectFinder({
      server: options.policy.server,
      roots: () => options.settings().projectRoots,
    });
  }

  /** Whether the client must be asked for its project, which takes a call under way. */
  mustAskProject(session: Session): boolean {
    return this.#policy.usesProject && this.#projects.mustAsk(session);
  }

  /** The client's roots are others now, or the client is gone. */
  forgetProject(session: Session): void {
    this.#projects.forget(session);
  }

  /**
   * The instance of a session; it is placed there if it was nowhere. At once, unless its project must be
   * looked at.
   *
   * @param via The call under way, on whose stream the client can be asked for its project.
   * @throws {Fault} thrown or as a rejection: when there can be none for it.
   */
  reach(session: Session, via: Call | undefined): SharedInstance | Promise<SharedInstance> {
    const placed = this.#places.get(session);
    if (placed !== undefined) return placed;
    // Nobody would ever take it off again.
    if (session.ended) throw new Fault("cancelled", "The client's session has ended");
    const refusal = this.#options.refusal();
    if (refusal !== undefined) throw refusal;
    const { entry } = this.#policy;
    if (!this.#policy.usesProject) return this.#place(session, { entry, via });
    return this.#projects.find(session, via).then((project) => {
      // Two calls at once may have come here.
      const placed = this.#places.get(session);
      if (placed !== undefined) return placed;
      // Another configuration may have come as well, which needs another folder, or none.
      const isOther = this.#policy.entry !== entry || this.#options.refusal() !== undefined;
      if (session.ended || isOther) return this.reach(session, via);
      return this.#place(session, {
        entry: forProject(entry as StdioEntry, project),
        project,
        via,
      });
    });
  }

  /** Places a session that may not call for long, if it can be placed. */
  tryReach(session: Session): void {
    try {
      const place = this.reach(session, undefined);
      if (place instanceof Promise) place.catch(() => {}); // Told to its next call, as below.
    } catch (error) {
      // Whatever keeps it from a place keeps it from being served, and is told to its next call.
      if (!(error instanceof Fault)) throw error;
    }
  }

  /** The instance for `spec`, taken into use. @throws {Fault} `overloaded`, or as {@linkcode Pool.make}. */
  instanceOf(spec: InstanceSpec): SharedInstance {
    const shared = this.#options.pool.find(spec) ?? this.#make(spec, undefined);
    this.#places.use(shared);
    return shared;
  }

  /**
   * Before a session uses a process of its own: where each keeps something from all others, clients that
   * have gone are in its way. They are told when they come back.
   */
  clearWay(session: Session): void {
    if (this.#policy.entry.sharing.exclusive !== true) return;
    for (const shared of [...this.#places.instances]) {
      const { own } = shared;
      if (own === undefined || own === session || !own.left) continue;
      this.#options.end(shared, "its client has gone, and another one needed what it held");
    }
  }

  /** Whether a call may go where its session is. A modern one says for itself what its client can do. */
  suits(placed: SharedInstance, { session, capabilities }: Call): boolean {
    if (!session.isModern || placed.own !== undefined) return true;
    const isSameClass = placed.profile === JSON.stringify(this.#policy.classOf(capabilities));
    return isSameClass && !isTaken(placed, session);
  }

  /** Where the call is parked that this one goes on with. */
  parkedFor({ session, params }: Call): SharedInstance | undefined {
    const requestState = params?.requestState;
    if (!session.isModern || typeof requestState !== "string") return undefined;
    const { instances, leaving } = this.#places;
    return [...instances, ...leaving].find((shared) => shared.holds(requestState));
  }

  /**
   * Whether what the server offers to a session may be another thing for every other one. Not where a
   * process of its own would only keep questions apart, before it has one.
   */
  isApart(session: Session): boolean {
    if (this.#policy.usesProject) return true;
    const placed = this.#places.get(session);
    if (placed !== undefined) return placed.own !== undefined;
    return this.#policy.entry.sharing.mode === "session";
  }

  /** The instance that serves a session, or would, if it runs already. Nothing is placed or started. */
  runningFor(session: Session): SharedInstance | undefined {
    const isReady = ({ instance }: SharedInstance) => instance.life.state === "ready";
    const placed = this.#places.get(session);
    if (placed !== undefined) return isReady(placed) ? placed : undefined;
    if (this.isApart(session)) return undefined;
    const classText = (capabilities: JsonObject) => JSON.stringify(clientClass(capabilities));
    const profile = JSON.stringify(this.#policy.classOf(session.capabilities));
    return [...this.#places.instances].find((shared) =>
      isReady(shared) && shared.own === undefined && shared.spec.project === undefined &&
      classText(shared.spec.capabilities) === profile
    );
  }

  #place(
    session: Session,
    { entry, project, via }: { entry: ServerEntry; project?: string; via: Call | undefined },
  ): SharedInstance {
    const own = this.#policy.isolates(session) ? session : undefined;
    if (own !== undefined) this.clearWay(own);
    const { capabilities } = via ?? session;
    const shared = this.#instanceFor({
      entry,
      capabilities: this.#policy.told({ own, project, capabilities }),
      project,
      own: own?.id,
    }, { session, via });
    this.#places.put(session, shared);
    if (own !== undefined) this.#options.losses.noteOwn(session);
    shared.join(session, this.#subscriptionsOf(session));
    return shared;
  }

  /** Resources of this server that a session subscribed to before. */
  #subscriptionsOf({ endpoint, subscriptions, origins }: Session): ReadonlySet<string> {
    if (endpoint === this.#options.endpoint) return subscriptions;
    const { server } = this.#policy;
    return new Set([...subscriptions].filter((uri) => origins.get(uri) === server));
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
    const mayPark = own === undefined && session.isModern && this.#policy.mayPark(spec);
    if (!mayPark) return pool.find(spec) ?? this.#make(spec, own);
    let first: SharedInstance | undefined;
    for (let another = 1;; another++) {
      spec = { ...spec, another };
      const shared = pool.find(spec);
      if (shared === undefined) break;
      // No process is started for a call that goes on with another one, and finds it nowhere.
      const isLost = via?.params?.requestState !== undefined;
      if (isLost || !isTaken(shared, session)) return shared;
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
    const { pool, settings, end } = this.#options;
    makeRoom(this.#places, {
      server: this.#policy.server,
      maxInstances: settings().maxInstances,
      end,
    });
    const shared = pool.make(spec, own);
    // Who has no name cannot have it alone, once it was seen to ask for several.
    if (own === undefined && this.#policy.mustTakeTurns(spec)) shared.instance.takeTurns();
    return shared;
  }
}

/** Whether a call of a modern client would wait there for another client to come back. */
function isTaken({ spec, parked, instance }: SharedInstance, { id }: Session): boolean {
  return spec.another !== undefined && parked > 0 && !instance.isFreeFor(id);
}
