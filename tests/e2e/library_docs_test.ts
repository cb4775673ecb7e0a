/**
 * The examples of `docs/library.md`, run as they stand there; only the port and the folder are the
 * test's own.
 */

import assert from "node:assert/strict";
import { join } from "@std/path";
import { within } from "./support/within.ts";

const ROOT = new URL("../../", import.meta.url);
const examples = [
  ...(await Deno.readTextFile(new URL("docs/library.md", ROOT)))
    .matchAll(/```ts\n\/\/ (\w+\.ts)\n([^]*?)```/g),
].map(([, name, code]) => ({ name, code }));

Deno.test("there is an example for Hono and one for Express", () =>
  assert.deepEqual(examples.map(({ name }) => name), ["hono.ts", "express.ts"]));

for (const { name, code } of examples) {
  Deno.test(`the example ${name} serves in one process and uses it from the next`, async () => {
    const folder = await Deno.makeTempDir();
    const file = join(folder, name);
    await Deno.writeTextFile(
      file,
      code
        .replace("./server/", new URL("server/", ROOT).href)
        .replace(/port: \d+/, "port: 0")
        .replace(/daemonDir: ".*?"/, `daemonDir: ${JSON.stringify(join(folder, "daemon"))}`),
    );
    try {
      await using first = await run(file);
      const [, url, pid] = told(
        first.line,
        /^serving (\S+) \{"port":\d+,"pid":(\d+),"clientCount":1\}$/,
      );
      assert.equal(await (await fetch(url)).text(), `served by process ${pid}\n`);
      await using second = await run(file);
      const [, same, samePid] = told(
        second.line,
        /^using (\S+) \{"port":\d+,"pid":(\d+),"clientCount":2\}$/,
      );
      assert.deepEqual([same, samePid], [url, pid]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

function told(line: string, pattern: RegExp): RegExpExecArray {
  const match = pattern.exec(line);
  assert.ok(match, `${JSON.stringify(line)} is not ${pattern}`);
  return match;
}

/** Runs an example until its first line; ends it at the end of the block. */
async function run(file: string): Promise<AsyncDisposable & { line: string }> {
  const config = new URL("deno.json", ROOT).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", "--no-lock", "--config", config, file],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value = "" } = await within(reader.read(), `the first line of ${file}`);
  return {
    line: value.trimEnd(),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      const { code } = await within(child.status, `the end of ${file}`);
      await reader.cancel();
      assert.equal(code, 0);
    },
  };
}
