import assert from "node:assert/strict";
import { forProject, PROJECT_MARK } from "./project.ts";
import { parseConfig } from "./load.ts";
import type { StdioEntry } from "./types.ts";

async function entryOf(written: unknown): Promise<StdioEntry> {
  const text = JSON.stringify({ mcpServers: { it: written } });
  const { servers } = await parseConfig(text, { file: "/etc/c.json", env: {}, home: "/home/ada" });
  return servers.get("it") as StdioEntry;
}

Deno.test("the folder comes into every place that asked for it, and into no other", async () => {
  const entry = await entryOf({
    command: "uvx",
    args: ["serena", "--project", "${project}", "--also=${project}:${workspaceFolder}/x"],
    env: { ROOT: "${project}", OTHER: "plain" },
  });
  assert.deepEqual(forProject(entry, "/home/ada/a b"), {
    ...entry,
    args: ["serena", "--project", "/home/ada/a b", "--also=/home/ada/a b:/home/ada/a b/x"],
    env: { ROOT: "/home/ada/a b", OTHER: "plain" },
    cwd: "/home/ada/a b",
    usesProject: false,
  });
});

Deno.test("a folder with a name that means something elsewhere is just a folder", async () => {
  const entry = await entryOf({ command: "x", args: ["<${project}>"] });
  for (const project of ["/p/$&", "/p/$1$$", "/p/${HOME}", "/p/`x`; y", "/p/\\"]) {
    assert.deepEqual(forProject(entry, project).args, [`<${project}>`]);
  }
});

Deno.test("a folder of the server inside of the project is a plain path", async () => {
  const cases = [["${project}", "/p/a"], ["${project}/b/", "/p/a/b/"], ["${project}/../b", "/p/b"]];
  for (const [cwd, expected] of cases) {
    assert.equal(forProject(await entryOf({ command: "x", cwd }), "/p/a").cwd, expected);
  }
  const elsewhere = await entryOf({ command: "x", cwd: "/srv", args: ["${project}"] });
  assert.equal(forProject(elsewhere, "/p/a").cwd, "/srv");
});

Deno.test("an entry without a project is left alone", async () => {
  const entry = await entryOf({ command: "x", args: ["a"], cwd: "/srv" });
  assert.equal(forProject(entry, "/p"), entry);
  assert.ok(!JSON.stringify(entry).includes(JSON.stringify(PROJECT_MARK).slice(1, -1)));
});
