/**
 * The official SDK (v2) as a client: directly at the suite's server, or behind the daemon's stdio bridge,
 * the suite's server being one of the daemon's.
 *
 * @module
 */

import {
  Client,
  StreamableHTTPClientTransport,
  type Transport,
} from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { DaemonFixture } from "../../fixtures/daemon.ts";
import type { Peer, PeerOptions } from "./peer.ts";

/** Connects directly. */
export function connectDirectly(options: PeerOptions): Promise<Peer> {
  return connect(options, new StreamableHTTPClientTransport(new URL(options.url)), () => {});
}

/** Connects to a bridge, which starts a daemon for itself. */
export async function connectBridge(options: PeerOptions): Promise<Peer> {
  const home = await DaemonFixture.create({
    config: { mcpServers: { suite: { type: "http", url: options.url } } },
  });
  const { command, args } = home.program;
  const transport = new StdioClientTransport({
    command,
    args: [...args, "mcp", "--stdio", "--server", "suite"],
    env: { ...home.env },
    stderr: "inherit",
  });
  return await connect(options, transport, () => home[Symbol.asyncDispose]());
}

async function connect(
  { revision, elicit }: PeerOptions,
  transport: Transport,
  close: () => unknown,
): Promise<Peer> {
  const client = new Client({ name: "conformance", version: "1.0.0" }, {
    capabilities: elicit === undefined ? {} : { elicitation: { form: {} } },
    versionNegotiation: { mode: revision === "2026-07-28" ? "auto" : "legacy" },
  });
  if (elicit !== undefined) {
    client.setRequestHandler("elicitation/create", ({ params }) => elicit(params));
  }
  try {
    await client.connect(transport);
  } catch (error) {
    await client.close();
    await close();
    throw error;
  }
  return {
    listTools: async () => (await client.listTools()).tools,
    callTool: (name, args) => client.callTool({ name, arguments: args }),
    listResources: async () => (await client.listResources()).resources,
    readResource: (uri) => client.readResource({ uri }),
    listPrompts: async () => (await client.listPrompts()).prompts,
    getPrompt: (name) => client.getPrompt({ name, arguments: {} }),
    async [Symbol.asyncDispose]() {
      await client.close();
      await close();
    },
  };
}
