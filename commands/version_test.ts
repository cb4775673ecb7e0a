import assert from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import { VERSION } from "../protocol/version.ts";
import { versionFacts } from "./version.ts";

Deno.test("the version tells the program, the commit, and what runs it", () => {
  const { commit, ...facts } = versionFacts();
  assert.deepEqual(facts, {
    version: VERSION,
    deno: Deno.version.deno,
    target: Deno.build.target,
    compiled: false,
  });
  assert.ok(commit === null || /^[0-9a-f]{40}(-dirty)?$/.test(commit), `${commit}`);
});

Deno.test("--version --json prints it, in either order; --version alone is one line", async () => {
  const main = fromFileUrl(new URL("../main.ts", import.meta.url));
  const run = async (...args: string[]) => {
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", main, ...args],
    }).output();
    assert.equal(code, 0);
    return new TextDecoder().decode(stdout);
  };
  assert.equal(await run("--version"), `aichaku ${VERSION}\n`);
  const printed = JSON.parse(await run("--version", "--json"));
  assert.deepEqual(Object.keys(printed), ["version", "commit", "deno", "target", "compiled"]);
  assert.equal(printed.version, VERSION);
  assert.deepEqual(JSON.parse(await run("--json", "--version")), printed);
});
