/**
 * What is measured: an address that answers `tools/call` of `echo`, and the session to call it in.
 *
 * @module
 */

import { TaskProblem } from "../scripts/lib/task.ts";

/** A contender that runs. */
export interface Target {
  name: string;
  url: string;
  /** Headers of every call beside content type and accept. */
  headers: Readonly<Record<string, string>>;
  /** Its process; those that it started belong to it as well. */
  pid: number;
}

const REVISION = "2025-11-25";

/** Milliseconds that a contender may take to begin a session. */
const HANDSHAKE_MS = 20_000;

/**
 * Begins a session over Streamable HTTP, as a client of 2025-11-25 does.
 *
 * @returns the headers of every request after it.
 * @throws {TaskProblem} when there is none in time.
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
  const response = await post({
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: {
      protocolVersion: REVISION,
      capabilities: {},
      clientInfo: { name: "bench", version: "1.0.0" },
    },
  }, {});
  const text = await response.text();
  const session = response.headers.get("mcp-session-id");
  if (!response.ok || session === null) {
    throw new TaskProblem(`${url} gave no session: ${response.status} ${text.slice(0, 500)}`);
  }
  const headers = { "mcp-session-id": session, "mcp-protocol-version": REVISION };
  const accepted = await post({ jsonrpc: "2.0", method: "notifications/initialized" }, headers);
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
