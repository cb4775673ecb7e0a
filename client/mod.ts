/**
 * The client SDK of aichaku: talk to MCP servers through the daemon when one runs, and through a
 * process of your own when none does, with the same results and the same errors.
 *
 * ```ts
 * import { getSharedClient } from "@aichaku/aichaku";
 *
 * const client = getSharedClient({ server: "sample" });
 * const result = await client.callTool("echo", { message: "hello" });
 * console.log(result.content[0].text);
 * ```
 *
 * Runs unchanged on Deno, Node 20 and later, and Bun. A process that uses it ends by itself, whether
 * or not anything was closed. The guide is docs/sdk.md.
 *
 * @module
 */

export { AichakuClient, type CallOptions } from "./client.ts";
export { AichakuError, type AichakuErrorDetails, type ErrorKind } from "./errors.ts";
export type { JsonObject } from "./jsonrpc.ts";
export type { ClientOptions, Era, Mode, Spawner } from "./options.ts";
export type { Handler, HandlerContext, Handlers, Root, ServerNotification } from "./peer.ts";
export { SdkTransport } from "./sdk_transport.ts";
export {
  closeSharedClient,
  getSharedClient,
  isServerRunning,
  type IsServerRunningOptions,
  type SharedClientKey,
} from "./shared.ts";
export type { ProcessExit, SpawnedProcess, SpawnSpec } from "./spawned_process.ts";
export type { CallToolResult, ContentBlock, Tool } from "./tools.ts";
export type { ClientInfo, Progress, ServerInfo } from "./transport.ts";
