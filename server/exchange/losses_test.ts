/**
 * What clients are told when a process of their own is gone.
 */

import assert from "node:assert/strict";
import { Endpoints } from "../../tests/fixtures/endpoints.ts";
import { FakeEndpoint, newSession } from "../../tests/fixtures/exchange.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import { callServed, OWN } from "../../tests/fixtures/served_endpoints.ts";
import type { ServerEndpoint } from "./server_endpoint.ts";

/** All servers together, as far as calls go: `params.server` says whose a call is; the first one's without. */
function together(...endpoints: ServerEndpoint[]) {
  return Object.assign(new FakeEndpoint(), {
    server: undefined,
    request: (call: Parameters<ServerEndpoint["request"]>[0]) =>
      (endpoints.find(({ server }) => server === call.params?.server) ?? endpoints[0]).request(
        call,
      ),
  });
}

const running = (all: Endpoints) =>
  all.opened.flatMap(({ wires }) => wires.opened).filter(({ writable }) => writable).length;

Deno.test("a client at all servers that had a process of its own is told once that it is gone", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint(OWN);
  const client = all.client("a", together(endpoint));
  assert.equal((await callServed(all, client)).outcome, "answered");
  assert.deepEqual([...client.session.owned], ["fake"]);
  all.wire().end();
  // Reading a list begins a new process, and must not hide the loss.
  endpoint.reach(client.session, undefined);
  const told = await callServed(all, client);
  assert.deepEqual([told.outcome, told.faults[0]?.details.retryable], ["upstream_exited", true]);
  assert.equal((await callServed(all, client)).outcome, "answered");
  assert.equal(client.session.ended, false);
});

Deno.test("so it is when its process ended with the daemon of before", async () => {
  for (const listFirst of [false, true]) {
    const all = new Endpoints();
    const endpoint = all.endpoint(OWN);
    const client = all.client("a", together(endpoint));
    client.session.setOwned("fake", true);
    if (listFirst) endpoint.reach(client.session, undefined);
    const told = await callServed(all, client);
    assert.equal(told.outcome, "upstream_exited");
    assert.match(told.answers[0].error.message, /the daemon was restarted/);
    assert.equal((await callServed(all, client)).outcome, "answered");
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

Deno.test("of a process of its own that had two names, a client is told under both that it is gone", async () => {
  for (const action of ["crash", "stop", "restart"] as const) {
    const all = new Endpoints();
    const one = all.endpoint({ ...OWN, name: "one" });
    const two = all.endpoint({ ...OWN, name: "two" });
    const client = all.client("a", together(one, two));
    assert.equal((await callServed(all, client, { server: "one" })).outcome, "answered");
    assert.equal((await callServed(all, client, { server: "two" })).outcome, "answered");
    assert.equal(running(all), 1);
    if (action === "crash") all.wire().end();
    else await Promise.all([one[action](), settle()]);
    const told = await callServed(all, client, { server: "two" });
    assert.equal(told.outcome, "upstream_exited", action);
    assert.match(told.answers[0].error.message, /was ended: its process/);
    assert.equal((await callServed(all, client, { server: "two" })).outcome, "answered");
  }
});
