/**
 * The import directions of the architecture, checked against the code: what a folder may import is
 * written here once, and an import that goes another way fails.
 */

import assert from "node:assert/strict";
import { dirname, fromFileUrl, join, relative } from "@std/path";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

/** Folder → folders it may import from, beside itself. The longest match counts. */
const MAY_IMPORT: Record<string, string[]> = {
  "deps": [],
  "protocol": [],
  "platform": [],
  "client": ["protocol", "platform", "deps"],
  "commands": ["client", "server", "protocol", "platform", "deps"],
  "main.ts": ["commands", "platform", "protocol", "deps"],

  "server/config": ["protocol", "platform", "deps"],
  "server/store": ["protocol", "platform", "deps"],
  "server/daemon": [
    "server/config",
    "server/store",
    "server/mod.ts",
    "protocol",
    "platform",
    "deps",
  ],
  // The machinery of the daemon for other programs: nothing of MCP, nothing of the configuration.
  "server/library": ["server/daemon", "server/inbound/guard.ts", "protocol", "platform", "deps"],
  "server/builtin": ["protocol", "platform", "deps"],
  "server/upstream": ["server/config", "server/daemon/log.ts", "protocol", "platform", "deps"],
  "server/bridge": ["server/upstream", "server/config", "protocol", "platform", "deps"],
  "server/exchange": [
    "server/bridge",
    "server/upstream",
    "server/store",
    "server/config",
    "server/daemon/log.ts",
    "protocol",
    "platform",
    "deps",
  ],
  "server/inbound": [
    "server/exchange",
    "server/config",
    "server/daemon/log.ts",
    "protocol",
    "platform",
    "deps",
  ],
  "server/admin": [
    "server/exchange",
    "server/config",
    "server/upstream",
    "server/daemon/app.ts",
    "protocol",
    "platform",
    "deps",
  ],
  "server": ["server", "protocol", "platform", "deps"],
};

Deno.test("imports go only in the directions of the architecture", async () => {
  const wrong: string[] = [];
  let checked = 0;
  for await (const file of sources(ROOT)) {
    const from = relative(ROOT, file);
    const rule = ruleOf(from);
    if (rule === undefined) continue;
    for (const specifier of importsOf(await Deno.readTextFile(file))) {
      const to = relative(ROOT, join(dirname(file), specifier));
      checked++;
      const allowed = [rule, ...MAY_IMPORT[rule]].some((folder) => isWithin(to, folder));
      if (!allowed) wrong.push(`${from} imports ${to}`);
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(checked > 50, `only ${checked} imports were looked at`);
});

Deno.test("only the entry and the SDK's file of defaults read the environment", async () => {
  const allowed = new Set(["main.ts", "client/defaults.ts"]);
  const readers: string[] = [];
  for await (const file of sources(ROOT)) {
    const name = relative(ROOT, file);
    if (ruleOf(name) === undefined || allowed.has(name)) continue;
    const code = (await Deno.readTextFile(file))
      .replaceAll(/^\s*(\*|\/\/).*$/gm, "")
      .replaceAll(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g, "");
    if (/\bDeno\.env\b|\bprocess\.env\b/.test(code)) readers.push(name);
  }
  assert.deepEqual(readers, []);
});

function ruleOf(file: string): string | undefined {
  return Object.keys(MAY_IMPORT)
    .filter((folder) => isWithin(file, folder))
    .sort((a, b) => b.length - a.length)[0];
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** Relative specifiers of static and dynamic imports and re-exports. */
function importsOf(code: string): string[] {
  const pattern = /(?:\bfrom\s+|\bimport\s+|\bimport\(\s*)"(\.{1,2}\/[^"]+)"/g;
  return [...code.matchAll(pattern)].map((match) => match[1]);
}

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) {
      if (!/^(\..*|node_modules|dist|tests|bench|scripts|docs|testdata)$/.test(entry.name)) {
        yield* sources(path);
      }
    } else if (/\.ts$/.test(entry.name) && !/_test\.ts$|\.d\.ts$/.test(entry.name)) yield path;
  }
}
