import assert from "node:assert/strict";
import { join } from "@std/path";
import { homePaths } from "../../platform/paths.ts";
import { catalogFolder, openCatalogStore } from "../../server/store/catalog_store.ts";
import { record } from "../../server/store/catalog_store_suite.ts";
import { checkCatalogs } from "./catalogs.ts";

Deno.test("what is known of servers is told with its age, and a damaged file with what to do", async () => {
  const home = await Deno.makeTempDir();
  try {
    const paths = homePaths(home, "machine");
    assert.deepEqual([checkCatalogs(paths).level, checkCatalogs(paths).area], ["ok", "cache"]);
    const folder = catalogFolder(paths.cacheDir);
    const store = openCatalogStore({ folder, onProblem: assert.ifError });
    const day = 24 * 60 * 60_000;
    store.put("b", record({ server: "two", readAt: 10 * day, lists: {} }));
    store.put("a", record({ server: "one", readAt: 7.5 * day }));
    store.put("a2", record({ server: "one", readAt: 7.5 * day }));
    await store.close();
    assert.equal(
      checkCatalogs(paths, 10 * day).text,
      "known without starting them: one (1 tool, read 2 days ago); two (read today)",
    );
    await Deno.writeTextFile(join(folder, "c.json"), "?");
    const { level, text } = checkCatalogs(paths);
    assert.equal(level, "warning");
    assert.match(text, /c\.json: no catalog/);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
