/**
 * What a session talks to: one server, or all of them together.
 *
 * @module
 */

import type { JsonObject } from "../../protocol/json.ts";
import type { NotificationMessage } from "../../protocol/message.ts";
import type { Call } from "./call.ts";
import type { Session } from "./session.ts";

/** One or many servers behind one address. */
export interface Endpoint {
  /** The server's name; undefined for all servers together. */
  readonly server: string | undefined;
  /**
   * What the endpoint answers to a session's `initialize`. Starts what must run for that.
   *
   * @throws {Fault} when the server cannot be started, or not for this client.
   */
  initialize(session: Session, params: JsonObject | undefined): Promise<JsonObject>;
  /** Sees to the call: it will be settled exactly once. */
  request(call: Call): void;
  /** Takes a notification of the client's that the exchange itself has no use for. */
  notification(session: Session, message: NotificationMessage): void;
  /** A session begins, or comes back with what it had asked for before the daemon was restarted. */
  join(session: Session): void;
  /** A session ends: what was kept for it is released. */
  leave(session: Session): void;
}
