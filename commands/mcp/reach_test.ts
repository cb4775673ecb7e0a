import { equal, ok } from "node:assert/strict";
import { parseConfig } from "../../server/config/load.ts";
import { reachOf } from "./reach.ts";

async function reach(entry: unknown): Promise<string> {
  const text = JSON.stringify({ mcpServers: { it: entry } });
  const config = await parseConfig(text, { file: "/etc/c.json", env: {}, home: "/h" });
  return reachOf(config.servers.get("it")!);
}

Deno.test("a server is told by its program, its package or its script", async () => {
  const cases: [string, string][] = [
    ["npx -y @playwright/mcp@latest", "npx @playwright/mcp@latest"],
    ["npx @playwright/mcp@latest --headless", "npx @playwright/mcp@latest …"],
    ["/usr/bin/npx --package x y z", "npx y …"],
    ["uvx --from git+https://example.com/serena serena start", "uvx serena …"],
    ["node /opt/db/index.js --token s3cr3t", "node index.js …"],
    ["deno run -A server.ts", "deno server.ts"],
    ["my-server", "my-server"],
    ["/opt/bin/my-server --x", "my-server …"],
    ["docker run -i -e KEY=s3cr3t mcp/x", "docker …"],
  ];
  for (const [line, expected] of cases) {
    const [command, ...args] = line.split(" ");
    equal(await reach({ command, args }), expected, line);
  }
  equal(await reach({ builtin: "sample" }), "built in (sample)");
  equal(
    await reach({ url: "https://ada:s3cr3t@example.com:8443/s3cr3t?k=s3cr3t" }),
    "https://example.com:8443/…",
  );
  equal(await reach({}), "cannot run");
});

Deno.test("nothing that may be a secret is told, wherever it stands", async () => {
  const entries = [
    { command: "x --key s3cr3t" },
    { command: "x", args: ["s3cr3t"] },
    { command: "npx", args: ["--key", "s3cr3t", "pkg"] },
    { command: "npx", args: ["-y", "https://x/s3cr3t.tgz"] },
    { command: "npx", args: ["-y", "pkg", "s3cr3t"] },
    { command: "npx", args: ["--package", "https://s3cr3t@x/", "pkg"] },
    { command: "node", args: ["s3cr3t"] },
    { command: "node", args: ["/s3cr3t/x.js"] },
    { command: "x", env: { K: "s3cr3t" } },
    { url: "https://s3cr3t@a/", headers: { K: "s3cr3t" } },
  ];
  for (const entry of entries) {
    const text = await reach(entry);
    ok(!text.includes("s3cr3t"), text);
  }
});
