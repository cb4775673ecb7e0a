/**
 * Rounds of fuzzing against one daemon, as many as a test wants, and what must be true after them: the
 * daemon is the same process, has said nothing of faults of its own, still serves, and uses no more
 * memory than before.
 *
 * `AICHAKU_FUZZ_SEED` repeats a round.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import fc from "fast-check";
import { DaemonFixture } from "../fixtures/daemon.ts";
import { InboundClient, type Transport } from "../e2e/support/inbound_clients.ts";
import type { Json } from "../e2e/support/mcp_session.ts";
import { within } from "../e2e/support/within.ts";
import { type FuzzedRequest, httpRequest, message } from "./inputs.ts";

/** Requests at a time. */
const AT_ONCE = 16;
/** Milliseconds for an answer, however wrong the request was. */
const ANSWER_MS = 20_000;
/** Growth of the daemon's memory that says nothing: caches, and garbage that is not collected yet. */
const NOISE_BYTES = 64 * 1024 * 1024;
/** Statuses of the daemon's own that say that a request was right and something else was not. */
const STATUSES = new Set([502, 503, 504]);

const JSON_TYPE = { "content-type": "application/json" };

/** A daemon with a server of each era, and a seed. Both are told when `body` fails. */
export async function fuzz(
  body: (daemon: DaemonFixture, seed: number) => Promise<void>,
): Promise<void> {
  const given = Deno.env.get("AICHAKU_FUZZ_SEED");
  const seed = given === undefined
    ? crypto.getRandomValues(new Uint32Array(1))[0] & 0x7fffffff
    : Number(given);
  await using daemon = await DaemonFixture.start({
    // What is answered to which revision cannot be told where any request may claim another one.
    referee: { judges: "nothing", because: "requests claim revisions at random" },
    config: CONFIG,
  });
  const { pid } = daemon;
  try {
    await body(daemon, seed);
    await serves(daemon);
    assert.equal(daemon.pid, pid);
    assert.deepEqual(faultsIn(daemon.log(20_000)), []);
  } catch (error) {
    console.error(`AICHAKU_FUZZ_SEED=${seed}\n--- log of the daemon\n${daemon.log(40)}\n---`);
    throw error;
  }
}

/** Sends requests whose paths, headers and bodies are almost right. */
export async function fuzzHttp(
  daemon: DaemonFixture,
  { seed, runs }: { seed: number; runs: number },
): Promise<void> {
  const values = await knownIds(daemon);
  const requests = fc.sample(httpRequest(values), { seed, numRuns: runs });
  const warm = Math.ceil(runs / 3);
  await sendAll(daemon, requests.slice(0, warm));
  const before = residentBytes(daemon.pid);
  await sendAll(daemon, requests.slice(warm));
  assertFlat(before, residentBytes(daemon.pid));
}

/** Sends messages that are almost right over one transport. */
export async function fuzzMessages(
  daemon: DaemonFixture,
  { transport, seed, runs }: { transport: Transport; seed: number; runs: number },
): Promise<void> {
  const texts = fc.sample(message, { seed, numRuns: runs });
  let client: InboundClient | undefined;
  for (const [index, text] of texts.entries()) {
    client ??= await InboundClient.begin(transport, daemon, {
      server: index % 2 ? "legacy" : "modern",
    });
    await client.send(text);
    const probe = `probe ${index}`;
    await client.send({ jsonrpc: "2.0", id: probe, method: "ping" });
    const answered = await client.inbox.take(({ id }) => id === probe, `an answer after ${text}`)
      .catch((error) => {
        if (!client!.inbox.ended) throw error;
      });
    for (const came of client.inbox.all) isProper(came, text);
    if (answered !== undefined && client.inbox.all.length < 20) continue;
    await client.cut();
    client = undefined;
  }
  await client?.cut();
}

const CONFIG = {
  server: { tcpPort: 0, limits: { maxBodyBytes: 100_000 } },
  mcpServers: { legacy: matrixServer("legacy"), modern: matrixServer("modern") },
};

