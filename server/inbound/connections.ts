/**
 * The connections that are open: found by their id, counted, and closed when the daemon stops.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import type { Limits } from "../config/types.ts";
import type { Connection } from "./connection.ts";

/** Every open {@linkcode Connection}. */
export class Connections {
  readonly #limits: Pick<Limits, "maxSessions">;
  readonly #open = new Map<string, Connection>();
  #closed: string | undefined;

  /** @param limits As many connections at once as sessions, those without a session included. */
  constructor(limits: Pick<Limits, "maxSessions">) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Connections whose clients are there, and have not begun a session. */
  get silent(): number {
    let count = 0;
    for (const { isSilent } of this.#open.values()) if (isSilent) count++;
    return count;
  }

  /** @throws {Fault} as {@linkcode Connections.requireRoom}. */
  add(connection: Connection): void {
    this.requireRoom();
    this.#open.set(connection.id, connection);
  }

  /** @throws {Fault} `overloaded` when there are too many, `draining` after `close`. */
  requireRoom(): void {
    if (this.#closed !== undefined) {
      throw new Fault(
        "draining",
        `The daemon is stopping (${this.#closed}); try again in a moment`,
      );
    }
    const { maxSessions } = this.#limits;
    if (this.#open.size >= maxSessions) {
      throw new Fault(
        "overloaded",
        `Cannot take another connection: there are ${maxSessions}; close some, or raise ` +
          `"server.limits.maxSessions" in config.json`,
      );
    }
  }

  get(id: string): Connection | undefined {
    return this.#open.get(id);
  }

  delete(connection: Connection): void {
    this.#open.delete(connection.id);
  }

  /** Ends all of them, and takes no more. */
  close(reason: string): void {
    this.#closed = reason;
    for (const connection of [...this.#open.values()]) connection.end(reason);
  }
}
