/**
 * `GET /sessions`, `DELETE /sessions/{id}`: who uses the daemon. Control plane: ids are shown, so the
 * token is needed.
 *
 * @module
 */

import type { Session } from "../exchange/session.ts";
import { sessionNotFound, type Sessions } from "../exchange/sessions.ts";

/** One session as it is shown. */
export interface SessionReport {
  id: string;
  kind: string;
  /** Name of the server; null for all together. */
  server: string | null;
  active: boolean;
  callsInFlight: number;
  protocolVersion?: string;
  clientInfo?: unknown;
}

/** Every session remembered. */
export function listSessions(sessions: Sessions): SessionReport[] {
  return [...sessions].map(reportSession);
}

/** Ends a session. @throws {Fault} `session_not_found`. */
export function endSession(sessions: Sessions, id: string): void {
  // Those that no client can name are shown as well.
  const session = [...sessions].find((session) => session.id === id);
  if (session === undefined) throw sessionNotFound(id);
  sessions.end(session, "ended by the control plane");
}

function reportSession(session: Session): SessionReport {
  return {
    id: session.id,
    kind: session.kind,
    server: session.endpoint.server ?? null,
    active: session.active,
    callsInFlight: session.calls.size,
    ...(session.protocolVersion === undefined ? {} : { protocolVersion: session.protocolVersion }),
    ...(session.clientInfo === undefined ? {} : { clientInfo: session.clientInfo }),
  };
}
