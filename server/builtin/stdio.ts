/**
 * Serves an MCP server, of either era, on this process's stdin and stdout until stdin ends. Nothing but
 * protocol is written to stdout: what libraries print goes to stderr.
 *
 * @module
 */

import process from "node:process";
import type { McpServer } from "@modelcontextprotocol/server";
import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";

/** Longest message that is read, bytes: the largest file that is reviewed, escaped to six times its size. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** A transport that tells when it is done. */
class EndingTransport extends StdioServerTransport {
  readonly #ended = Promise.withResolvers<void>();
  /** Resolves when stdin has ended or the connection was closed for a reason of its own. */
  readonly ended: Promise<void> = this.#ended.promise;

  override async close(): Promise<void> {
    await super.close();
    this.#ended.resolve();
  }
}

/**
 * Serves until stdin ends.
 *
 * @param createServer Makes the server; called when the client's first message has told its era, and a
 * second time if a client tries the modern era and falls back.
 */
export async function serveOverStdio(createServer: () => McpServer): Promise<void> {
  console.log = console.info = console.debug = console.error;
  const transport = new EndingTransport(process.stdin, process.stdout, {
    maxBufferSize: MAX_MESSAGE_BYTES,
  });
  const handle = serveStdio(createServer, {
    transport,
    onerror: (error) => console.error(`stdio: ${error.message}`),
  });
  await transport.ended;
  await handle.close();
}
