/**
 * What clients of one server are told when the process is gone that they had for themselves.
 *
 * Guarantees: a client whose session goes on, or that comes back under its name, is told with its next
 * call, once, before anything is begun anew for it; an MCP session at this server alone ends, which says
 * the same. So it is when the process ended with another run of the daemon, as far as the session's
 * record says that it had one.
 * Not guaranteed: anything about shared processes, which keep nothing of a client's.
 *
 * @module
 */

import type { Endpoint } from "./endpoint.ts";
import type { Places } from "./places.ts";
import type { Session } from "./session.ts";

/** Options of {@linkcode Losses}. */
export interface LossesOptions {
  /** Name of the server. */
  server: string;
  /** The address of the server alone. */
  endpoint: Endpoint;
  places: Places;
}

/** What was lost at a server; the sessions themselves remember it. */
export class Losses {
  readonly #server: string;
  readonly #endpoint: Endpoint;
  readonly #places: Places;

  constructor({ server, endpoint, places }: LossesOptions) {
    this.#server = server;
    this.#endpoint = endpoint;
    this.#places = places;
  }

  /** Notes that a session has a process for itself here, so that it can be told when that is gone. */
  noteOwn(session: Session): void {
    if (!session.owned.has(this.#server)) {
      session.setOwned(this.#server, true);
      session.changed();
    } else if (session.endpoint !== this.#endpoint && !session.losses?.has(this.#server)) {
      // It had one, and nobody here knows of it: that was another run of the daemon.
      this.#addRestart(session);
    }
  }

  /** The process of a session was ended while the session goes on: it ends now, or is told later. */
  onOwnEnded(session: Session, reason: string): void {
    session.setOwned(this.#server, false);
    // Its id is the client's own business, and would begin anew without a word.
    if (session.endpoint === this.#endpoint && session.kind === "mcp") return session.lose(reason);
    this.add(session, reason);
    session.changed();
  }

  /** The session goes on, or its client comes back, although its own process here is gone. */
  add(session: Session, reason: string): void {
    session.losses ??= new Map();
    session.losses.set(
      this.#server,
      `Server ${JSON.stringify(this.#server)} was ended: ${reason}; the next call begins anew`,
    );
  }

  /** What a session must be told before it is served again; said once. */
  take(session: Session): string | undefined {
    const isFromBefore = session.owned.has(this.#server) && session.endpoint !== this.#endpoint &&
      !this.#places.has(session);
    if (isFromBefore && !session.losses?.has(this.#server)) this.#addRestart(session);
    const loss = session.losses?.get(this.#server);
    if (loss !== undefined) session.losses!.delete(this.#server);
    if (isFromBefore) session.setOwned(this.#server, false);
    return loss;
  }

  #addRestart(session: Session): void {
    this.add(session, "the daemon was restarted");
  }
}
