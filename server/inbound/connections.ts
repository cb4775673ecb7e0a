/**
 * The connections that are open: found by their id, counted, and closed when the daemon stops.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import type { Limits } from "../config/types.ts";
import type { Connection } from "./connection.ts";

/**
 * Connections at once that have not said the token yet, where they must: anybody on the machine can open
 * them, and each takes a file of the daemon's for as long as it may keep silent.
 */
const MAX_STRANGERS = 64;

/** Every open {@linkcode Connection}. */
export class Connections {
  readonly #limits: Pick<Limits, "maxSessions">;
  readonly #open = new Map<string, Connection>();
  #closed: string | undefined;
  #strangers = 0;

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

  /**
   * Somebody is there who has not said the token yet; disposed of when he has, or is gone.
   *
   * @throws {Fault} `overloaded` when there are too many of those.
   */
  admitStranger(): Disposable {
    if (this.#strangers >= MAX_STRANGERS) {
      throw new Fault(
        "overloaded",
        `Cannot take another connection: ${MAX_STRANGERS} have not said the token yet; try again ` +
          "in a moment",
      );
    }
    this.#strangers++;
    let isCounted = true;
    return {
      [Symbol.dispose]: () => {
        if (isCounted) this.#strangers--;
        isCounted = false;
      },
    };
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
