/**
 * Every instance of the daemon, by what it truly is: asked for twice, it is made once, whatever the
 * server is called and whoever asks.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { Fault } from "../../protocol/errors.ts";
import type { Logger } from "../daemon/log.ts";
import type { Instance, InstanceListener } from "../upstream/instance.ts";
import { instanceKey, type InstanceSpec } from "../upstream/instance_key.ts";
import type { CloseGrace } from "../upstream/wire.ts";
import type { Session } from "./session.ts";
import { SharedInstance } from "./shared_instance.ts";

/** Options of {@linkcode Pool}. */
export interface PoolOptions {
  clock: Clock;
  log: Logger;
  /** Makes an instance. Nothing is started. */
  create(spec: InstanceSpec, listener: InstanceListener): Instance;
}

/** The instances. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #byKey = new Map<string, SharedInstance>();
  /** Those that nobody finds any more and that have not ended yet. */
  readonly #leaving = new Set<SharedInstance>();
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Whether all of them are being ended for good. */
  get closed(): boolean {
    return this.#closed;
  }

  [Symbol.iterator](): IterableIterator<SharedInstance> {
    return this.#byKey.values();
  }

  /** The instance for `spec`, if there is one. */
  find(spec: InstanceSpec): SharedInstance | undefined {
    const shared = this.#byKey.get(instanceKey(spec));
    // One that is being stopped serves nobody any more; its successor takes its place.
    const { state } = shared?.instance.life ?? { state: "stopped" };
    return state === "draining" || state === "stopped" ? undefined : shared;
  }

  /** Makes the instance for `spec`. @throws {Fault} `draining` after `stop`. */
  make(spec: InstanceSpec, own: Session | undefined): SharedInstance {
    // Whoever loses its place now would only start what nobody stops.
    if (this.#closed) throw new Fault("draining", "The daemon is stopping; try again in a moment");
    const key = instanceKey(spec);
    const shared = new SharedInstance({ ...this.#options, key, spec, own });
    this.#byKey.set(key, shared);
    return shared;
  }

  /** Forgets an instance that is stopped, or that nobody would miss. */
  forget(shared: SharedInstance): void {
    if (this.#byKey.get(shared.key) === shared) this.#byKey.delete(shared.key);
  }

  /** Takes note of one that was taken out of use, until it has ended: the end of all waits for it as well. */
  seeOff(shared: SharedInstance, ended: Promise<void>): void {
    this.#leaving.add(shared);
    const done = () => void this.#leaving.delete(shared);
    ended.then(done, done);
  }

  /** Ends all of them for good; calls in flight fail with `fault`. */
  async stop(fault: Fault, grace: CloseGrace): Promise<void> {
    this.#closed = true;
    const all = new Set([...this, ...this.#leaving]);
    await Promise.all([...all].map((shared) => shared.stop(fault, grace)));
  }
}
