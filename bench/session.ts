/**
 * Beginning a session, and waiting for a contender to listen.
 *
 * @module
 */

import { LATEST_LEGACY_REVISION } from "../protocol/revisions.ts";
import { TaskProblem } from "../scripts/lib/task.ts";

/** Milliseconds that a contender may take to begin a session. */
const HANDSHAKE_MS = 30_000;

/** `initialize` as a client of the latest revision with sessions sends it. */
export const INITIALIZE = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: {
    protocolVersion: LATEST_LEGACY_REVISION,
    capabilities: {},
    clientInfo: { name: "bench", version: "1.0.0" },
  },
};

/** What follows it. */
export const INITIALIZED = { jsonrpc: "2.0", method: "notifications/initialized" };

/**
 * Begins a session over Streamable HTTP.
 *
 * @returns the headers of every request after it; without a session id where the server has none.
 * @throws {TaskProblem} when the server refuses.
 */
export async function beginSession(
  url: string,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const bound = AbortSignal.any([signal, AbortSignal.timeout(HANDSHAKE_MS)]);
  const post = (message: unknown, headers: Record<string, string>) =>
    fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...headers,
      },
      body: JSON.stringify(message),
      signal: bound,
    });
  const response = await post(INITIALIZE, {});
  const text = await response.text();
  if (!response.ok || !text.includes('"result"')) {
    throw new TaskProblem(`${url} began no session: ${response.status} ${text.slice(0, 500)}`);
  }
  const session = response.headers.get("mcp-session-id");
  const headers = {
    ...(session === null ? {} : { "mcp-session-id": session }),
    "mcp-protocol-version": LATEST_LEGACY_REVISION,
  };
  const accepted = await post(INITIALIZED, headers);
  await accepted.body?.cancel();
  return headers;
}

/** Waits until something accepts connections at the port. */
export async function listening(port: number, signal: AbortSignal, ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    signal.throwIfAborted();
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new TaskProblem(`Nothing listens on 127.0.0.1:${port} after ${ms / 1000} s`);
}

/** A port that was free a moment ago, for programs that cannot choose one themselves. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
