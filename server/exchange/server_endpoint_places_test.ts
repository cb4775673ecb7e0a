/**
 * Where sessions are placed, and what they are told when their place is lost.
 */

import assert from "node:assert/strict";
import type { JsonObject } from "../../protocol/json.ts";
import { eventually } from "../../tests/e2e/support/within.ts";
import { type Client, Endpoints, stdioEntry } from "../../tests/fixtures/endpoints.ts";
import { FakeEndpoint, newSession } from "../../tests/fixtures/exchange.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import type { Json } from "../../tests/fixtures/fake_wire.ts";
import { LEASE_MS } from "./session.ts";

/** Lets the system look at folders, too. */
async function settleAll(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    await settle();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

/** Answers `initialize` wherever it waits, and every call with an empty result. */
function serveAll(all: Endpoints, capabilities: Json = { tools: {} }): string[] {
  const methods: string[] = [];
  for (const { wires } of all.opened) {
    for (const wire of wires.opened) {
      if (!wire.writable) continue;
      for (const { id, method } of wire.take()) {
        methods.push(method);
        if (method === "initialize") {
          wire.answer(id, {
            protocolVersion: "2025-11-25",
            capabilities,
            serverInfo: { name: "fake", version: "1" },
          });
        } else if (id !== undefined) wire.answer(id);
      }
    }
  }
  return methods;
}

async function call(all: Endpoints, client: Client, method = "tools/call") {
  const reply = client.call(method);
  const goOn = async () => {
    await settleAll();
    serveAll(all);
  };
  for (let i = 0; i < 3; i++) await goOn();
  // A busy system may take its time to look at a folder.
  await eventually(async () => {
    if (reply.outcome === undefined) await goOn();
    return reply.outcome !== undefined;
  }, "the answer");
  await settle();
  return reply;
}

const OWN = stdioEntry("fake", { sharing: { mode: "session", from: "config" } });
const PROJECT = stdioEntry("fake", { usesProject: true });

Deno.test("a client that declares roots is placed at once where no project is needed", () => {
  const all = new Endpoints();
  const endpoint = all.endpoint();
  const client = all.client("a", endpoint, { capabilities: { roots: {} } });
  assert.equal(endpoint.clients, 1);
  client.leave();
  assert.equal(endpoint.clients, 0);
});

Deno.test("lists of what a server turns out not to have are empty, however often they are asked for", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint(PROJECT);
  const client = all.client("a", endpoint, { capabilities: { roots: {} } });
  await endpoint.initialize(client.session, {});
  for (const [method, empty] of [["tools/list", undefined], ["prompts/list", []]] as const) {
    for (let again = 0; again < 2; again++) {
      const reply = client.call(method);
      await settleAll();
      for (const question of reply.notified) {
        client.respond(question, { result: { roots: [{ uri: "file:///tmp" }] } });
      }
      for (let i = 0; i < 3; i++) {
        await settleAll();
        serveAll(all);
      }
      assert.equal(reply.outcome, "answered", method);
      assert.deepEqual(reply.answers[0].result.prompts, empty, method);
    }
  }
});

Deno.test("a client at all servers that had a process of its own is told once that it is gone", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint(OWN);
  const everywhere = Object.assign(new FakeEndpoint(), {
    server: undefined,
    request: (call: Parameters<typeof endpoint.request>[0]) => endpoint.request(call),
  });
  const client = all.client("a", everywhere);
  assert.equal((await call(all, client)).outcome, "answered");
  assert.deepEqual([...client.session.owned], ["fake"]);
  all.wire().end();
  // Reading a list begins a new process, and must not hide the loss.
  endpoint.reach(client.session, undefined);
  const told = await call(all, client);
  assert.deepEqual([told.outcome, told.faults[0]?.details.retryable], ["upstream_exited", true]);
  assert.equal((await call(all, client)).outcome, "answered");
  assert.equal(client.session.ended, false);
});

