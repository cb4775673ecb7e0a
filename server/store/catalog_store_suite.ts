/**
 * What every catalog store does: one suite, run by the test of each implementation.
 *
 * @module
 */

import assert from "node:assert/strict";
import { parseJson, stringifyJson } from "../../protocol/json.ts";
import { CATALOG_MAX_CHARS, type CatalogRecord, type CatalogStore } from "./catalog_store.ts";

/** A record. */
export function record(changes: Partial<CatalogRecord> = {}): CatalogRecord {
  return {
    server: "everything",
    readAt: 1_000,
    initialize: { capabilities: { tools: {} }, serverInfo: { name: "e", version: "1" } },
    lists: { tools: [{ name: "echo", title: 'écho 🦉 "quoted"' }], prompts: [] },
    ...changes,
  };
}

/** Declares the suite. @param open Makes an empty store; what `remove` takes away is put by it. */
export function testCatalogStore(
  name: string,
  open: () => { store: CatalogStore; remove?: () => void },
): void {
  const test = (what: string, body: (store: CatalogStore) => void | Promise<void>) =>
    Deno.test(`${name}: ${what}`, async () => {
      const { store, remove } = open();
      try {
        await body(store);
      } finally {
        await store.close();
        remove?.();
      }
    });

  test("a catalog comes back as it was put, also at once", (store) => {
    store.put("a", record());
    assert.deepEqual(store.get("a"), record());
    assert.equal(store.get("b"), undefined);
  });

  test("of two catalogs under one key, the last one counts", (store) => {
    store.put("a", record());
    store.put("a", record({ server: "other", lists: {} }));
    store.put("b", record({ server: "b" }));
    assert.deepEqual(store.get("a"), record({ server: "other", lists: {} }));
    assert.deepEqual(store.get("b"), record({ server: "b" }));
  });

  test("a deleted catalog is gone, and deleting it again is no error", (store) => {
    store.put("a", record());
    store.delete("a");
    store.delete("a");
    assert.equal(store.get("a"), undefined);
  });

  test("what is changed after it was put stays as it was put", (store) => {
    const mutable = record();
    store.put("a", mutable);
    mutable.lists.tools.push({ name: "later" });
    store.get("a")!.lists.tools.length = 0;
    assert.deepEqual(store.get("a"), record());
  });

  test("numbers and names that JavaScript would change are kept", (store) => {
    const item = parseJson('{"name":"x","big":12345678901234567890,"__proto__":{"a":1}}');
    store.put("a", record({ lists: { tools: [item as Record<string, unknown>] } }));
    const [kept] = store.get("a")!.lists.tools;
    assert.equal(stringifyJson(kept), stringifyJson(item));
  });

  test("a catalog that is too large is not kept, nor the one before it", (store) => {
    store.put("a", record());
    const text = "x".repeat(CATALOG_MAX_CHARS);
    store.put("a", record({ lists: { tools: [{ name: "big", text }] } }));
    assert.equal(store.get("a"), undefined);
  });

  test("a catalog that nests too deeply to be written is not kept", (store) => {
    const deep = parseJson(`{"0":${"[".repeat(200_000)}${"]".repeat(200_000)}}`);
    store.put("a", record({ lists: { tools: [{ name: "deep", deep }] } }));
    assert.equal(store.get("a"), undefined);
  });
}
