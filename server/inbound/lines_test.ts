import assert from "node:assert/strict";
import { Endpoints } from "../../tests/fixtures/endpoints.ts";
import { LIMITS } from "../../tests/fixtures/exchange.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import type { Json } from "../../tests/fixtures/fake_wire.ts";
import type { Endpoint } from "../exchange/endpoint.ts";
import type { Session } from "../exchange/session.ts";
import { Sessions } from "../exchange/sessions.ts";
import { MemorySessionStore } from "../store/memory_session_store.ts";
import { Connections } from "./connections.ts";
import type { InboundContext } from "./context.ts";
import { type LineConn, serveLines } from "./lines.ts";

const TOKEN = "the-daemons-own-token";

/** A client by lines, played by the test. */
class Peer implements LineConn {
  readonly said: Json[] = [];
  isClosed = false;
  #waiting: Uint8Array[] = [];
  #wake = Promise.withResolvers<void>();

  send(text: string): void {
    this.#waiting.push(new TextEncoder().encode(text));
    this.#wake.resolve();
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#waiting.length === 0 && !this.isClosed) await this.#wake.promise;
    const next = this.#waiting.shift();
    if (next === undefined) return null;
    this.#wake = Promise.withResolvers();
    into.set(next.subarray(0, into.length));
    if (next.length > into.length) this.#waiting.unshift(next.subarray(into.length));
    return Math.min(next.length, into.length);
  }

  write(bytes: Uint8Array): Promise<number> {
    const lines = new TextDecoder().decode(bytes).trim().split("\n");
    this.said.push(...lines.map((line) => JSON.parse(line)));
    return Promise.resolve(bytes.length);
  }

  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.isClosed = true;
    this.#wake.resolve();
  }
}

/** The daemon's side. */
class Bench {
  readonly all = new Endpoints();
  readonly connections = new Connections({ maxSessions: 1000 });
  readonly sessions: Sessions;
  readonly endpoint: Endpoint;
  readonly #context: InboundContext;
  readonly #served: Promise<void>[] = [];

  constructor() {
    const { clock, log, exchange } = this.all;
    const endpoint = this.endpoint = this.all.endpoint();
    const sessions = this.sessions = new Sessions({
      ...{ limits: LIMITS, clock, log, store: new MemorySessionStore() },
      endpointOf: () => endpoint,
    });
    this.#context = {
      ...{ clock, log, exchange, sessions, connections: this.connections },
      limits: { ...LIMITS, maxBodyBytes: 1024 * 1024 },
      endpoint: () => endpoint,
    } as unknown as InboundContext;
  }

  connect(): Peer {
    const peer = new Peer();
    this.#served.push(serveLines(this.#context, peer, { token: TOKEN, required: true }));
    return peer;
  }

  /** A session that began over HTTP. */
  session(): Session {
    const { endpoint } = this;
    return this.sessions.create({ kind: "mcp", endpoint, protocolVersion: "2025-11-25" });
  }

  async end(): Promise<void> {
    this.all.clock.advance(60_000);
    await Promise.all(this.#served);
  }
}

const HELLO = `${JSON.stringify({ aichaku: { token: TOKEN } })}\n`;
const PING = `${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" })}\n`;

