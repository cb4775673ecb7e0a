/**
 * What is learned of a server that asks what nobody can be asked for, and what follows.
 */

import assert from "node:assert/strict";
import type { JsonObject } from "../../protocol/json.ts";
import { Endpoints } from "../../tests/fixtures/endpoints.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";

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
