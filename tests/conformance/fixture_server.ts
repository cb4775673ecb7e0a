/**
 * The server that the official suite is run against:
 *
 *     deno run -A tests/conformance/fixture_server.ts legacy http      Streamable HTTP, directly
 *     deno run -A tests/conformance/fixture_server.ts modern stdio     as a child of the daemon
 *
 * `legacy` speaks revisions with `initialize` only, `modern` 2026-07-28 only. Over HTTP it picks a port
 * and prints `{"url": …}` as its first line.
 *
 * @module
 */

import { createMcpHandler } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { MemoryEventStore } from "./fixture/event_store.ts";
import { createLegacyServer } from "./fixture/legacy_server.ts";
import { createModernServer } from "./fixture/modern_server.ts";

type HttpTransport = WebStandardStreamableHTTPServerTransport;

/** Milliseconds after which a client whose stream was ended should come back. */
const RETRY_MS = 100;

async function serveLegacyStdio(): Promise<void> {
  await createLegacyServer().connect(new StdioServerTransport());
}

function serveModernStdio(): void {
  serveStdio(() =>
    createModernServer({
      listChanged: (list, server) =>
        list === "tools" ? server.sendToolListChanged() : server.sendPromptListChanged(),
    }), { legacy: "reject" });
}

function serveLegacyHttp(): void {
  const sessions = new Map<string, HttpTransport>();
  serve(async (request) => {
    const id = request.headers.get("mcp-session-id");
    const transport = id === null ? await beginSession(sessions) : sessions.get(id);
    if (transport === undefined) return new Response("Unknown session", { status: 404 });
    return await transport.handleRequest(request);
  });
}

function serveModernHttp(): void {
  const handler = createMcpHandler(() =>
    createModernServer({
      listChanged: (list) =>
        list === "tools" ? handler.notify.toolsChanged() : handler.notify.promptsChanged(),
    }), { legacy: "reject" });
  serve((request) => handler.fetch(request));
}

/** Serves `/mcp` on a free port. */
function serve(handle: (request: Request) => Promise<Response>): void {
  Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => console.log(JSON.stringify({ url: `http://127.0.0.1:${port}/mcp` })),
  }, (request) => {
    if (new URL(request.url).pathname !== "/mcp") return new Response(null, { status: 404 });
    if (!isLocal(request.headers)) return new Response("Forbidden", { status: 403 });
    return handle(request);
  });
}

async function beginSession(sessions: Map<string, HttpTransport>): Promise<HttpTransport> {
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => crypto.randomUUID(),
    onsessioninitialized: (id: string) => void sessions.set(id, transport),
    onsessionclosed: (id: string) => void sessions.delete(id),
    eventStore: new MemoryEventStore(),
    retryInterval: RETRY_MS,
  });
  const server = createLegacyServer();
  // The SDK declares its transports without exactOptionalPropertyTypes.
  await server.connect(transport as Parameters<typeof server.connect>[0]);
  return transport;
}

/** Protection against DNS rebinding, which the SDK leaves to the host of its transport. */
function isLocal(headers: Headers): boolean {
  const origin = headers.get("origin");
  return isLoopback(`http://${headers.get("host")}`) && (origin === null || isLoopback(origin));
}

function isLoopback(url: string): boolean {
  return URL.canParse(url) && ["127.0.0.1", "localhost", "[::1]"].includes(new URL(url).hostname);
}

const MODES: Readonly<Record<string, () => void | Promise<void>>> = {
  "legacy stdio": serveLegacyStdio,
  "legacy http": serveLegacyHttp,
  "modern stdio": serveModernStdio,
  "modern http": serveModernHttp,
};

const mode = Deno.args.join(" ");
if (Object.hasOwn(MODES, mode)) await MODES[mode]();
else {
  console.error(
    `Cannot serve ${JSON.stringify(mode)}: say one of ${Object.keys(MODES).join(", ")}`,
  );
  Deno.exit(2);
}
