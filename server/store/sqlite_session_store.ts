/**
 * Session records in a SQLite file. WAL with `synchronous=NORMAL`: a write costs about 30 µs and
 * survives the end of the process, though perhaps not the end of the machine.
 *
 * A file that is damaged, or of another version, is put aside and begun anew: sessions are worth less
 * than a daemon that starts.
 *
 * @module
 */

import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { SessionRecord, SessionStore } from "./session_store.ts";

/** Counts up when the table changes. */
const SCHEMA_VERSION = 1;

const SCHEMA = `
  CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    last_seen INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sessions_last_seen ON sessions (last_seen);
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** Options of {@linkcode openSqliteSessionStore}. */
export interface SqliteSessionStoreOptions {
  /** The file; made when missing. */
  path: string;
  /** Told when the file could not be used and was put aside, with the reason. */
  onReset?(reason: string): void;
}

/**
 * Opens the store.
 *
 * @throws when the folder cannot be written to.
 */
export function openSqliteSessionStore(options: SqliteSessionStoreOptions): SessionStore {
  try {
    return new SqliteSessionStore(open(options.path));
  } catch (error) {
    options.onReset?.((error as Error).message);
    for (const suffix of ["-wal", "-shm"]) removeIfThere(options.path + suffix);
    Deno.renameSync(options.path, `${options.path}.damaged`);
    return new SqliteSessionStore(open(options.path));
  }
}

function open(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    // A process that is just ending may still hold the file for a moment.
    database.exec(
      "PRAGMA busy_timeout = 2000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
    );
    const { user_version: version } = database.prepare("PRAGMA user_version").get() as {
      user_version: number;
    };
    if (version === 0) database.exec(SCHEMA);
    else if (version !== SCHEMA_VERSION) throw new Error(`its schema version is ${version}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

class SqliteSessionStore implements SessionStore {
  readonly #database: DatabaseSync;
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #touch: StatementSync;
  readonly #delete: StatementSync;
  readonly #deleteUnseen: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#get = database.prepare("SELECT record, last_seen FROM sessions WHERE id = ?");
    this.#put = database.prepare(
      "INSERT OR REPLACE INTO sessions (id, last_seen, record) VALUES (?, ?, ?)",
    );
    this.#touch = database.prepare("UPDATE sessions SET last_seen = ? WHERE id = ?");
    this.#delete = database.prepare("DELETE FROM sessions WHERE id = ?");
    this.#deleteUnseen = database.prepare("DELETE FROM sessions WHERE last_seen < ?");
  }

  // Async, so that a failure is a rejection here as it is in a store across the network.

  // deno-lint-ignore require-await
  async get(id: string): Promise<SessionRecord | undefined> {
    const row = this.#get.get(id) as { record: string; last_seen: number } | undefined;
    if (row === undefined) return undefined;
    return { ...JSON.parse(row.record), id, lastSeen: row.last_seen };
  }

  // deno-lint-ignore require-await
  async put({ id, lastSeen, ...record }: SessionRecord): Promise<void> {
    this.#put.run(id, lastSeen, JSON.stringify(record));
  }

  // deno-lint-ignore require-await
  async touch(ids: Iterable<string>, lastSeen: number): Promise<void> {
    this.#database.exec("BEGIN");
    try {
      for (const id of ids) this.#touch.run(lastSeen, id);
    } finally {
      this.#database.exec("COMMIT");
    }
  }

  // deno-lint-ignore require-await
  async delete(id: string): Promise<void> {
    this.#delete.run(id);
  }

  // deno-lint-ignore require-await
  async deleteUnseenSince(before: number): Promise<void> {
    this.#deleteUnseen.run(before);
  }

  // deno-lint-ignore require-await
  async close(): Promise<void> {
    this.#database.close();
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
