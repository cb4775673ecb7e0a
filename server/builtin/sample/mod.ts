/**
 * The server `sample`: something to try a client with. Its answers depend on nothing but its input and
 * this machine.
 *
 * @module
 */

import { McpServer } from "@modelcontextprotocol/server";
// By its namespace: a bundle leaves out what is not used of it, two thirds.
import * as z from "zod";
import { VERSION } from "../../../protocol/version.ts";
import { calculate, OPERATIONS } from "./calculator.ts";
import { readRedactedConfig } from "./config.ts";
import { systemInfo } from "./system.ts";

/** A new server, not connected yet. */
export function createSample({ configFile }: { configFile: string }): McpServer {
  const server = new McpServer({ name: "sample", title: "aichaku sample", version: VERSION });

  server.registerTool("calculator", {
    title: "Calculator",
    description: "Adds, subtracts, multiplies or divides two numbers.",
    inputSchema: z.object({
      operation: z.enum(OPERATIONS).describe("What to do with a and b."),
      a: z.number().describe("First number; the dividend of a division."),
      b: z.number().describe("Second number; the divisor of a division, then not 0."),
    }),
    outputSchema: z.object({ result: z.number() }),
    annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
  }, ({ operation, a, b }) => {
    try {
      const result = calculate(operation, a, b);
      return { content: [{ type: "text", text: String(result) }], structuredContent: { result } };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return { content: [{ type: "text", text: error.message }], isError: true };
    }
  });

  server.registerTool("echo", {
    title: "Echo",
    description: "Answers with the message, unchanged.",
    inputSchema: z.object({ message: z.string().describe("What to answer with.") }),
    annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
  }, ({ message }) => ({ content: [{ type: "text", text: message }] }));

  server.registerResource("system-info", "system://info", {
    title: "System",
    description: "The machine and this server's process.",
    mimeType: "application/json",
  }, (uri) => json(uri, systemInfo()));

  server.registerResource("server-config", "config://server", {
    title: "Configuration",
    description: "The configuration file of aichaku, without its secrets.",
    mimeType: "application/json",
  }, async (uri) => json(uri, await readRedactedConfig(configFile)));

  return server;
}

function json(uri: URL, value: unknown) {
  const text = JSON.stringify(value, null, 2);
  return { contents: [{ uri: uri.href, mimeType: "application/json", text }] };
}
