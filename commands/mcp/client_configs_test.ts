import { deepEqual, equal } from "node:assert/strict";
import { CLIENT_CONFIGS, type Target } from "./client_configs.ts";

const endpoint = "http://127.0.0.1:7182/mcp";
const bridge = { command: "/opt/aichaku", args: ["mcp", "--stdio"], env: {} };
const open: Target = { endpoint, needsToken: false, bridge };
const closed: Target = { endpoint, needsToken: true, bridge };

function text(client: string, target: Target): string {
  return CLIENT_CONFIGS.get(client)!.text(target);
}

Deno.test("each client is told in its own spelling", () => {
  const url = { claude: "url", generic: "url", cursor: "url", windsurf: "serverUrl" };
  for (const [client, key] of Object.entries({ ...url, gemini: "httpUrl" })) {
    equal(JSON.parse(text(client, open)).mcpServers.aichaku[key], endpoint, client);
  }
  equal(JSON.parse(text("claude", open)).mcpServers.aichaku.type, "http");
  deepEqual(JSON.parse(text("vscode", open)), {
    servers: { aichaku: { type: "http", url: endpoint } },
  });
  equal(text("codex", open), `[mcp_servers.aichaku]\nurl = "${endpoint}"\n`);
});

Deno.test("where the token is needed every client gets a reference to it", () => {
  for (const client of CLIENT_CONFIGS.keys()) {
    if (client === "claude-desktop") continue; // The bridge that it starts reads the token itself.
    equal(/token/i.test(text(client, closed)), true, client);
    equal(/token/i.test(text(client, open)), false, client);
  }
  equal(
    JSON.parse(text("claude", closed)).mcpServers.aichaku.headers.Authorization,
    "Bearer ${AICHAKU_TOKEN}",
  );
});

Deno.test("a client that speaks only stdio is told the bridge, to this very home", () => {
  deepEqual(JSON.parse(text("claude-desktop", closed)).mcpServers.aichaku, {
    command: "/opt/aichaku",
    args: ["mcp", "--stdio"],
  });
  const elsewhere = { ...bridge, env: { AICHAKU_HOME: "/srv/ada" } };
  deepEqual(
    JSON.parse(text("claude-desktop", { ...open, bridge: elsewhere })).mcpServers.aichaku.env,
    { AICHAKU_HOME: "/srv/ada" },
  );
});