Deno.test("so it is when its process ended with the daemon of before", async () => {
  for (const listFirst of [false, true]) {
    const all = new Endpoints();
    const endpoint = all.endpoint(OWN);
    const everywhere = Object.assign(new FakeEndpoint(), {
      server: undefined,
      request: (call: Parameters<typeof endpoint.request>[0]) => endpoint.request(call),
    });
    const client = all.client("a", everywhere);
    client.session.owned.add("fake");
    if (listFirst) endpoint.reach(client.session, undefined);
    const told = await call(all, client);
    assert.equal(told.outcome, "upstream_exited");
    assert.match(told.answers[0].error.message, /the daemon was restarted/);
    assert.equal((await call(all, client)).outcome, "answered");
  }
});

Deno.test("an MCP session ends with its own process; one of /rpc goes on and is told", async () => {
  for (const kind of ["mcp", "light"] as const) {
    const all = new Endpoints();
    const endpoint = all.endpoint(OWN);
    const session = newSession("a", { endpoint, kind, clock: all.clock });
    endpoint.reach(session, undefined);
    const [{ instance }] = endpoint.instances;
    const ready = instance.ready();
    await settle();
    all.wire().initialize();
    await ready;
    all.wire().end();
    assert.equal(session.ended, kind === "mcp", kind);
  }
});

Deno.test("requests without a session do not keep others from a server that gives each a process", () => {
  const all = new Endpoints();
  const endpoint = all.endpoint(OWN);
  for (let index = 0; index < 20; index++) {
    endpoint.reach(newSession(`l${index}`, { endpoint, kind: "light" }), undefined);
    assert.ok(endpoint.instances.size <= all.settings.maxInstances);
  }
  const mcp = ["a", "b", "c", "d"].map((id) => all.client(id, endpoint));
  assert.equal(endpoint.instances.size, 4);
  assert.ok(mcp.every(({ session }) => !session.ended));
  assert.throws(
    () => endpoint.reach(newSession("e", { endpoint: new FakeEndpoint() }), undefined),
    /has 4 instances already.*maxInstancesPerServer/,
  );
});

Deno.test("a project whose process rests makes room for another, and has it again with its next call", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint({ ...PROJECT, idleTimeoutMs: LEASE_MS });
  const folders = await Promise.all(
    Array.from({ length: 5 }, () => Deno.makeTempDir({ prefix: "aichaku-places-" })),
  );
  try {
    const clients = folders.map((project, index) => all.client(`c${index}`, endpoint, { project }));
    await settleAll();
    for (const client of clients.slice(0, 4)) {
      assert.equal((await call(all, client)).outcome, "answered");
    }
    assert.equal((await call(all, clients[4])).outcome, "overloaded");
    all.clock.advance(LEASE_MS);
    await settle();
    // Every process rests now, and every session is still there.
    for (const index of [4, 0, 1, 2]) {
      assert.equal((await call(all, clients[index])).outcome, "answered");
    }
    assert.equal((await call(all, clients[3])).outcome, "overloaded");
    assert.ok(endpoint.instances.size <= 4);
  } finally {
    await Promise.all(folders.map((folder) => Deno.remove(folder)));
  }
});

Deno.test("a process of its own is ended when its client's roots name another project", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint({ ...OWN, usesProject: true });
  const client = all.client("a", endpoint, { capabilities: { roots: {} } });
  await endpoint.initialize(client.session, {});
  const wires = [];
  for (const uri of ["file:///tmp", "file:///usr"]) {
    const reply = client.call("tools/call");
    await settleAll();
    client.respond(reply.notified[0], { result: { roots: [{ uri }] } });
    for (let i = 0; i < 3; i++) {
      await settleAll();
      serveAll(all);
    }
    assert.equal(reply.outcome, "answered");
    wires.push(all.wire());
    all.exchange.notification(client.session, {
      kind: "notification",
      method: "notifications/roots/list_changed",
      params: undefined,
    });
  }
  await settleAll();
  assert.deepEqual(wires.map(({ closed }) => closed !== undefined), [true, true]);
  assert.equal(endpoint.instances.size, 0);
});

