/**
 * What gives way when a server has as many instances as it may.
 */

import assert from "node:assert/strict";
import { Endpoints } from "../../tests/fixtures/endpoints.ts";
import { FakeEndpoint, newSession } from "../../tests/fixtures/exchange.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import { callServed, OWN, PROJECT, settleAll } from "../../tests/fixtures/served_endpoints.ts";
import { LEASE_MS } from "./session.ts";

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
      assert.equal((await callServed(all, client)).outcome, "answered");
    }
    assert.equal((await callServed(all, clients[4])).outcome, "overloaded");
    all.clock.advance(LEASE_MS);
    await settle();
    // Every process rests now, and every session is still there.
    for (const index of [4, 0, 1, 2]) {
      assert.equal((await callServed(all, clients[index])).outcome, "answered");
    }
    assert.equal((await callServed(all, clients[3])).outcome, "overloaded");
    assert.ok(endpoint.instances.size <= 4);
  } finally {
    await Promise.all(folders.map((folder) => Deno.remove(folder)));
  }
});