Deno.test("whoever has not said the token makes the daemon hold a short line, not a long message", async () => {
  const bench = new Bench();
  const peer = bench.connect();
  for (let i = 0; i < 3; i++) peer.send("x".repeat(8 * 1024));
  await settle();
  assert.match(peer.said[0]?.error.message, /must carry the daemon's token/);
  await bench.end();
  assert.equal(peer.isClosed, true);
});

Deno.test("after it, messages may be as long as anywhere, in the same bytes as well", async () => {
  const bench = new Bench();
  const peer = bench.connect();
  const long = { jsonrpc: "2.0", id: "l", method: "none", params: { text: "x".repeat(50_000) } };
  peer.send(`${HELLO}{"jsonrpc":"2.0","method":"${"x".repeat(40_000)}"}\n${PING}`);
  peer.send(`${JSON.stringify(long)}\n`);
  await settle();
  assert.equal(peer.isClosed, false);
  assert.equal(bench.connections.size, 1);
  assert.doesNotMatch(JSON.stringify(peer.said), /longer than/);
  peer.close();
  await bench.end();
});

Deno.test("of those who have not said the token, only so many are there at once", async () => {
  const bench = new Bench();
  const silent = Array.from({ length: 64 }, () => bench.connect());
  const refused = bench.connect();
  await settle();
  assert.equal(refused.said[0]?.error.data.reason, "overloaded");
  // One that says it is none of them any more.
  silent[0].send(HELLO);
  await settle();
  const next = bench.connect();
  next.send(HELLO);
  await settle();
  assert.deepEqual([next.said, next.isClosed], [[], false]);
  for (const peer of [silent[0], next]) peer.close();
  await bench.end();
  assert.equal(silent.every(({ isClosed }) => isClosed), true);
  const late = bench.connect();
  await settle();
  assert.deepEqual(late.said, []);
  late.close();
  await bench.end();
});

const takeUp = (session: string) => `${JSON.stringify({ aichaku: { token: TOKEN, session } })}\n`;
const FOUND = { aichaku: { session: "found", maxBytes: 1024 * 1024 } };

Deno.test("a session that began over HTTP is taken up, and goes on when the connection ends", async () => {
  const bench = new Bench();
  const session = bench.session();
  const peer = bench.connect();
  // What comes with the first line waits until the session is found.
  peer.send(takeUp(session.id) + PING);
  await settle();
  assert.deepEqual(peer.said, [FOUND, { jsonrpc: "2.0", id: 1, result: {} }]);
  assert.equal(session.mailbox.attached, true);
  session.mailbox.post('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}');
  await settle();
  const later = peer.said.slice(2).map((message: Json) => message.method);
  assert.deepEqual(later, ["notifications/tools/list_changed"]);
  peer.close();
  await settle();
  assert.deepEqual([session.ended, session.mailbox.attached], [false, false]);
  assert.equal(bench.connections.size, 0);
  await bench.end();
});

Deno.test("a session that is not there is no session of the connection's own", async () => {
  const bench = new Bench();
  const peer = bench.connect();
  peer.send(takeUp(crypto.randomUUID()) + PING);
  await settle();
  assert.deepEqual(peer.said.map(({ id, error }) => [id, error.data.reason]), [
    [null, "session_not_found"],
  ]);
  assert.equal(bench.sessions.size, 0);
  await bench.end();
});

Deno.test("when the daemon ends a connection to a session, it says that nothing more was begun", async () => {
  const bench = new Bench();
  const session = bench.session();
  const peer = bench.connect();
  peer.send(takeUp(session.id));
  await settle();
  bench.connections.close("a test");
  peer.send(PING);
  await settle();
  assert.deepEqual(peer.said, [FOUND, { aichaku: { unanswered: "not begun" } }]);
  assert.equal(session.ended, false);
  await bench.end();
});

Deno.test("but not while a call that it took has no answer", async () => {
  const bench = new Bench();
  const session = bench.session();
  const peer = bench.connect();
  peer.send(
    takeUp(session.id) + `${JSON.stringify({ ...JSON.parse(PING), method: "tools/list" })}\n`,
  );
  await settle();
  bench.connections.close("a test");
  await settle();
  assert.deepEqual(peer.said, [FOUND]);
  await bench.end();
});

Deno.test("but not after a message that it refuses, which was taken", async () => {
  const bench = new Bench();
  const peer = bench.connect();
  peer.send(takeUp(bench.session().id) + "no message\n");
  await settle();
  assert.deepEqual(peer.said.map((line) => line.error?.code ?? "found"), ["found", -32700]);
  await bench.end();
});

Deno.test("the next connection to a session takes over; what the one before took, it answers", async () => {
  const bench = new Bench();
  const session = bench.session();
  const [first, second] = [bench.connect(), bench.connect()];
  first.send(takeUp(session.id));
  await settle();
  first.send(`${JSON.stringify({ jsonrpc: "2.0", id: "held", method: "tools/list" })}\n`);
  await settle();
  second.send(takeUp(session.id));
  await settle();
  assert.deepEqual([first.said, second.said], [[FOUND], [FOUND]]);
  for (const call of [...session.calls.values()]) call.succeed({ tools: [] });
  await settle();
  assert.deepEqual(first.said.slice(1).map((line) => line.id ?? line.aichaku), [
    "held",
    { unanswered: "not begun" },
  ]);
  second.close();
  await bench.end();
});