function matrixServer(era: string) {
  const config = fromFileUrl(new URL("../../deno.json", import.meta.url));
  const file = fromFileUrl(new URL(`../fixtures/servers/matrix_${era}.ts`, import.meta.url));
  return {
    command: Deno.execPath(),
    args: ["run", "-A", "--no-check", "--no-lock", "--config", config, file],
  };
}

/** Ids that mean something to the daemon: of sessions, and of an event. */
async function knownIds({ url }: DaemonFixture): Promise<string[]> {
  const params = {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "f", version: "1" },
  };
  const begun = await fetch(`${url}/mcp/legacy`, {
    method: "POST",
    headers: { ...JSON_TYPE, accept: "application/json, text/event-stream" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params }),
  });
  await begun.body?.cancel();
  const session = begun.headers.get("mcp-session-id")!;
  const called = await fetch(`${url}/mcp/legacy`, {
    method: "POST",
    headers: { ...JSON_TYPE, accept: "text/event-stream", "mcp-session-id": session },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 2,
      method: "tools/call",
      params: { name: "progress", arguments: {}, _meta: { progressToken: 1 } },
    }),
  });
  const event = /^id: ?(.+)$/m.exec(await called.text())?.[1];
  assert.ok(session && event, "a session and an event to begin with");
  return [session, event];
}

async function sendAll({ url }: DaemonFixture, requests: readonly FuzzedRequest[]): Promise<void> {
  const queue = [...requests];
  const worker = async () => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) await send(url, next);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Sends one request. Streams are left as soon as they begin. */
async function send(url: string, request: FuzzedRequest): Promise<void> {
  const { path, method, headers, body } = request;
  const shown = JSON.stringify(request).slice(0, 600);
  const leaving = new AbortController();
  const sent = fetch(`${url}${path}`, { method, headers, body, signal: leaving.signal });
  try {
    const response = await within(sent, `an answer to ${shown}`, ANSWER_MS);
    const { status } = response;
    assert.ok(status < 500 || STATUSES.has(status), `status ${status} after ${shown}`);
    if (response.headers.get("content-type")?.startsWith("text/event-stream")) {
      await response.body?.cancel();
      return;
    }
    const text = await within(response.text(), `the body of ${status} after ${shown}`, ANSWER_MS);
    if (!response.headers.get("content-type")?.startsWith("application/json") || text === "") {
      return;
    }
    isProper(JSON.parse(text), shown);
  } finally {
    leaving.abort();
  }
}

/** An answer is a result, or an error with a code that means something; the rest are the server's. */
function isProper(message: Json, input: string): void {
  if (Array.isArray(message)) return message.forEach((one) => isProper(one, input));
  const shown = `${JSON.stringify(message).slice(0, 300)} after ${input.slice(0, 600)}`;
  assert.equal(message.broken, undefined, shown);
  if (message.jsonrpc === undefined || "method" in message || "result" in message) return;
  assert.ok(Number.isInteger(message.error?.code), shown);
  // A fault of the daemon's own has a reason; a server may say the same number of itself.
  assert.notEqual(message.error.data?.reason, "internal", shown);
}

async function serves({ url }: DaemonFixture): Promise<void> {
  for (const server of ["legacy", "modern"]) {
    const params = { name: "echo", arguments: { text: server } };
    const response = await fetch(`${url}/rpc/${server}`, {
      method: "POST",
      headers: JSON_TYPE,
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }),
    });
    const { result } = await response.json();
    assert.equal(result?.content[0].text, server);
  }
}

/** Resident memory of a process; undefined where the system does not tell it. */
function residentBytes(pid: number): number | undefined {
  if (Deno.build.os !== "linux") return undefined;
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
  return Number(kilobytes) * 1024;
}

function assertFlat(before: number | undefined, after: number | undefined): void {
  if (before === undefined || after === undefined) return;
  const megabytes = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MiB`;
  assert.ok(
    after - before < NOISE_BYTES,
    `the daemon's memory grew from ${megabytes(before)} to ${megabytes(after)}`,
  );
}

/** What the daemon says of itself when something went wrong inside. */
function faultsIn(log: string): string[] {
  return log.split("\n").filter((line) =>
    /fault while|unhandled|uncaught|request failed/.test(line)
  );
}
