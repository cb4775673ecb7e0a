/**
 * The table of sessions: minted, found, counted, ended, and forgotten when nobody came back.
 *
 * Guarantees: an id names at most one session, of one kind, at one endpoint; whoever asks with the
 * right id at the wrong place is told that there is no such session.
 *
 * @module
 */

import { ChurningMap, ChurningSet } from "../../platform/churning_map.ts";
import type { Clock } from "../../platform/clock.ts";
import { Fault } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { Limits } from "../config/types.ts";
import type { Endpoint } from "./endpoint.ts";
import type { MailboxOptions } from "./mailbox.ts";
import type { Logger } from "../daemon/log.ts";
import type { SessionRecord, SessionStore } from "../store/session_store.ts";
import { Session, type SessionKeeper, type SessionKind } from "./session.ts";
import { Tombstones } from "./tombstones.ts";

/** Options of {@linkcode Sessions}. */
export interface SessionsOptions {
  limits: Limits;
  clock: Clock;
  /** Where MCP sessions outlive this process. */
  store: SessionStore;
  log: Logger;
  /** The endpoint of a record's server, if it is still configured. */
  endpointOf(server: string | null): Endpoint | undefined;
  /** Wall clock, milliseconds since 1970; for the store only. Default `Date.now`. */
  wallClock?: () => number;
}

/** What a new session is made from. */
export interface NewSession {
  kind: SessionKind;
  endpoint: Endpoint;
  /** A client's own id, a UUID; without one an id is minted. */
  id?: string;
  protocolVersion?: string;
  clientInfo?: unknown;
  /** Capabilities the client declared. Default none. */
  capabilities?: JsonObject;
  /** On whose behalf it asks. Default `local`. */
  principal?: string;
  /** The project its requests name: `?project=` or `X-Aichaku-Project`. */
  project?: string;
  /** Whether an `mcp` session is written down, so that its client can come back. Default true. */
  keep?: boolean;
}

/** A place where a session of a kind lives. */
export type SessionPlace = Pick<NewSession, "kind" | "endpoint" | "project">;

/** How long a session without lease is remembered, sliding. Milliseconds. */
const RETENTION_MS: Record<SessionKind, number> = {
  mcp: 24 * 60 * 60_000,
  light: 5 * 60_000,
  modern: 60 * 60_000,
  request: 5 * 60_000,
};

/** Milliseconds in which a stream may take messages although its client is gone. */
const DOUBT_MS = 100;

/** Part of the sessions that requests of clients without a name may be. */
const NAMELESS_SHARE = 0.75;

/** Also how often the store hears who was there. */
const SWEEP_MS = 60_000;

