/**
 * Who is where: the sessions of one server, each on at most one instance, and the instances that it uses.
 *
 * Guarantees: an instance that is taken out of use has no session of this server any more, and is in the
 * pool only as long as another entry of the configuration uses it; what it keeps for a session goes with
 * the last name under which the session is there.
 * Not guaranteed: that a process ends. Nothing is started or stopped here.
 *
 * @module
 */

import { ChurningMap } from "../../platform/churning_map.ts";
import type { Pool } from "./pool.ts";
import type { Session } from "./session.ts";
import type { InstanceUser, SharedInstance } from "./shared_instance.ts";

/** Options of {@linkcode Places}. */
export interface PlacesOptions {
  /** As whom the instances know the server. */
  user: InstanceUser;
  pool: Pool;
}

/** The places of one server's sessions. */
export class Places {
  readonly #user: InstanceUser;
  readonly #pool: Pool;
  readonly #bySession = new ChurningMap<Session, SharedInstance>();
  readonly #instances = new Set<SharedInstance>();
  readonly #leaving = new Set<SharedInstance>();

  constructor({ user, pool }: PlacesOptions) {
    this.#user = user;
    this.#pool = pool;
  }

  /** Sessions that have a place. */
  get size(): number {
    return this.#bySession.size;
  }

  /** Instances in use. */
  get instances(): ReadonlySet<SharedInstance> {
    return this.#instances;
  }

  /** Instances that were replaced, and whose calls may finish. */
  get leaving(): ReadonlySet<SharedInstance> {
    return this.#leaving;
  }

  /** Where a session is; undefined while it is nowhere. */
  get(session: Session): SharedInstance | undefined {
    return this.#bySession.get(session);
  }

  /** Whether a session has a place. */
  has(session: Session): boolean {
    return this.#bySession.has(session);
  }

  /** Takes an instance into use. */
  use(shared: SharedInstance): void {
    shared.users.add(this.#user);
    this.#instances.add(shared);
  }

  /** Gives a session its place; that it joins the instance is the caller's. */
  put(session: Session, shared: SharedInstance): void {
    this.use(shared);
    this.#bySession.set(session, shared);
  }

  /** Ends the place of a session on an instance that others may use. */
  unplace(session: Session, shared: SharedInstance): void {
    this.#bySession.delete(session);
    this.letGo(session, shared);
    this.forgetIfUseless(shared);
  }

  /** A session that has an instance for itself ends: it leaves that, whatever else it is called. */
  leaveOwn(session: Session, shared: SharedInstance): void {
    this.#bySession.delete(session);
    shared.leave(session);
  }

  /** What an instance keeps for a session goes, unless the session is there by another name as well. */
  letGo(session: Session, shared: SharedInstance): void {
    const isThere = [...shared.users].some((user) =>
      user !== this.#user && user.isAt(session, shared)
    );
    if (!isThere) shared.leave(session);
  }

  /** Takes an instance out of use. @returns the sessions that were on it. */
  takeOff(shared: SharedInstance): Session[] {
    const sessions = [...this.#bySession].filter(([, place]) => place === shared)
      .map(([session]) => session);
    for (const session of sessions) this.#bySession.delete(session);
    this.#drop(shared);
    return sessions;
  }

  /** Takes an instance out of use if nothing would be lost by that. */
  forgetIfUseless(shared: SharedInstance): void {
    if (shared.forgettable) this.#drop(shared);
  }

  /** Keeps an instance that was taken out of use among those that leave, until it has `ended`. */
  async seeOff(shared: SharedInstance, ended: Promise<void>): Promise<void> {
    this.#pool.seeOff(shared, ended);
    this.#leaving.add(shared);
    try {
      await ended;
    } finally {
      this.#leaving.delete(shared);
    }
  }

  #drop(shared: SharedInstance): void {
    this.#instances.delete(shared);
    shared.users.delete(this.#user);
    // Another entry of the configuration may mean the same.
    if (shared.users.size === 0) this.#pool.forget(shared);
  }
}
