/**
 * What those cost who stall: clients that do not read what they asked for, a server that does not read
 * what it is asked.
 *
 * @module
 */

import type { Task } from "../../scripts/lib/task.ts";
import { settlesWithin } from "../../protocol/deadline.ts";
import type { DaemonFixture } from "../../tests/fixtures/daemon.ts";
import { childrenRunning } from "../../tests/e2e/support/processes.ts";
import { ID, legacyCall, type Load } from "../request.ts";
import { beginSession } from "../session.ts";
import { httpTarget, measure } from "../target.ts";
import { pause, peakMb, rested, startDaemon } from "./held.ts";
import { writeAll } from "./streams.ts";

/** What somebody who stalls costs. */
export interface Cost {
  what: string;
  /** Before, MB. */
  before: number;
  /** The most while it lasted, MB. */
  peak: number;
  /** When it was over and the daemon had rested, MB. */
  after: number;
  /** What became of those who stalled. */
  outcome: string;
}

const KIB = 1024;
const MIB = 1024 * KIB;

/** Milliseconds that somebody stalls. */
const STALL_MS = 4_000;

/** Calls of a client that reads no answer: more than the daemon keeps for it. */
const UNREAD_CALLS = 2_000;
/** Calls for a server that does not read. */
const CALLS = 1_000;
/** Clients over HTTP that stall. */
const CLIENTS = 64;

/** Like that of what follows: what a daemon needs to be warm is not what stalling costs. */
const WARM_UP: Load = { connections: 32, bytes: 64 * KIB, text: "plain" };

/** A client on the socket that asks for much and reads nothing. */
export async function measureUnreadSocket({ stack, signal }: Task, echo: string): Promise<Cost> {
  const daemon = stack.use(await startDaemon(echo));
  await warmUp(daemon, signal);
  const { mb: before } = await rested(daemon, signal);
  const connection = await connectTo(daemon);
  let sent = 0;
  const flood = (async () => {
    try {
      for (; sent < UNREAD_CALLS; sent++) {
        await writeAll(connection, `${call(sent, 64 * KIB)}\n`);
        // Not so fast that calls are refused: it is answers that are to pile up.
        if (sent % 64 === 63) await pause(50, signal);
      }
    } catch {
      // It was cut off, or all is over.
    }
  })();
  const peak = await peakMb(daemon, () => pause(STALL_MS, signal));
  const taken = sent;
  let bytes = 0;
  const reading = readAll(connection, (read) => bytes += read);
  const isCutOff = await settlesWithin(reading, STALL_MS);
  const { mb: after } = await rested(daemon, signal);
  connection.close();
  await Promise.all([flood, reading]);
  const kept = `${(bytes / MIB).toFixed(1)} MB of answers were on their way to it`;
  const outcome = `${taken} calls taken, ${isCutOff ? "then cut off; " : ""}${kept}`;
  const what = `a client on the socket with ${UNREAD_CALLS} calls of 64 KiB that reads no answer`;
  return { what, before, peak, after, outcome };
}

/** Clients over HTTP that ask for much and read nothing. */
export async function measureUnreadAnswers({ stack, signal }: Task, echo: string): Promise<Cost> {
  const daemon = stack.use(await startDaemon(echo));
  const headers = await warmUp(daemon, signal);
  const { mb: before } = await rested(daemon, signal);
  const { hostname, port, host } = new URL(daemon.url);
  using connections = new DisposableStack();
  const peak = await peakMb(daemon, async () => {
    for (let id = 0; id < CLIENTS; id++) {
      const connection = connections.use(await Deno.connect({ hostname, port: Number(port) }));
      const body = call(id, MIB);
      const lines = [
        ...["POST /mcp/echo HTTP/1.1", `host: ${host}`, "content-type: application/json"],
        ...["accept: application/json, text/event-stream", `content-length: ${body.length}`],
        ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      ];
      await writeAll(connection, `${lines.join("\r\n")}\r\n\r\n${body}`);
    }
    await pause(STALL_MS, signal);
  });
  connections.dispose();
  const { mb: after } = await rested(daemon, signal);
  return {
    what: `${CLIENTS} clients over HTTP with a call of 1 MiB each that read no answer`,
    ...{ before, peak, after },
    outcome: "each answer waits for its client",
  };
}

/** A server that stops reading while a client goes on asking. */
export async function measureStalledChild({ stack, signal }: Task, echo: string): Promise<Cost> {
  const daemon = stack.use(await startDaemon(echo));
  await warmUp(daemon, signal);
  const { mb: before } = await rested(daemon, signal);
  const [child] = await childrenRunning(echo, daemon.pid);
  const connection = await connectTo(daemon);
  let answered = 0;
  let refused = 0;
  const reading = readAnswers(connection, (texts) => {
    answered += texts.length;
    refused += texts.filter((text) => text.includes('"error"')).length;
  });
  Deno.kill(child, "SIGSTOP");
  let peak: number;
  try {
    peak = await peakMb(daemon, async () => {
      for (let id = 0; id < CALLS; id++) await writeAll(connection, `${call(id, 64 * KIB)}\n`);
      await pause(STALL_MS, signal);
    });
  } finally {
    Deno.kill(child, "SIGCONT");
  }
  const { mb: after } = await rested(daemon, signal);
  connection.close();
  await settlesWithin(reading, STALL_MS);
  return {
    what: `a server that stops reading while a client makes ${CALLS} calls of 64 KiB`,
    ...{ before, peak, after },
    outcome: `${refused} calls refused meanwhile, ${answered - refused} answered when it went on`,
  };
}

/** Puts it under the load of what follows. @returns the headers of a session. */
async function warmUp(
  { url, pid }: DaemonFixture,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const headers = await beginSession(`${url}/mcp/echo`, signal);
  const target = httpTarget({
    ...{ name: "aichaku", pid },
    places: [{ url: `${url}/mcp/echo`, headers }],
  });
  await measure(target, { load: WARM_UP, seconds: 2, signal });
  return headers;
}

/** A connection to the socket, at the echo server. */
async function connectTo({ paths }: DaemonFixture): Promise<Deno.UnixConn> {
  const connection = await Deno.connect({ transport: "unix", path: paths.socket });
  await writeAll(connection, `${JSON.stringify({ aichaku: { server: "echo" } })}\n`);
  return connection;
}

/** Reads lines until the connection is closed, here or there. */
function readAnswers(
  connection: Deno.Conn,
  take: (texts: readonly string[]) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let text = "";
  return readAll(connection, (_count, chunk) => {
    const lines = (text + decoder.decode(chunk, { stream: true })).split("\n");
    text = lines.pop()!;
    take(lines);
  });
}

/** Reads until the connection is closed, here or there. */
async function readAll(
  connection: Deno.Conn,
  take: (count: number, chunk: Uint8Array) => void,
): Promise<void> {
  const buffer = new Uint8Array(256 * KIB);
  try {
    for (let n; (n = await connection.read(buffer)) !== null;) take(n, buffer.subarray(0, n));
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) return;
    // Closed here while it waited for more.
    if (error instanceof Deno.errors.Interrupted) return;
    if (error instanceof Deno.errors.BadResource) return;
    throw error;
  }
}

function call(id: number, bytes: number): string {
  return legacyCall({ connections: 1, bytes, text: "plain" }).replace(String(ID), String(id));
}
