import assert from "node:assert/strict";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import { Endpoints } from "../../tests/fixtures/endpoints.ts";
import { LIMITS } from "../../tests/fixtures/exchange.ts";
import type { Json } from "../../tests/fixtures/fake_wire.ts";
import { Sessions } from "../exchange/sessions.ts";
import { MemorySessionStore } from "../store/memory_session_store.ts";
import { Connection } from "./connection.ts";
import { Connections } from "./connections.ts";
import type { InboundContext } from "./context.ts";

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
};

/** A client on a connection of its own, in the modern era. */
class Bench {
  readonly all = new Endpoints();
  readonly endpoint = this.all.endpoint();
  readonly sent: Json[] = [];
  readonly connection: Connection;
  readonly connections = new Connections({ maxSessions: 10 });
  readonly sessions: Sessions;
  /** Why the connection was closed from our side. */
  ended: string | undefined;

  constructor() {
    const { clock, log, exchange } = this.all;
    const { connections } = this;
    const sessions = this.sessions = new Sessions({
      limits: LIMITS,
      clock,
      log,
      store: new MemorySessionStore(),
      endpointOf: () => this.endpoint,
    });
    const context = { exchange, sessions, log, connections };
    this.connection = new Connection({
      context: context as unknown as InboundContext,
      endpoint: this.endpoint,
      project: undefined,
      outlet: {
        send: (text) => void this.sent.push(JSON.parse(text)),
        end: (reason) => this.ended = reason,
      },
    });
  }

  say(message: Json): void {
    this.connection.receive(JSON.stringify({ jsonrpc: "2.0", ...message }));
  }

  async start(): Promise<this> {
    const started = this.endpoint.start();
    await settle();
    this.all.wire().initialize({ capabilities: { tools: { listChanged: true } } });
    await started;
    return this;
  }
}

Deno.test("modern requests need no handshake, and are answered in their own shape", async () => {
  const bench = await new Bench().start();
  bench.say({ id: 1, method: "tools/list", params: { _meta: META } });
  const [{ id }] = bench.all.wire().take();
  bench.all.wire().answer(id, { tools: [] });
  assert.equal(bench.sent[0].result.resultType, "complete");
});

Deno.test("a cancellation names the request it means", async () => {
  const bench = await new Bench().start();
  for (const id of ["a", "b"]) bench.say({ id, method: "tools/call", params: { _meta: META } });
  bench.all.wire().take();
  bench.say({ method: "notifications/cancelled", params: { requestId: "a" } });
  assert.deepEqual(bench.sent, [], "nothing more is said of a cancelled request");
  assert.deepEqual(bench.all.wire().take().map(({ method }) => method), [
    "notifications/cancelled",
  ]);
});

Deno.test("who listens is told under its own id, and the end is said on the connection", async () => {
  const bench = await new Bench().start();
  const params = { _meta: META, notifications: { toolsListChanged: true } };
  bench.say({ id: "l", method: "subscriptions/listen", params });
  await settle();
  bench.all.wire().line({ jsonrpc: "2.0", method: "notifications/tools/list_changed" });
  await bench.endpoint.stop();
  const ids = bench.sent.map(({ params, result }) =>
    (params ?? result)._meta?.["io.modelcontextprotocol/subscriptionId"] ?? params.requestId
  );
  assert.deepEqual(bench.sent.map(({ method }) => method), [
    "notifications/subscriptions/acknowledged",
    "notifications/tools/list_changed",
    "notifications/cancelled",
    undefined,
  ]);
  assert.deepEqual(ids, ["l", "l", "l", "l"]);
});

Deno.test("a client that leaves takes its modern requests with it", async () => {
  const bench = await new Bench().start();
  bench.say({ id: 1, method: "tools/call", params: { _meta: META } });
  bench.all.wire().take();
  bench.connection.close("gone");
  assert.deepEqual(bench.all.wire().take().map(({ method }) => method), [
    "notifications/cancelled",
  ]);
  assert.equal(bench.endpoint.clients, 0);
});

/** Has a modern client on its connection call once. */
async function callOnce(bench: Bench): Promise<void> {
  bench.say({ id: 1, method: "tools/call", params: { _meta: META } });
  const [{ id }] = bench.all.wire().take();
  bench.all.wire().answer(id);
  await settle();
}

Deno.test("an open connection holds a lease, whether its client has said anything or not", async () => {
  const bench = await new Bench().start();
  assert.equal(bench.connections.silent, 1);
  await callOnce(bench);
  assert.equal(bench.connections.silent, 0);
  bench.all.clock.advance(2 * 60 * 60_000);
  assert.equal(bench.sessions.activeCount, 1);
  bench.connection.close("gone");
  assert.deepEqual([bench.sessions.size, bench.connections.size], [0, 0]);
});

Deno.test("a connection ends with its session: nobody goes on where his state is gone", async () => {
  const bench = await new Bench().start();
  await callOnce(bench);
  const [session] = bench.sessions;
  bench.sessions.end(session, "ended by hand");
  assert.equal(bench.ended, "ended by hand");
  bench.say({ id: 2, method: "tools/call", params: { _meta: META } });
  assert.deepEqual(bench.all.wire().take(), []);
  assert.equal(bench.endpoint.clients, 0);
});

Deno.test("who declines what the server needs is answered: only its own cancellation is silent", async () => {
  const bench = await new Bench().start();
  const capabilities = { elicitation: { form: {}, url: {} } };
  const _meta = { ...META, "io.modelcontextprotocol/clientCapabilities": capabilities };
  bench.say({ id: 1, method: "tools/call", params: { _meta } });
  await settle();
  // A class of its own has a process of its own.
  bench.all.wire().initialize({});
  await settle();
  const [{ id }] = bench.all.wire().take().filter(({ method }) => method === "tools/call");
  const elicitations = [{ url: "https://example.com/", elicitationId: "e", message: "Log in" }];
  bench.all.wire().line({
    ...{ jsonrpc: "2.0", id },
    error: { code: -32042, message: "Log in first", data: { elicitations } },
  });
  await settle();
  bench.all.clock.advance(15);
  const [{ result }] = bench.sent.splice(0);
  assert.equal(result.resultType, "input_required");
  const [key] = Object.keys(result.inputRequests);
  const inputResponses = { [key]: { action: "decline" } };
  const { requestState } = result;
  bench.say({ id: 2, method: "tools/call", params: { _meta, requestState, inputResponses } });
  await settle();
  assert.deepEqual(bench.sent.map(({ id, error }) => [id, error.data.reason]), [[2, "cancelled"]]);
});

Deno.test("requests under way are answered when their session is ended, before the connection is", async () => {
  const bench = await new Bench().start();
  bench.say({ id: 1, method: "tools/call", params: { _meta: META } });
  const [session] = bench.sessions;
  bench.sessions.end(session, "ended by hand");
  assert.deepEqual(bench.sent.map(({ id, error }) => [id, error.data.reason]), [[1, "cancelled"]]);
  assert.equal(bench.ended, "ended by hand");
});
