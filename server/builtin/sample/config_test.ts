import assert from "node:assert/strict";
import { join } from "@std/path";
import { readRedactedConfig } from "./config.ts";

async function withFile(text: string | undefined, test: (file: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    const file = join(folder, "config.json");
    if (text !== undefined) await Deno.writeTextFile(file, text);
    await test(file);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the configuration is shown without its secrets", async () => {
  const text = `{ // a comment
    "server": { "port": 7182, "requireToken": true },
    "mcpServers": { "a": { "command": "x", "env": { "API_KEY": "abc", "B": "\${B}" } }, },
  }`;
  await withFile(text, async (file) => {
    assert.deepEqual(await readRedactedConfig(file), {
      file,
      configuration: {
        server: { port: 7182, requireToken: true },
        mcpServers: { a: { command: "x", env: { API_KEY: "[redacted]", B: "${B}" } } },
      },
    });
  });
});

Deno.test("without a file the configuration is empty", async () => {
  await withFile(undefined, async (file) => {
    assert.deepEqual(await readRedactedConfig(file), { file: null, configuration: {} });
  });
});

Deno.test("a broken file is an error with its place and nothing of its text", async () => {
  await withFile('{ "token": "abc" "x": 1 }', async (file) => {
    await assert.rejects(() => readRedactedConfig(file), (error: Error) => {
      assert.ok(
        error.message.includes(`${file}: line 1, column 18 is not valid JSON`),
        error.message,
      );
      assert.ok(!error.message.includes("abc"));
      return true;
    });
  });
});
