/**
 * What clients have lost whose sessions were forgotten: whoever chose its own name comes back under it,
 * and must not be served anew without a word.
 *
 * Guarantees: told once; at most 10,000 names are kept, those of the last 24 hours, the newest ones.
 * Not guaranteed: that a name survives the daemon.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import type { Session } from "./session.ts";

/** Names kept at most. */
const MAX_NAMES = 10_000;
/** How long a name is kept. Milliseconds. */
const KEPT_MS = 24 * 60 * 60_000;

interface Tombstone {
  /** Name of the server that its session was at; undefined for all of them together. */
  readonly server: string | undefined;
  /** See {@linkcode Session.losses}. */
  readonly losses: Map<string, string>;
  /** Monotonic milliseconds. */
  readonly since: number;
}

/** Names whose sessions were forgotten. */
export class Tombstones {
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #byId = new Map<string, Tombstone>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Names kept. */
  get size(): number {
    return this.#byId.size;
  }

  /** Notes what a session has lost that was just forgotten, if it has, and its client chose its id. */
  add({ id, kind, endpoint, losses }: Session): void {
    if (losses === undefined || kind === "mcp" || kind === "request") return;
    const since = this.#clock.now();
    this.#byId.delete(id);
    this.#byId.set(id, { server: endpoint.server, losses, since });
    for (const [oldest, tombstone] of this.#byId) {
      if (this.#byId.size <= MAX_NAMES && since - tombstone.since <= KEPT_MS) return;
      this.#byId.delete(oldest);
    }
  }

  /** A session begins: it learns what the one before it under its id has lost at the same place. */
  takeOver(session: Session): void {
    if (this.#byId.size === 0) return;
    const tombstone = this.#byId.get(session.id);
    if (tombstone === undefined) return;
    this.#byId.delete(session.id);
    const isTooOld = this.#clock.now() - tombstone.since > KEPT_MS;
    if (isTooOld || tombstone.server !== session.endpoint.server) return;
    session.losses = tombstone.losses;
  }
}
