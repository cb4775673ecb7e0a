import assert from "node:assert/strict";
import { join } from "@std/path";
import { openSqliteSessionStore } from "./sqlite_session_store.ts";
import { testSessionStore } from "./session_store_suite.ts";

testSessionStore("sqlite", () => openSqliteSessionStore({ path: ":memory:" }));

const RECORD = {
  id: "a",
  server: null,
  protocolVersion: "2025-11-25",
  clientInfo: undefined,
  logLevel: null,
  subscriptions: [],
  lastSeen: 1,
};

async function inFolder(body: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(join(folder, "sessions.db"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("sqlite: records are there for the next process", () =>
  inFolder(async (path) => {
    const before = openSqliteSessionStore({ path });
    await before.put(RECORD);
    await before.close();
    const after = openSqliteSessionStore({ path });
    assert.equal((await after.get("a"))?.protocolVersion, "2025-11-25");
    await after.close();
  }));

Deno.test("sqlite: a damaged file is put aside and said, and the store works", () =>
  inFolder(async (path) => {
    await Deno.writeTextFile(
      path,
      "this is not a database, and longer than a header of one".repeat(40),
    );
    const reasons: string[] = [];
    const store = openSqliteSessionStore({ path, onReset: (reason) => reasons.push(reason) });
    await store.put(RECORD);
    assert.ok(await store.get("a"));
    await store.close();
    assert.equal(reasons.length, 1);
    assert.match(await Deno.readTextFile(`${path}.damaged`), /^this is not a database/);
  }));
