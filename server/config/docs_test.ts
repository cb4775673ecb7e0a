import assert from "node:assert/strict";
import { join } from "@std/path";
import { FOREIGN_ENTRY_KEYS, IGNORED_TOP_LEVEL, SERVER_MAPS } from "./foreign.ts";
import { parseConfig } from "./load.ts";
import { ENTRY_KEYS, LIMIT_KEYS, SERVER_KEYS } from "./schema.ts";
import { DEFAULT_LIMITS } from "./settings.ts";

const DOC = await Deno.readTextFile(new URL("../../docs/configuration.md", import.meta.url));

const EXAMPLES = [...DOC.matchAll(/^```jsonc\n(.*?)^```$/gms)].map(([, text]) => text!);

/** Every variable that the examples use and expect to be set. */
const ENV = {
  HOME: "/home/ada",
  GITHUB_TOKEN: "t",
  DOCS_TOKEN: "t",
  TICKETS_TOKEN: "t",
  FIGMA_TOKEN: "t",
  CONTEXT7_API_KEY: "t",
};

Deno.test("every example of the documentation loads, and what cannot run yet says so there", async () => {
  assert.ok(EXAMPLES.length >= 9, `${EXAMPLES.length} examples found`);
  const home = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(home, "keys.env"), "A=1\n");
    for (const text of EXAMPLES) {
      const file = join(home, "config.json");
      const { servers, warnings } = await parseConfig(text, { file, env: ENV, home });
      assert.ok(!warnings.some((warning) => warning.includes("not known")), warnings.join("\n"));
      const broken = [...servers.values()].filter(({ kind }) => kind === "broken");
      const announced = text.match(/\/\/ cannot run yet/g) ?? [];
      assert.equal(broken.length, announced.length, warnings.join("\n"));
    }
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("the durations that the examples announce are the ones that come out", async () => {
  let checked = 0;
  for (const text of EXAMPLES.filter((example) => example.includes('callTimeout "'))) {
    const { warnings } = await parseConfig(text, { file: "/c.json", env: ENV, home: "/h" });
    for (const [, duration] of text.matchAll(/\/\/.*callTimeout ("\w+")/g)) {
      assert.ok(
        warnings.some((warning) => warning.includes(`as "callTimeout": ${duration}`)),
        duration,
      );
      checked++;
    }
  }
  assert.equal(checked, 2);
});

Deno.test("every key that is known is in a table of the documentation, and the bounds are right", () => {
  const cells = DOC.split("\n").filter((line) => line.startsWith("|")).map((line) =>
    line.split("|")[1]!
  );
  const named = new Set(
    cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, key]) => key!)),
  );
  const known = [SERVER_KEYS, LIMIT_KEYS, ENTRY_KEYS].flatMap((keys) => [...keys]);
  const foreign = [FOREIGN_ENTRY_KEYS, SERVER_MAPS, IGNORED_TOP_LEVEL].flatMap((
    keys,
  ) => [...keys.keys()]);
  for (const key of [...known, ...foreign]) assert.ok(named.has(key), `${key} is not documented`);
  for (const [key, value] of Object.entries(DEFAULT_LIMITS)) {
    assert.match(DOC, new RegExp(`\\| \`${key}\` +\\| ${value} `));
  }
});

Deno.test("the documentation names the right client for every foreign key", () => {
  for (const [key, { client }] of FOREIGN_ENTRY_KEYS) {
    const row = DOC.split("\n").find((line) =>
      line.startsWith("|") && line.split("|")[1]!.includes(`\`${key}\``) && line.includes(client)
    );
    assert.ok(row, `${key} of ${client}`);
  }
});
