/**
 * The life of a server while it is configured: it is started, stopped, restarted, becomes another entry,
 * is removed, and loses processes; and what becomes of its sessions each time.
 *
 * Guarantees: a session whose shared instance is gone is placed anew, at the latest when the server may
 * run again; one that had the instance for itself is told. While the server is stopped nobody is placed,
 * and once it is removed it never runs again. Calls in flight may go on for a minute where the
 * configuration changed under them; where a process is ended they fail.
 * Not guaranteed: that a stopped server stays so beyond the daemon.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { Fault } from "../../protocol/errors.ts";
import { notificationText } from "../../protocol/message.ts";
import type { ServerEntry } from "../config/types.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Losses } from "./losses.ts";
import type { Placement } from "./placement.ts";
import type { Places } from "./places.ts";
import type { Pool } from "./pool.ts";
import { stopWhenQuiet } from "./retire.ts";
import type { Session } from "./session.ts";
import type { SharedInstance } from "./shared_instance.ts";
import type { SharingPolicy } from "./sharing_policy.ts";

/** Options of {@linkcode ServerLifecycle}. */
export interface ServerLifecycleOptions {
  /** The address of the server alone. */
  endpoint: Endpoint;
  /** Sessions at that address, placed or not. */
  sessions: Iterable<Session>;
  policy: SharingPolicy;
  places: Places;
  placement: Placement;
  losses: Losses;
  pool: Pool;
  clock: Clock;
}

const LISTS_CHANGED = [
  "notifications/tools/list_changed",
  "notifications/prompts/list_changed",
  "notifications/resources/list_changed",
].map((method) => notificationText(method));

/** Milliseconds that calls may go on at an instance that was replaced. */
const RETIRE_MS = 60_000;

/** Why a process is gone that did not end by itself. */
const ENDED = "its process was ended, and what it knew with it";

/** Starts and ends what one server runs. */
export class ServerLifecycle {
  readonly #options: ServerLifecycleOptions;
  readonly #places: Places;
  /** Sessions that lost their place while the server was stopped. */
  readonly #displaced = new Set<Session>();
  #held = false;
  /** It is not configured any more, and never runs again. */
  #removed = false;
  /** How a process of it ended that is not known any more. */
  #lastError: string | undefined;

  constructor(options: ServerLifecycleOptions) {
    this.#options = options;
    this.#places = options.places;
  }

  /** Whether it may not run now. */
  get held(): boolean {
    return this.#held;
  }

