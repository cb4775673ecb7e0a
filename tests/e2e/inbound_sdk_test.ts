/**
 * The official SDK's clients on the transports that are not Streamable HTTP, with the real server that
 * exercises every feature of the protocol: list, call, progress, a question back.
 */

import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { WebSocketClientTransport } from "@modelcontextprotocol/sdk/client/websocket.js";
import { fromFileUrl } from "@std/path";
import { DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { everything, misbehaving } from "./support/servers.ts";
import { within } from "./support/within.ts";

const config = { mcpServers: { everything: everything(), misbehaving: misbehaving() } };

const SOCKET_CLIENT = fromFileUrl(new URL("./support/socket_client.ts", import.meta.url));

/** What `nc -U PATH` does. */
function netcat(path: string): { command: string; args: string[] } {
  const args = ["run", "-A", "--no-config", "--no-lock", "--quiet", SOCKET_CLIENT, path];
  return { command: Deno.execPath(), args };
}

type Transport = Parameters<Client["connect"]>[0];

const TRANSPORTS: Record<string, (daemon: DaemonFixture, path: string) => Transport> = {
  "HTTP+SSE": ({ url }, path) =>
    // Declared without exactOptionalPropertyTypes, and so not assignable to its own interface.
    new SSEClientTransport(new URL(`${url}${path}/sse`)) as Transport,
  "WebSocket": ({ url }, path) =>
    new WebSocketClientTransport(
      new URL(`${url.replace("http:", "ws:")}${path}/ws`),
    ) as Transport,
  "nc -U on the Unix socket": ({ announcement }) =>
    new StdioClientTransport(netcat(announcement.socket!)) as Transport,
};

for (const name of ["HTTP+SSE", "WebSocket"]) {
  daemonTest(`one server by ${name} has its own names`, { config }, async (daemon) => {
    const client = new Client({ name: "sdk", version: "1" });
    await client.connect(TRANSPORTS[name](daemon, "/mcp/everything"));
    try {
      const echo = { name: "echo", arguments: { message: "hi" } };
      assert.deepEqual((await client.callTool(echo)).content, [{ type: "text", text: "Echo: hi" }]);
    } finally {
      await client.close();
    }
  });
}

for (const [name, open] of Object.entries(TRANSPORTS)) {
  Deno.test({
    name: `the SDK's client by ${name}: lists, calls, hears progress`,
    // Its stdio transport leaves a timer behind.
    sanitizeOps: !name.startsWith("nc"),
    sanitizeResources: !name.startsWith("nc"),
    async fn() {
      await using daemon = await DaemonFixture.start({ config });
      await listsAndCalls(open(daemon, ""));
    },
  });
}

async function listsAndCalls(transport: Transport): Promise<void> {
  const client = new Client({ name: "sdk", version: "1" });
  await client.connect(transport);
  try {
    const { tools } = await client.listTools();
    const names = tools.map((tool: { name: string }) => tool.name);
    assert.ok(names.includes("everything__echo"), names.join(", "));
    assert.ok(names.includes("misbehaving__echo"), names.join(", "));
    // This line of the SDK forgets progress that comes in one piece with the answer: so it is awaited.
    const progress = Promise.withResolvers<number>();
    const held = client.callTool(
      { name: "misbehaving__progress-and-hold", arguments: { key: "k", text: "done" } },
      undefined,
      { onprogress: (update: { progress: number }) => progress.resolve(update.progress) },
    );
    assert.equal(await within(progress.promise, "progress"), 1);
    await client.callTool({ name: "misbehaving__release", arguments: { key: "k" } });
    assert.deepEqual((await held).content, [{ type: "text", text: "done" }]);
    const echo = { name: "everything__echo", arguments: { message: "hi" } };
    assert.deepEqual((await client.callTool(echo)).content, [{ type: "text", text: "Echo: hi" }]);
  } finally {
    await client.close();
  }
}