/** Every session of the daemon. */
export class Sessions {
  readonly #options: SessionsOptions;
  /** Those that a client may name. */
  readonly #byId = new ChurningMap<string, Session>();
  /** Those of one request each, which nobody names. */
  readonly #nameless = new ChurningSet<Session>();
  /** Sessions being read from the store, so that two requests at once make one session. */
  readonly #restoring = new Map<string, Promise<Session>>();
  readonly #tombstones: Tombstones;
  #sweepTimer: Disposable | undefined;
  #lastSweep: number;
  #changes = 0;
  #closed = false;
  #lastNameless = 0;
  readonly #keeper: SessionKeeper = {
    onActivity: () => this.#changes++,
    onChange: (session) => this.#save(session),
    onLost: (session, reason) => this.end(session, reason),
  };
  readonly #mailbox: MailboxOptions;
  /** Of a light session, whose answers may come by its stream and wait for it; of others they do not. */
  readonly #keepingMailbox: MailboxOptions;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#tombstones = new Tombstones(options.clock);
    this.#lastSweep = options.clock.now();
    this.#mailbox = mailboxOptions(options, false);
    this.#keepingMailbox = mailboxOptions(options, true);
  }

  /** Sessions remembered. */
  get size(): number {
    return this.#byId.size + this.#nameless.size;
  }

  /** Counts up with everything that shows that a client is there. */
  get changes(): number {
    return this.#changes;
  }

  /** Sessions somebody uses. */
  get activeCount(): number {
    let count = 0;
    for (const session of this) if (session.active) count++;
    return count;
  }

  *[Symbol.iterator](): IterableIterator<Session> {
    yield* this.#byId.values();
    yield* this.#nameless;
  }

  /**
   * Begins a session.
   *
   * @throws {Fault} `overloaded` when there are too many and all are in use; `invalid_request` when
   * the client's own id is taken; `draining` after `close`.
   */
  create(client: NewSession): Session {
    this.#requireOpen();
    const { id } = client;
    if (id !== undefined && this.#byId.has(id)) {
      throw new Fault("invalid_request", `Cannot begin session ${id}: the id is in use`);
    }
    const session = this.#add(this.#newSession(client, id ?? this.#mintId(client.kind)));
    if (id !== undefined) this.#tombstones.takeOver(session);
    this.#save(session);
    return session;
  }

  /** The session `id`, wherever it lives, if it is in memory and clients may name it. */
  get(id: string): Session | undefined {
    return this.#byId.get(id);
  }

  /**
   * The session `id` if it is of this kind and lives at this endpoint; it counts as heard of. At once
   * when it is in memory; a session from before a restart is read from the store.
   *
   * @throws {Fault} `session_not_found`, or `draining` after `close`; thrown or as a rejection.
   */
  find(id: string, place: SessionPlace): Session | Promise<Session> {
    this.#requireOpen();
    const session = this.#byId.get(id);
    if (session === undefined) return this.#restore(id, place);
    checkPlace(session, place);
    session.touch();
    return session;
  }

  /** Ends a session, unless it has ended: one that was only forgotten keeps its record. */
  end(session: Session, reason: string): void {
    if (session.ended) return;
    this.#forget(session);
    this.#changes++;
    session.end(reason);
    if (session.kept) this.#write(() => this.#options.store.delete(session.id));
  }

  /** Lets go of every session; their records stay for the next process. */
  async close(reason: string): Promise<void> {
    this.#closed = true;
    this.#sweepTimer?.[Symbol.dispose]();
    this.#sweepTimer = undefined;
    const { store } = this.#options;
    this.#write(() => store.touch(this.#heardOfSince(this.#lastSweep), this.#wallTime()));
    for (const session of [...this]) session.end(reason);
    this.#byId.clear();
    this.#nameless.clear();
    await store.close();
  }

  #requireOpen(): void {
    if (this.#closed) throw new Fault("draining", "The daemon is stopping; try again in a moment");
  }

  /** Only what clients come back with is a secret, and costs what a secret costs. */
  #mintId(kind: SessionKind): string {
    return kind === "request" ? `request-${++this.#lastNameless}` : crypto.randomUUID();
  }

  #newSession(client: NewSession, id: string): Session {
    return new Session({
      ...client,
      id,
      mailbox: client.kind === "light" ? this.#keepingMailbox : this.#mailbox,
      clock: this.#options.clock,
      keeper: this.#keeper,
    });
  }

  #add(session: Session): Session {
    const isNameless = session.kind === "request";
    if (isNameless) this.#countNameless();
    this.#makeRoom();
    if (isNameless) this.#nameless.add(session);
    else this.#byId.set(session.id, session);
    this.#changes++;
    session.endpoint.join(session);
    this.#watch();
    return session;
  }

  // ---- the store

  #restore(id: string, place: SessionPlace): Promise<Session> {
    if (place.kind !== "mcp") throw sessionNotFound(id);
    const running = this.#restoring.get(id);
    const restored = running ?? this.#read(id).finally(() => this.#restoring.delete(id));
    if (running === undefined) this.#restoring.set(id, restored);
    return restored.then((session) => {
      if (session.ended) throw sessionNotFound(id);
      checkPlace(session, place);
      session.touch();
      return session;
    });
  }

  async #read(id: string): Promise<Session> {
    const record = await this.#options.store.get(id);
    const endpoint = record && this.#options.endpointOf(record.server);
    if (
      record === undefined || endpoint === undefined ||
      this.#wallTime() - record.lastSeen > RETENTION_MS.mcp
    ) throw sessionNotFound(id);
    // What its own process knew is gone with the daemon: its client must learn that.
    if (record.server !== null && (record.owned ?? []).length > 0) {
      this.#write(() => this.#options.store.delete(id));
      throw sessionNotFound(id);
    }
    this.#requireOpen();
    // Meanwhile somebody may have begun another one under this id.
    if (this.#byId.has(id)) throw sessionNotFound(id);
    const { protocolVersion, clientInfo, capabilities, project } = record;
    const session = this.#newSession({
      kind: "mcp",
      endpoint,
      protocolVersion,
      clientInfo,
      capabilities,
      project: project ?? undefined,
    }, id);
    session.logLevel = record.logLevel;
    for (const uri of record.subscriptions) session.subscribe(uri);
    for (const [uri, server] of record.origins ?? []) session.setOrigin(uri, server);
    for (const server of record.owned ?? []) session.setOwned(server, true);
    return this.#add(session);
  }

  #save(session: Session): void {
    if (!session.kept) return;
    const record: SessionRecord = {
      id: session.id,
      server: session.endpoint.server ?? null,
      protocolVersion: session.protocolVersion!,
      clientInfo: session.clientInfo,
      capabilities: session.capabilities,
      project: session.project ?? null,
      owned: [...session.owned],
      logLevel: session.logLevel,
      subscriptions: [...session.subscriptions],
      ...(session.origins.size === 0 ? {} : { origins: [...session.origins] }),
      lastSeen: this.#wallTime(),
    };
    this.#write(() => this.#options.store.put(record));
  }

  /** A store that fails costs a session its life after a restart, and nobody an answer. */
  async #write(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#options.log.error("cannot write sessions", { error });
    }
  }

  #wallTime(): number {
    return (this.#options.wallClock ?? Date.now)();
  }

  *#heardOfSince(moment: number): Generator<string> {
    for (const session of this) {
      if (session.kept && session.lastSeen >= moment) yield session.id;
    }
  }

  // ---- room and time

  #forget(session: Session): void {
    if (session.kind === "request") this.#nameless.delete(session);
    // Ended before, its client may have begun another one under its id.
    else if (this.#byId.get(session.id) === session) this.#byId.delete(session.id);
  }

  /** A flood of clients without names leaves room for those who begin a session. */
  #countNameless(): void {
    const most = Math.max(1, Math.floor(this.#options.limits.maxSessions * NAMELESS_SHARE));
    if (this.#nameless.size < most) return;
    throw new Fault(
      "overloaded",
      `Cannot take more than ${most} requests of clients without a name at once; try again in a moment`,
    );
  }

  #makeRoom(): void {
    const { maxSessions } = this.#options.limits;
    if (this.size < maxSessions) return;
    let oldest: Session | undefined;
    for (const session of this) {
      if (session.active) continue;
      if (oldest === undefined || session.lastSeen < oldest.lastSeen) oldest = session;
    }
    oldest ??= this.#oldestSpare();
    if (oldest === undefined) {
      throw new Fault(
        "overloaded",
        `Cannot begin another session: all ${maxSessions} are in use; raise ` +
          `"server.limits.maxSessions" in config.json`,
      );
    }
    // Only out of memory: the record stays, and brings it back if its client does.
    this.#forget(oldest);
    oldest.end("replaced by a newer session");
    this.#tombstones.add(oldest);
  }

  /**
   * The oldest session that nobody would miss: a loop of `curl` leaves one behind with every request of
   * `/rpc`, or with every name it gives itself, and must not keep everybody else out until they expire.
   */
  #oldestSpare(): Session | undefined {
    let oldest: Session | undefined;
    for (const session of this) {
      if (!session.spare) continue;
      if (oldest === undefined || session.lastSeen < oldest.lastSeen) oldest = session;
    }
    return oldest;
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
        if (!session.inUse && now - session.lastSeen > RETENTION_MS[session.kind]) {
          this.end(session, "not used for too long");
          this.#tombstones.add(session);
        }
      }
      const { store } = this.#options;
      this.#write(() => store.touch(this.#heardOfSince(this.#lastSweep), this.#wallTime()));
      this.#write(() => store.deleteUnseenSince(this.#wallTime() - RETENTION_MS.mcp));
      this.#lastSweep = now;
      if (this.size > 0) this.#watch();
    });
  }
}

/** Of all mailboxes alike. Their bounds are looked up: a reload of the configuration changes them. */
function mailboxOptions({ limits, clock }: SessionsOptions, keep: boolean): MailboxOptions {
  return {
    get maxEvents() {
      return limits.maxStreamEvents;
    },
    get maxBytes() {
      return limits.maxStreamBytes;
    },
    keep,
    doubt: { clock, ms: DOUBT_MS },
  };
}

/** @throws {Fault} when the session lives elsewhere, or works on another project. */
export function checkPlace(session: Session, { kind, endpoint, project }: SessionPlace): void {
  if (session.kind !== kind || session.endpoint !== endpoint) throw sessionNotFound(session.id);
  if (project === undefined || project === session.project) return;
  throw new Fault(
    "invalid_request",
    `This session works on the project ${
      JSON.stringify(session.project ?? "none")
    }, and the request ` +
      `names ${JSON.stringify(project.slice(0, 200))}; begin another session for it`,
  );
}

/** The fault of an unknown session; the same whether it ended, never was, or lives elsewhere. */
export function sessionNotFound(id: string): Fault {
  return new Fault(
    "session_not_found",
    `No session ${JSON.stringify(id.slice(0, 80))} here; begin a new one`,
  );
}
