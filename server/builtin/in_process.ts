/**
 * Serves a built-in MCP server, of either era, on a connection inside this process.
 *
 * @module
 */

import type { McpServer, Transport } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";

/** A server that listens. */
export interface ConnectedBuiltin {
  /** Ends it; what it still works on is given up. */
  close(): Promise<void>;
}

/**
 * Has a server listen on `transport`.
 *
 * @param createServer Makes the server; called when the client's first message has told its era, and a
 * second time if a client tries the modern era and falls back.
 */
export function serveInProcess(
  createServer: () => McpServer,
  transport: Transport,
): ConnectedBuiltin {
  // The SDK's entry for stdio is its entry for any single channel.
  return serveStdio(createServer, {
    transport,
    onerror: (error) => transport.onerror?.(error),
  });
}
