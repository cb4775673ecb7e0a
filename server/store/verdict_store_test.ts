import { deepEqual, equal } from "node:assert/strict";
import { join } from "@std/path";
import { openVerdictStore } from "./verdict_store.ts";

/** A store over a file with this text, and what it complained of. */
function storeOver(text: string) {
  const folder = Deno.makeTempDirSync();
  const path = join(folder, "verdicts.json");
  Deno.writeTextFileSync(path, text);
  const problems: unknown[] = [];
  const open = () => openVerdictStore({ path, onProblem: (problem) => problems.push(problem) });
  return {
    ...{ path, problems, open },
    [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }),
  };
}

Deno.test("what was learned is there for the next daemon, each thing beside the others", () => {
  using file = storeOver("{}");
  const store = file.open();
  store.add("k", { era: "legacy" });
  store.add("k", { server: "x", isolate: "it asked" });
  deepEqual(file.open().get("k"), { era: "legacy", server: "x", isolate: "it asked" });
  store.delete("k");
  equal(file.open().get("k"), undefined);
  deepEqual(file.problems, []);
});

Deno.test("a file that is damaged is begun anew, and said to be", () => {
  for (const text of ["", "{", "[]", "null", '"x"']) {
    using file = storeOver(text);
    const store = file.open();
    equal(file.problems.length, 1, text);
    store.add("k", { era: "modern" });
    deepEqual(file.open().get("k"), { era: "modern" }, text);
  }
});

Deno.test("of an entry that somebody edited, only what can be a verdict counts", () => {
  using file = storeOver(JSON.stringify({
    a: { era: "future", isolate: 7, server: ["x"] },
    b: { era: "silent", isolate: "it asked", more: 1 },
    c: "modern",
    __proto__: { era: "modern" },
  }));
  const store = file.open();
  deepEqual(store.get("a"), {});
  deepEqual(store.get("b"), { era: "silent", isolate: "it asked" });
  equal(store.get("c"), undefined);
  equal(store.get("toString"), undefined);
});

Deno.test("a file that cannot be written costs nobody anything but the next start", () => {
  const problems: unknown[] = [];
  const store = openVerdictStore({
    path: join("/dev/null", "verdicts.json"),
    onProblem: (problem) => problems.push(problem),
  });
  store.add("k", { era: "legacy" });
  deepEqual(store.get("k"), { era: "legacy" });
  equal(problems.length > 0, true);
});
