/**
 * Session records that live as long as this process: for tests, and where nothing may be written.
 *
 * @module
 */

import type { SessionRecord, SessionStore } from "./session_store.ts";

/** A store without a place. */
export class MemorySessionStore implements SessionStore {
  readonly #records = new Map<string, SessionRecord>();

  get(id: string): Promise<SessionRecord | undefined> {
    const record = this.#records.get(id);
    return Promise.resolve(record === undefined ? undefined : structuredClone(record));
  }

  put(record: SessionRecord): Promise<void> {
    this.#records.set(record.id, structuredClone(record));
    return Promise.resolve();
  }

  touch(ids: Iterable<string>, lastSeen: number): Promise<void> {
    for (const id of ids) {
      const record = this.#records.get(id);
      if (record !== undefined) record.lastSeen = lastSeen;
    }
    return Promise.resolve();
  }

  delete(id: string): Promise<void> {
    this.#records.delete(id);
    return Promise.resolve();
  }

  deleteUnseenSince(before: number): Promise<void> {
    for (const [id, { lastSeen }] of this.#records) {
      if (lastSeen < before) this.#records.delete(id);
    }
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
