/**
 * Many streams that stay open, over plain sockets: nobody else's client is measured with them.
 *
 * @module
 */

import { TaskProblem } from "../../scripts/lib/task.ts";
import { META } from "../../protocol/modern.ts";
import { LATEST_MODERN_REVISION } from "../../protocol/revisions.ts";
import { beginSession } from "../session.ts";

/** Which streams. */
export interface StreamOptions {
  server: string;
  count: number;
  signal: AbortSignal;
}

/** Opens `GET` streams of sessions of 2025-11-25, one each. Disposed of, all are closed. */
export async function openGetStreams(
  url: string,
  { server, count, signal }: StreamOptions,
): Promise<Disposable> {
  using opened = new DisposableStack();
  for (let i = 0; i < count; i++) {
    const headers = await beginSession(`${url}/mcp/${server}`, signal);
    opened.use(await openStream(url, { method: "GET", path: `/mcp/${server}`, headers }));
  }
  return opened.move();
}

/** Opens streams of 2026-07-28, a `subscriptions/listen` each. Disposed of, all are closed. */
export async function openListenStreams(
  url: string,
  { server, count, signal }: StreamOptions,
): Promise<Disposable> {
  using opened = new DisposableStack();
  const method = "subscriptions/listen";
  const common = {
    ...{ "mcp-protocol-version": LATEST_MODERN_REVISION, "mcp-method": method },
    "content-type": "application/json",
  };
  const meta = {
    [META.protocolVersion]: LATEST_MODERN_REVISION,
    [META.clientInfo]: { name: "bench", version: "1.0.0" },
    [META.clientCapabilities]: {},
  };
  const params = { notifications: { toolsListChanged: true }, _meta: meta };
  for (let id = 0; id < count; id++) {
    signal.throwIfAborted();
    // Of clients without names only so many are taken at once.
    const headers = { ...common, "x-aichaku-client": `client ${id}` };
    const body = JSON.stringify({ jsonrpc: "2.0", id, method, params });
    opened.use(await openStream(url, { method: "POST", path: `/mcp/${server}`, headers, body }));
  }
  return opened.move();
}

interface StreamRequest {
  method: "GET" | "POST";
  path: string;
  headers: Readonly<Record<string, string>>;
  body?: string;
}

/** Sends a request and reads the head of its response. @throws {TaskProblem} unless it is a stream. */
async function openStream(url: string, request: StreamRequest): Promise<Deno.Conn> {
  const { method, path, headers, body = "" } = request;
  const { hostname, port, host } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `host: ${host}`,
    "accept: application/json;q=0.5, text/event-stream",
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...body === "" ? [] : [`content-length: ${body.length}`],
  ];
  await writeAll(connection, `${lines.join("\r\n")}\r\n\r\n${body}`);
  const buffer = new Uint8Array(4096);
  let head = "";
  while (!head.includes("\r\n\r\n")) {
    const n = await connection.read(buffer);
    if (n === null) break;
    head += new TextDecoder().decode(buffer.subarray(0, n));
  }
  if (/^HTTP\/1\.1 200/.test(head) && /text\/event-stream/i.test(head)) return connection;
  connection.close();
  throw new TaskProblem(`${method} ${path} opened no stream:\n${head}`);
}

/** Writes all of a text. */
export async function writeAll(connection: Deno.Conn, text: string): Promise<void> {
  let rest = new TextEncoder().encode(text);
  while (rest.length > 0) rest = rest.subarray(await connection.write(rest));
}
