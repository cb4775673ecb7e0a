import assert from "node:assert/strict";
import { join } from "@std/path";
import {
  CATALOG_MAX_AGE_MS,
  CATALOG_MAX_CHARS,
  memoryCatalogStore,
  openCatalogStore,
  reportCatalogs,
} from "./catalog_store.ts";
import { record, testCatalogStore } from "./catalog_store_suite.ts";

testCatalogStore("memory", () => ({ store: memoryCatalogStore() }));

testCatalogStore("folder", () => {
  const folder = Deno.makeTempDirSync();
  const problems: unknown[] = [];
  const store = openCatalogStore({
    folder: join(folder, "catalogs"),
    onProblem: (problem) => problems.push(problem),
  });
  return {
    store,
    remove: () => {
      Deno.removeSync(folder, { recursive: true });
      assert.deepEqual(problems, []);
    },
  };
});

/** A folder of its own, and stores over it. */
async function inFolder(
  body: (bench: { folder: string; problems: unknown[]; open: typeof open }) => Promise<void>,
): Promise<void> {
  const parent = await Deno.makeTempDir();
  const folder = join(parent, "cache", "catalogs");
  const problems: unknown[] = [];
  try {
    await body({ folder, problems, open });
  } finally {
    await Deno.remove(parent, { recursive: true });
  }

  function open(wallClock?: () => number) {
    return openCatalogStore({ folder, wallClock, onProblem: (problem) => problems.push(problem) });
  }
}

Deno.test("a catalog survives the process, in a file only its owner can read", () =>
  inFolder(async ({ folder, problems, open }) => {
    const store = open();
    store.put("a", record());
    store.put("a", record({ readAt: 2_000 }));
    store.put("b", record({ server: "b" }));
    store.delete("b");
    await store.close();
    assert.deepEqual(open().get("a"), record({ readAt: 2_000 }));
    assert.equal(open().get("b"), undefined);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["a.json"]);
    if (Deno.build.os !== "windows") {
      assert.equal(Deno.statSync(join(folder, "a.json")).mode! & 0o777, 0o600);
      assert.equal(Deno.statSync(folder).mode! & 0o777, 0o700);
    }
    assert.deepEqual(problems, []);
  }));

Deno.test("nothing is written in the turn of whoever puts it, and nothing after the store is closed", () =>
  inFolder(async ({ folder, open }) => {
    const store = open();
    store.put("a", record());
    assert.throws(() => Deno.statSync(folder), Deno.errors.NotFound);
    await store.close();
    store.put("b", record());
    await store.close();
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["a.json"]);
  }));

const DAMAGED: [what: string, text: string][] = [
  ["is empty", ""],
  ["is cut off", JSON.stringify(record()).slice(0, -20)],
  ["is no object", "[]"],
  ["is of another format", JSON.stringify({ format: 99, key: "a", ...record() })],
  ["was renamed", JSON.stringify({ format: 1, key: "b", ...record() })],
  ["has no lists", JSON.stringify({ format: 1, key: "a", ...record(), lists: null })],
  [
    "has a list of texts",
    JSON.stringify({ format: 1, key: "a", ...record(), lists: { x: ["y"] } }),
  ],
  ["has no capabilities", JSON.stringify({ format: 1, key: "a", ...record(), initialize: {} })],
  ["has no time", JSON.stringify({ format: 1, key: "a", ...record(), readAt: "now" })],
];

for (const [what, text] of DAMAGED) {
  Deno.test(`a file that ${what} is told, removed and begun anew`, () =>
    inFolder(async ({ folder, problems, open }) => {
      await Deno.mkdir(folder, { recursive: true });
      await Deno.writeTextFile(join(folder, "a.json"), text);
      const store = open();
      assert.equal(store.get("a"), undefined);
      assert.match(String(problems), /a\.json holds no catalog/);
      await store.close();
      assert.deepEqual([...Deno.readDirSync(folder)], []);
      const next = open();
      next.put("a", record());
      await next.close();
      assert.deepEqual(open().get("a"), record());
    }));
}

Deno.test("a file beyond every bound is not even read", () =>
  inFolder(async ({ folder, open }) => {
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(join(folder, "a.json"), "");
    await Deno.truncate(join(folder, "a.json"), 3 * CATALOG_MAX_CHARS + 1);
    assert.equal(open().get("a"), undefined);
  }));

Deno.test("a folder that cannot be written to is told, and what was put is lost", () =>
  inFolder(async ({ folder, problems, open }) => {
    await Deno.mkdir(join(folder, ".."), { recursive: true });
    await Deno.writeTextFile(folder, "a file where the folder should be");
    const store = open();
    store.put("a", record());
    await store.close();
    assert.ok(problems.length > 0);
    assert.equal(open().get("a"), undefined);
  }));

Deno.test("files that nobody renewed for a week are removed with the next one written", () =>
  inFolder(async ({ folder, open }) => {
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(join(folder, "old.json"), "{}");
    const store = open(() => Date.now() + CATALOG_MAX_AGE_MS + 60_000);
    await Deno.utime(join(folder, "old.json"), 1, 1);
    store.put("a", record());
    await store.close();
    assert.equal([...Deno.readDirSync(folder)].some(({ name }) => name === "old.json"), false);
  }));

Deno.test("a person can see what is kept, and which file is damaged", () =>
  inFolder(async ({ folder, open }) => {
    assert.deepEqual(reportCatalogs(folder), []);
    const store = open();
    store.put("a", record());
    await store.close();
    await Deno.writeTextFile(join(folder, "b.json"), "?");
    const [good, damaged] = reportCatalogs(folder);
    assert.deepEqual(
      [good.server, good.readAt, good.items],
      ["everything", 1_000, { tools: 1, prompts: 0 }],
    );
    assert.deepEqual([damaged.server, damaged.bytes], [undefined, 1]);
  }));
