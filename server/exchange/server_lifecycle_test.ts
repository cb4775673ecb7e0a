/**
 * What a stop, a reload, a removal, a restart and the end of a process do to sessions, and to a process
 * that two entries of the configuration mean.
 */

import assert from "node:assert/strict";
import { Fault } from "../../protocol/errors.ts";
import { eventually } from "../../tests/e2e/support/within.ts";
import { Endpoints, stdioEntry } from "../../tests/fixtures/endpoints.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import { callServed, PROJECT, serveAll } from "../../tests/fixtures/served_endpoints.ts";

/** Two entries that mean the same. */
function twins(all: Endpoints) {
  const entry = stdioEntry("one", { command: "same" });
  return { entry, one: all.endpoint(entry), two: all.endpoint({ ...entry, name: "two" }) };
}

const running = (all: Endpoints) =>
  all.opened.flatMap(({ wires }) => wires.opened).filter(({ writable }) => writable).length;

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

/** A server that runs, and a client that only waits for its updates. */
async function subscribed(): Promise<Endpoints> {
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
  return all;
}

Deno.test("a server that crashes is started again for those who only wait for its updates", async () => {
  const all = await subscribed();
  all.wire().end();
  await settle();
  assert.deepEqual(serveAll(all), ["initialize"]);
});

Deno.test("while the daemon stops, nobody who loses a place is given a new process", async () => {
  const all = await subscribed();
  await all.pool.stop(new Error("stopping") as never, { ms: 0 } as never);
  await settle();
  assert.equal(all.opened.flatMap(({ wires }) => wires.opened).length, 1);
});

Deno.test("a server that is removed while it is restarted stays away", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint();
  const client = all.client("a", endpoint);
  await callServed(all, client);
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
  const endpoint = all.endpoint(PROJECT);
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
    await callServed(all, a);
    await callServed(all, b);
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
    assert.equal((await callServed(all, b)).outcome, "answered");
    assert.equal([...two.instances].length, 1);
    assert.deepEqual([...[...two.instances][0].sessions.keys()], ["b"]);
    await done;
    // Whoever comes to it finds the one that runs.
    const late = all.client("late", two);
    await callServed(all, late);
    assert.equal([...two.instances].length, 1);
  }
});

Deno.test("the daemon's end waits for processes that were on their way out", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint();
  const client = all.client("a", endpoint);
  await callServed(all, client);
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