Deno.test("a stopped server refuses calls, and goes on with what clients had asked for when it is started", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint();
  const started = endpoint.start();
  await settle();
  all.wire().initialize({ capabilities: { resources: { subscribe: true } } });
  await started;
  const client = all.client("a", endpoint);
  const subscribed = client.call("resources/subscribe", { uri: "test://a" });
  serveAll(all);
  await settle();
  assert.equal(subscribed.outcome, "answered");

  await endpoint.stop();
  assert.equal(endpoint.state, "stopped");
  const refused = client.call("tools/call");
  assert.equal(refused.outcome, "upstream_unavailable");
  assert.match(refused.answers[0].error.message, /is stopped; start it with POST/);
  assert.deepEqual(all.log.errors, []);

  const again = endpoint.start();
  await settle();
  assert.deepEqual(serveAll(all), ["initialize"]);
  await again;
  await settle();
  // Without a call of the client's.
  assert.ok(serveAll(all).includes("resources/subscribe"));
});

Deno.test("a server that crashes is started again for those who only wait for its updates", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint();
  const started = endpoint.start();
  await settle();
  all.wire().initialize();
  await started;
  const client = all.client("a", endpoint);
  client.call("resources/subscribe", { uri: "test://a" });
  serveAll(all);
  await settle();
  all.wire().end();
  await settle();
  assert.deepEqual(serveAll(all), ["initialize"]);
});

Deno.test("while the daemon stops, nobody who loses a place is given a new process", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint();
  const started = endpoint.start();
  await settle();
  all.wire().initialize();
  await started;
  const client = all.client("a", endpoint);
  client.call("resources/subscribe", { uri: "test://a" });
  serveAll(all);
  await settle();
  await all.pool.stop(new Error("stopping") as never, { ms: 0 } as never);
  await settle();
  assert.equal(all.opened.flatMap(({ wires }) => wires.opened).length, 1);
});

const ABLE: JsonObject = { elicitation: {} };

Deno.test("a question of nobody else's call than one that was given up demotes no server", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint();
  const client = all.client("a", endpoint, { capabilities: ABLE });
  const initialized = endpoint.initialize(client.session, {});
  await settle();
  all.wire().initialize();
  await initialized;
  client.call("tools/call");
  client.cancel(1);
  all.wire().take();
  all.wire().line({ jsonrpc: "2.0", id: "q", method: "elicitation/create", params: {} });
  const [{ error }] = all.wire().take();
  assert.equal(error.code, -32015);
  assert.match(error.message, /has given it up/);
  assert.equal(endpoint.verdict, undefined);
});

Deno.test("the verdict says what was wrong", async () => {
  for (const [calls, why] of [[0, /no client had a call/], [2, /calls of several/]] as const) {
    const all = new Endpoints();
    const endpoint = all.endpoint();
    const clients = ["a", "b"].map((id) => all.client(id, endpoint, { capabilities: ABLE }));
    const initialized = endpoint.initialize(clients[0].session, {});
    await settle();
    all.wire().initialize();
    await initialized;
    for (const client of clients.slice(0, calls)) client.call("tools/call");
    all.wire().line({ jsonrpc: "2.0", id: "q", method: "elicitation/create", params: {} });
    assert.match(endpoint.verdict ?? "none", why);
  }
});

Deno.test("when clients take turns, one that always has a call in flight keeps nobody waiting", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint();
  const [a, b] = ["a", "b"].map((id) => all.client(id, endpoint, { capabilities: ABLE }));
  const initialized = endpoint.initialize(a.session, {});
  await settle();
  all.wire().initialize();
  await initialized;
  const [{ instance }] = endpoint.instances;
  instance.takeTurns();
  const wire = all.wire();
  a.call("tools/call");
  const waiting = b.call("tools/call");
  for (let call = 0; call < 4; call++) a.call("tools/call");
  const given = wire.take();
  assert.equal(given.length, 3, "two may pass, because the first may wait for one of them");
  all.clock.advance(1_000);
  given.push(...wire.take());
  assert.equal(given.length, 4, "and one a second");
  for (const { id } of given.slice(1)) wire.answer(id);
  assert.deepEqual(wire.take(), []);
  wire.answer(given[0].id);
  const [own, ...more] = wire.take();
  assert.deepEqual(more, []);
  wire.answer(own.id);
  assert.equal(waiting.outcome, "answered");
  assert.equal(wire.take().length, 1, "then it is a's turn again");
});
