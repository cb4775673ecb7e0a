/**
 * Where sessions are placed, and when they are not.
 */

import assert from "node:assert/strict";
import { eventually } from "../../tests/e2e/support/within.ts";
import { Endpoints, stdioEntry } from "../../tests/fixtures/endpoints.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import { callServed, OWN, serveAll, settleAll } from "../../tests/fixtures/served_endpoints.ts";
import { LEASE_MS } from "./session.ts";

Deno.test("a client that declares roots is placed at once where no project is needed", () => {
  const all = new Endpoints();
  const endpoint = all.endpoint();
  const client = all.client("a", endpoint, { capabilities: { roots: {} } });
  assert.equal(endpoint.clients, 1);
  client.leave();
  assert.equal(endpoint.clients, 0);
});

Deno.test("a session that has ended is given no place", () => {
  const all = new Endpoints();
  const endpoint = all.endpoint(OWN);
  const client = all.client("a", endpoint);
  client.leave();
  assert.throws(() => endpoint.reach(client.session, undefined), { reason: "cancelled" });
  assert.equal(endpoint.clients, 0);
});

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

/** A browser that locks the folder of its profile: one process keeps it from all others. */
const BROWSER = stdioEntry("fake", {
  sharing: { mode: "session", from: "known", exclusive: true },
});

Deno.test("a browser whose client closed its stream and said nothing since gives way to another client's", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint(BROWSER);
  const first = all.client("first", endpoint);
  assert.equal((await callServed(all, first)).outcome, "answered");
  const wire = all.wire();
  // They are there at once, as two that are started directly would be.
  const second = all.client("second", endpoint);
  assert.equal((await callServed(all, second)).outcome, "answered");
  assert.equal(endpoint.instances.size, 2);
  assert.equal(wire.closed, undefined);
  // Most clients end so: without a word.
  first.session.mailbox.detach(first.reader);
  first.session.touch();
  assert.equal((await callServed(all, second)).outcome, "answered");
  assert.equal(wire.closed, undefined, "it may open its stream again");
  all.clock.advance(3_000);
  assert.equal((await callServed(all, second)).outcome, "answered");
  await settleAll();
  assert.notEqual(wire.closed, undefined);
  assert.ok(first.session.ended, "it is told when it comes back");
  assert.equal(endpoint.instances.size, 1);
});

Deno.test("a browser is its client's as long as the client is heard of, and other servers keep theirs", async () => {
  for (const entry of [BROWSER, OWN]) {
    const all = new Endpoints();
    const endpoint = all.endpoint(entry);
    const first = all.client("first", endpoint);
    assert.equal((await callServed(all, first)).outcome, "answered");
    first.session.mailbox.detach(first.reader);
    assert.equal((await callServed(all, first)).outcome, "answered");
    all.clock.advance(60_000);
    assert.equal((await callServed(all, all.client("second", endpoint))).outcome, "answered");
    assert.equal(endpoint.instances.size, 2);
    assert.equal(first.session.ended, false);
    // Nobody is there any more: a client without a stream is not heard of for long.
    all.clock.advance(LEASE_MS);
    assert.equal((await callServed(all, all.client("third", endpoint))).outcome, "answered");
    assert.equal(first.session.ended, entry === BROWSER);
  }
});
