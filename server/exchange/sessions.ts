/**
 * The table of sessions: minted, found, counted, ended, and forgotten when nobody came back.
 *
 * Guarantees: an id names at most one session, of one kind, at one endpoint; whoever asks with the
 * right id at the wrong place is told that there is no such session.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { Fault } from "../../protocol/errors.ts";
import type { Limits } from "../config/types.ts";
import type { Endpoint } from "./endpoint.ts";
import { Mailbox } from "./mailbox.ts";
import { Session, type SessionKind } from "./session.ts";

/** Options of {@linkcode Sessions}. */
export interface SessionsOptions {
  limits: Limits;
  clock: Clock;
}

/** What a new session is made from. */
export interface NewSession {
  kind: SessionKind;
  endpoint: Endpoint;
  /** A client's own id, a UUID; without one an id is minted. */
  id?: string;
  protocolVersion?: string;
  clientInfo?: unknown;
}

/** How long a session without lease is remembered, sliding. Milliseconds. */
const RETENTION_MS: Record<SessionKind, number> = {
  mcp: 24 * 60 * 60_000,
  light: 5 * 60_000,
};

const SWEEP_MS = 30_000;

/** Every session of the daemon. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #byId = new Map<string, Session>();
  #sweepTimer: Disposable | undefined;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** Sessions remembered. */
  get size(): number {
    return this.#byId.size;
  }

  /** Sessions somebody uses. */
  get activeCount(): number {
    let count = 0;
    for (const session of this.#byId.values()) if (session.active) count++;
    return count;
  }

  [Symbol.iterator](): IterableIterator<Session> {
    return this.#byId.values();
  }

  /**
   * Begins a session.
   *
   * @throws {Fault} `overloaded` when there are too many and all are in use; `invalid_request` when
   * the client's own id is taken.
   */
  create({ kind, endpoint, id, protocolVersion, clientInfo }: NewSession): Session {
    if (id !== undefined && this.#byId.has(id)) {
      throw new Fault("invalid_request", `Cannot begin session ${id}: the id is in use`);
    }
    this.#makeRoom();
    const { limits, clock } = this.#options;
    const mailbox = new Mailbox({
      maxEvents: limits.maxStreamEvents,
      maxBytes: limits.maxStreamBytes,
      // A light session's answers may come by its stream, so they wait for it. An MCP client's
      // come with its own request, and most never open the stream.
      keep: kind === "light",
    });
    const session = new Session({
      id: id ?? crypto.randomUUID(),
      kind,
      endpoint,
      mailbox,
      clock,
      protocolVersion,
      clientInfo,
    });
    this.#byId.set(session.id, session);
    endpoint.join(session);
    this.#watch();
    return session;
  }

  /** The session `id`, wherever it lives. */
  get(id: string): Session | undefined {
    return this.#byId.get(id);
  }

  /**
   * The session `id` if it is of this kind and lives at this endpoint; it counts as heard of.
   *
   * @throws {Fault} `session_not_found`.
   */
  find(id: string, { kind, endpoint }: Pick<NewSession, "kind" | "endpoint">): Session {
    const session = this.#byId.get(id);
    if (session === undefined || session.kind !== kind || session.endpoint !== endpoint) {
      throw sessionNotFound(id);
    }
    session.touch();
    return session;
  }

  /** Ends a session. */
  end(session: Session, reason: string): void {
    this.#byId.delete(session.id);
    session.end(reason);
  }

  /** Ends every session. */
  endAll(reason: string): void {
    for (const session of [...this]) this.end(session, reason);
    this.#sweepTimer?.[Symbol.dispose]();
    this.#sweepTimer = undefined;
  }

  #makeRoom(): void {
    const { maxSessions } = this.#options.limits;
    if (this.#byId.size < maxSessions) return;
    let oldest: Session | undefined;
    for (const session of this) {
      if (session.active) continue;
      if (oldest === undefined || session.lastSeen < oldest.lastSeen) oldest = session;
    }
    if (oldest === undefined) {
      throw new Fault(
        "overloaded",
        `Cannot begin another session: all ${maxSessions} are in use; raise ` +
          `"server.limits.maxSessions" in config.json`,
      );
    }
    this.end(oldest, "replaced by a newer session");
  }

  #watch(): void {
    if (this.#sweepTimer !== undefined) return;
    const { clock } = this.#options;
    const due = clock.now() + SWEEP_MS;
    this.#sweepTimer = clock.after(SWEEP_MS, () => {
      this.#sweepTimer = undefined;
      const now = clock.now();
      // A timer that fires late has slept, with the machine or the process: so have the clients.
      const slept = now - due;
      for (const session of [...this]) {
        if (slept > SWEEP_MS) session.lastSeen += slept;
        const inUse = session.mailbox.attached || session.calls.size > 0;
        if (!inUse && now - session.lastSeen > RETENTION_MS[session.kind]) {
          this.end(session, "not used for too long");
        }
      }
      if (this.#byId.size > 0) this.#watch();
    });
  }
}

/** The fault of an unknown session; the same whether it ended, never was, or lives elsewhere. */
export function sessionNotFound(id: string): Fault {
  return new Fault(
    "session_not_found",
    `No session ${JSON.stringify(id.slice(0, 80))} here; begin a new one`,
  );
}
