/**
 * What a reload, a removal and a restart do to sessions that are being placed, and to a process that two
 * entries of the configuration mean.
 */

import assert from "node:assert/strict";
import { Fault } from "../../protocol/errors.ts";
import { eventually } from "../../tests/e2e/support/within.ts";
import { type Client, Endpoints, stdioEntry } from "../../tests/fixtures/endpoints.ts";
import { FakeEndpoint } from "../../tests/fixtures/exchange.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import type { ServerEndpoint } from "./server_endpoint.ts";

/** Answers whatever any process was asked. */
function serveAll(all: Endpoints): void {
  for (const wire of all.opened.flatMap(({ wires }) => wires.opened)) {
    if (!wire.writable) continue;
    for (const { id, method } of wire.take()) {
      if (id === undefined) continue;
      wire.answer(
        id,
        method !== "initialize" ? {} : {
          protocolVersion: "2025-11-25",
          capabilities: { tools: {} },
          serverInfo: { name: "fake", version: "1" },
        },
      );
    }
  }
}

async function call(all: Endpoints, client: Client, params = {}) {
  const reply = client.call("tools/call", params);
  await eventually(async () => {
    await settle();
    serveAll(all);
    return reply.outcome !== undefined;
  }, "the answer");
  return reply;
}

/** All servers together, as far as calls go: `params.server` says whose a call is. */
function together(...endpoints: ServerEndpoint[]) {
  return Object.assign(new FakeEndpoint(), {
    server: undefined,
    request: (call: Parameters<ServerEndpoint["request"]>[0]) =>
      endpoints.find(({ server }) => server === call.params?.server)!.request(call),
  });
}

/** Two entries that mean the same. */
function twins(all: Endpoints, options: Parameters<typeof stdioEntry>[1] = {}) {
  const entry = stdioEntry("one", { command: "same", ...options });
  return { entry, one: all.endpoint(entry), two: all.endpoint({ ...entry, name: "two" }) };
}

const OWN = { sharing: { mode: "session", from: "config" } } as const;
const running = (all: Endpoints) =>
  all.opened.flatMap(({ wires }) => wires.opened).filter(({ writable }) => writable).length;

Deno.test("a session whose folder is looked at during a reload is placed as the new configuration says", async () => {
  const all = new Endpoints();
  const entry = stdioEntry("fake", { usesProject: true, args: ["old"] });
  const endpoint = all.endpoint(entry);
  const client = all.client("a", endpoint, { project: Deno.cwd() });
  const reply = client.call("tools/call");
  endpoint.update({ ...entry, args: ["new"] });
  await eventually(async () => {
    await settle();
    serveAll(all);
    return reply.outcome !== undefined;
  }, "the answer");
  assert.equal(reply.outcome, "answered");
  const { spec: { entry: placed } } = all.opened.at(-1)!;
  assert.deepEqual(placed.kind === "stdio" && placed.args, ["new"]);
});

Deno.test("a server that is removed while it is restarted stays away", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint();
  const client = all.client("a", endpoint);
  await call(all, client);
  const restarted = endpoint.restart().then(() => "started", (error) => error.reason);
  const removed = endpoint.remove();
  await eventually(async () => {
    all.clock.advance(50);
    await settle();
    serveAll(all);
    return await Promise.race([restarted, Promise.resolve()]) !== undefined;
  }, "the end of the restart");
  await removed;
  assert.equal(await restarted, "upstream_unavailable");
  assert.equal(running(all), 0);
  await assert.rejects(endpoint.start(), { reason: "upstream_unavailable" });
});

Deno.test("clients of a removed server that have no place there are told as well", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint(stdioEntry("fake", { usesProject: true }));
  const client = all.client("a", endpoint, { capabilities: { roots: {} } });
  endpoint.join(client.session);
  await endpoint.remove();
  assert.equal(client.session.ended, true);
});

