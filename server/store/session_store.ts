/**
 * Where session records outlive the process. A record holds what is needed to serve that session in
 * another process, never a live object, and never a secret of a client's.
 *
 * @module
 */

/** A session as it is kept. Plain data. */
export interface SessionRecord {
  id: string;
  /** Name of its server; null for all together. */
  server: string | null;
  /** Revision negotiated by `initialize`. */
  protocolVersion: string;
  /** `clientInfo` of `initialize`, as it came; for people. */
  clientInfo: unknown;
  /** Capabilities its client declared, as they came. Missing in records of version 0.1. */
  capabilities?: Record<string, unknown>;
  /** The project its requests name. Missing in records of version 0.1. */
  project?: string | null;
  /** Servers that ran a process for it alone, which is gone with the daemon. Default none. */
  owned?: readonly string[];
  /** Log level it asked for. */
  logLevel: string | null;
  /** Resources it subscribed to. */
  subscriptions: readonly string[];
  /** At all servers together, resources it subscribed to, each with the name of its server. Default none. */
  origins?: readonly (readonly [uri: string, server: string])[];
  /** Wall clock, milliseconds since 1970. */
  lastSeen: number;
}

/**
 * Keeps records by id. Every implementation passes `session_store_suite.ts`. Writing may be deferred
 * until `close`, and a record may be lost when the machine dies; one that was read back is whole.
 */
export interface SessionStore {
  /** The record, or undefined when there is none. */
  get(id: string): Promise<SessionRecord | undefined>;
  /** Keeps a record; one with the same id is replaced. */
  put(record: SessionRecord): Promise<void>;
  /** Sets the time sessions were last heard of; ids that are not kept are left out. */
  touch(ids: Iterable<string>, lastSeen: number): Promise<void>;
  /** Forgets a record; none is no error. */
  delete(id: string): Promise<void>;
  /** Forgets every record not heard of since `before`, milliseconds since 1970. */
  deleteUnseenSince(before: number): Promise<void>;
  /** Writes what was deferred and lets go of the place. */
  close(): Promise<void>;
}
