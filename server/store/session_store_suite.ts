/**
 * What every session store does: one suite, run by the test of each implementation.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { SessionRecord, SessionStore } from "./session_store.ts";

/** Declares the suite. @param open Makes an empty store. */
export function testSessionStore(name: string, open: () => SessionStore): void {
  const record = (id: string, changes: Partial<SessionRecord> = {}): SessionRecord => ({
    id,
    server: "everything",
    protocolVersion: "2025-11-25",
    clientInfo: { name: 'client \u{1F980} "quoted"', version: "1" },
    logLevel: null,
    subscriptions: [],
    lastSeen: 1000,
    ...changes,
  });

  const test = (what: string, body: (store: SessionStore) => Promise<void>) =>
    Deno.test(`${name}: ${what}`, async () => {
      const store = open();
      try {
        await body(store);
      } finally {
        await store.close();
      }
    });

  test("a record comes back as it was put", async (store) => {
    const put = record("a", { logLevel: "debug", subscriptions: ["file:///x", "b"], server: null });
    await store.put(put);
    assert.deepEqual(await store.get("a"), put);
  });

  test("an unknown id is undefined, and deleting it is no error", async (store) => {
    assert.equal(await store.get("nobody"), undefined);
    await store.delete("nobody");
  });

  test("putting again replaces, and other records stay", async (store) => {
    await store.put(record("a"));
    await store.put(record("b"));
    await store.put(record("a", { logLevel: "error", lastSeen: 2000 }));
    assert.deepEqual(await store.get("a"), record("a", { logLevel: "error", lastSeen: 2000 }));
    assert.deepEqual(await store.get("b"), record("b"));
  });

  test("what was put does not change with the object it came in", async (store) => {
    const mine = record("a");
    await store.put(mine);
    mine.logLevel = "debug";
    (mine.clientInfo as { name: string }).name = "other";
    assert.deepEqual(await store.get("a"), record("a"));
  });

  test("a deleted record is gone", async (store) => {
    await store.put(record("a"));
    await store.delete("a");
    assert.equal(await store.get("a"), undefined);
  });

  test("touching moves the time of the named ones only, and makes none", async (store) => {
    await store.put(record("a"));
    await store.put(record("b"));
    await store.touch(["a", "nobody"], 5000);
    assert.equal((await store.get("a"))?.lastSeen, 5000);
    assert.equal((await store.get("b"))?.lastSeen, 1000);
    assert.equal(await store.get("nobody"), undefined);
  });

  test("what was not heard of for too long is forgotten", async (store) => {
    await store.put(record("old", { lastSeen: 999 }));
    await store.put(record("edge", { lastSeen: 1000 }));
    await store.put(record("new", { lastSeen: 1001 }));
    await store.deleteUnseenSince(1000);
    assert.equal(await store.get("old"), undefined);
    assert.ok(await store.get("edge"));
    assert.ok(await store.get("new"));
  });
}