  /** How the last process ended that one client had for itself, if it was not meant to. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** Why it may not run now; undefined when it may. */
  get refusal(): Fault | undefined {
    if (!this.#held) return undefined;
    const { server } = this.#options.policy;
    const why = this.#removed
      ? "is not configured any more; add it to config.json again, or take it out of your client"
      : `is stopped; start it with POST /mcp/${server}/start`;
    return new Fault("upstream_unavailable", `Server ${JSON.stringify(server)} ${why}`, {
      server,
      retryable: false,
    });
  }

  /** A session ends: nothing waits for it any more. */
  forget(session: Session): void {
    this.#displaced.delete(session);
  }

  // ---- control

  /**
   * Starts it, for clients without capabilities or project.
   *
   * @throws {Fault} when it cannot be started.
   */
  async start(): Promise<void> {
    this.#release();
    const { policy, placement } = this.#options;
    const { entry } = policy;
    if (policy.usesProject || entry.sharing.mode === "session") return;
    const spec = { entry, capabilities: {}, project: undefined, own: undefined };
    await placement.instanceOf(spec).instance.ready();
  }

  /** Ends all its processes; calls are refused until it is started again. */
  async stop(): Promise<void> {
    this.#held = true;
    await this.#endAll("it was stopped");
  }

  /** Ends all its processes, and starts again what clients use. @throws {Fault} as `start`. */
  async restart(): Promise<void> {
    this.#release();
    await this.#endAll("it was restarted");
    const running = [...this.#places.instances].map(({ instance }) => instance.ready());
    await (running.length > 0 ? Promise.all(running) : this.start());
  }

  /** Goes on as another entry: calls in flight end where they are, everything else goes to new processes. */
  update(entry: ServerEntry): void {
    const { policy, endpoint } = this.#options;
    policy.update(entry);
    for (const shared of [...this.#places.instances]) {
      const sessions = this.#places.takeOff(shared);
      this.#retire(shared, sessions);
      for (const session of sessions) {
        this.#onTakenOff(session, { shared, reason: "its configuration was changed" });
        if (session.ended || session.endpoint !== endpoint) continue;
        for (const text of LISTS_CHANGED) session.tell(text);
      }
    }
  }

  /** It is not configured any more: calls in flight end, then everything does. */
  async remove(): Promise<void> {
    this.#held = true;
    this.#removed = true;
    await Promise.all([...this.#places.instances].map((shared) => this.retire(shared)));
    for (const session of [...this.#options.sessions]) {
      session.lose("its server is not configured any more");
    }
  }

  // ---- the end of an instance

  /** Its process is gone, and whatever it knew. */
  onGone(shared: SharedInstance, { crashed }: { crashed: boolean }): void {
    if (!this.#places.instances.has(shared)) return;
    const { state } = shared.instance.life;
    // Ended by another endpoint that uses it as well.
    if (state === "draining" || state === "stopped") {
      const sessions = this.#places.takeOff(shared);
      // The next daemon tells those who lose something by the end of this one.
      if (this.#options.pool.closed) return;
      for (const session of sessions) this.#onTakenOff(session, { shared, reason: ENDED });
      return;
    }
    if (shared.own === undefined) return this.#places.forgetIfUseless(shared);
    const reason = crashed ? this.#onOwnCrashed(shared) : ENDED;
    this.end(shared, reason);
  }

  /**
   * Calls that had not had their turn there go to no other process, which would know nothing: they hear
   * what those hear that were in flight. @returns what has happened, for people.
   */
  #onOwnCrashed(shared: SharedInstance): string {
    const { policy: { server } } = this.#options;
    const how = this.#lastError = shared.instance.lastError;
    const reason = `its process ${how}, and what it knew is gone`;
    const fault = new Fault(
      "upstream_exited",
      `Server ${JSON.stringify(server)} was ended: ${reason}; this call had not had its turn`,
      { server, detail: how, retryable: true },
    );
    shared.failWaiting(fault);
    return reason;
  }

  /** Ends an instance for good; the sessions on it are placed anew, or lost if it was their own. */
  end(shared: SharedInstance, reason: string): Promise<void> {
    const sessions = this.#places.takeOff(shared);
    const { policy: { server }, pool } = this.#options;
    const fault = new Fault(
      "draining",
      `Server ${JSON.stringify(server)} was ended with this call in flight: ${reason}; ` +
        "whether the call took effect is not known",
      { server, retryable: false },
    );
    const stopped = shared.stop(fault);
    pool.seeOff(shared, stopped);
    for (const session of sessions) this.#onTakenOff(session, { shared, reason });
    return stopped;
  }

  /** Takes an instance out of use, and ends it once its calls are over, for sessions that go elsewhere. */
  retire(shared: SharedInstance): Promise<void> {
    return this.#retire(shared, this.#places.takeOff(shared));
  }

  /** Ends an instance that `sessions` were taken off, unless another entry means the same. */
  async #retire(shared: SharedInstance, sessions: readonly Session[]): Promise<void> {
    if (shared.users.size > 0) {
      for (const session of sessions) this.#places.letGo(session, shared);
      return;
    }
    const { clock } = this.#options;
    await this.#places.seeOff(shared, stopWhenQuiet(shared, { clock, withinMs: RETIRE_MS }));
  }

  async #endAll(reason: string): Promise<void> {
    await Promise.all([...this.#places.instances].map((shared) => this.end(shared, reason)));
  }

  #onTakenOff(
    session: Session,
    { shared, reason }: { shared: SharedInstance; reason: string },
  ): void {
    if (session.ended) return;
    if (shared.own === session) return this.#options.losses.onOwnEnded(session, reason);
    if (this.#held) this.#displaced.add(session);
    this.#options.placement.tryReach(session);
  }

  /**
   * It may run again; those who waited for what it says of its own accord need not call for it.
   *
   * @throws {Fault} when it was removed.
   */
  #release(): void {
    if (this.#removed) throw this.refusal;
    this.#held = false;
    for (const session of this.#displaced) this.#options.placement.tryReach(session);
    this.#displaced.clear();
  }
}