Deno.test("a process of two names goes on for one of them when the other is changed or removed", async () => {
  for (const action of ["update", "remove"] as const) {
    const all = new Endpoints();
    const { entry, one, two } = twins(all);
    const [a, b] = [all.client("a", one), all.client("b", two)];
    await call(all, a);
    await call(all, b);
    const wire = all.wire();
    const slow = b.call("tools/call");
    await settle();
    const done = action === "remove" ? one.remove() : one.update({ ...entry, args: ["new"] });
    for (let i = 0; i < 3; i++) {
      all.clock.advance(60_000);
      await settle();
    }
    assert.equal(wire.writable, true, action);
    serveAll(all);
    assert.equal(slow.outcome, "answered");
    assert.equal((await call(all, b)).outcome, "answered");
    assert.equal([...two.instances].length, 1);
    assert.deepEqual([...[...two.instances][0].sessions.keys()], ["b"]);
    await done;
    // Whoever comes to it finds the one that runs.
    const late = all.client("late", two);
    await call(all, late);
    assert.equal([...two.instances].length, 1);
  }
});

Deno.test("of a process of its own that had two names, a client is told under both that it is gone", async () => {
  for (const action of ["crash", "stop", "restart"] as const) {
    const all = new Endpoints();
    const { one, two } = twins(all, OWN);
    const client = all.client("a", together(one, two));
    assert.equal((await call(all, client, { server: "one" })).outcome, "answered");
    assert.equal((await call(all, client, { server: "two" })).outcome, "answered");
    assert.equal(running(all), 1);
    if (action === "crash") all.wire().end();
    else await Promise.all([one[action](), settle()]);
    const told = await call(all, client, { server: "two" });
    assert.equal(told.outcome, "upstream_exited", action);
    assert.match(told.answers[0].error.message, /was ended: its process/);
    assert.equal((await call(all, client, { server: "two" })).outcome, "answered");
  }
});

Deno.test("a session that has ended is given no place", () => {
  const all = new Endpoints();
  const endpoint = all.endpoint(stdioEntry("fake", OWN));
  const client = all.client("a", endpoint);
  client.leave();
  assert.throws(() => endpoint.reach(client.session, undefined), { reason: "cancelled" });
  assert.equal(endpoint.clients, 0);
});

Deno.test("the daemon's end waits for processes that were on their way out", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint();
  const client = all.client("a", endpoint);
  await call(all, client);
  client.call("tools/call");
  await settle();
  const wire = all.wire();
  endpoint.update(stdioEntry("fake", { args: ["new"] }));
  assert.equal(wire.writable, true, "its call goes on");
  const stopped = all.pool.stop(new Fault("draining", "stopping"), { eofMs: 0, termMs: 0 });
  assert.notEqual(wire.closed, undefined);
  await stopped;
  all.clock.advance(60_000);
  await settle();
});

Deno.test("a call that waits for the start of a server ends there, whatever is configured meanwhile", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint();
  const client = all.client("a", endpoint);
  const reply = client.call("tools/call");
  await settle();
  endpoint.update(stdioEntry("fake", { args: ["new"] }));
  all.clock.advance(1_000);
  await settle();
  assert.equal(reply.outcome, undefined);
  serveAll(all);
  await settle();
  serveAll(all);
  assert.equal(reply.outcome, "answered");
  all.clock.advance(1_000);
  await settle();
  assert.equal(running(all), 0, "the old one ends then");
});

Deno.test("roots that were told before they changed place nobody", async () => {
  const all = new Endpoints();
  const [before, after] = [Deno.makeTempDirSync(), Deno.makeTempDirSync()];
  try {
    const endpoint = all.endpoint(stdioEntry("fake", { usesProject: true, args: ["old"] }));
    const client = all.client("a", endpoint, { capabilities: { roots: {} } });
    const reply = client.call("tools/call");
    await settle();
    const answer = (folder: string) => {
      // On the stream of the call that needs them.
      const asked = reply.notified.findLast(({ method }) => method === "roots/list");
      client.respond(asked, { result: { roots: [{ uri: `file://${folder}` }] } });
    };
    answer(before);
    // Before the folder has been looked at.
    const method = "notifications/roots/list_changed";
    endpoint.notification(client.session, { kind: "notification", method, params: undefined });
    await eventually(async () => {
      await settle();
      if (reply.notified.filter(({ method }) => method === "roots/list").length === 2) {
        if (client.session.questions.size === 1) answer(after);
      }
      serveAll(all);
      return reply.outcome !== undefined;
    }, "the answer");
    assert.equal(reply.outcome, "answered");
    assert.deepEqual(
      all.opened.map(({ spec }) => spec.project),
      [Deno.realPathSync(after)],
    );
  } finally {
    for (const folder of [before, after]) Deno.removeSync(folder);
  }
});
