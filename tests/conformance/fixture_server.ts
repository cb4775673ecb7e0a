/**
 * The server that the official suite is run against:
 *
 *     deno run -A tests/conformance/fixture_server.ts http      Streamable HTTP, directly
 *     deno run -A tests/conformance/fixture_server.ts stdio     as a child of the daemon
 *
 * Over HTTP it picks a port and prints `{"url": …}` as its first line.
 *
 * @module
 */

import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { MemoryEventStore } from "./fixture/event_store.ts";
import { createFixtureServer } from "./fixture/server.ts";

type HttpTransport = WebStandardStreamableHTTPServerTransport;

/** Milliseconds after which a client whose stream was ended should come back. */
const RETRY_MS = 100;

async function serveStdio(): Promise<void> {
  await createFixtureServer().connect(new StdioServerTransport());
}

function serveHttp(): void {
  const sessions = new Map<string, HttpTransport>();
  Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => console.log(JSON.stringify({ url: `http://127.0.0.1:${port}/mcp` })),
  }, async (request) => {
    if (new URL(request.url).pathname !== "/mcp") return new Response(null, { status: 404 });
    if (!isLocal(request.headers)) return new Response("Forbidden", { status: 403 });
    const id = request.headers.get("mcp-session-id");
    const transport = id === null ? await beginSession(sessions) : sessions.get(id);
    if (transport === undefined) return new Response("Unknown session", { status: 404 });
    return await transport.handleRequest(request);
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
  const server = createFixtureServer();
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

const [mode] = Deno.args;
if (mode === "stdio") await serveStdio();
else if (mode === "http") serveHttp();
else {
  console.error(`Cannot serve over ${JSON.stringify(mode)}: say "http" or "stdio"`);
  Deno.exit(2);
}
