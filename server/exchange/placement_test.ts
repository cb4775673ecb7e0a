/**
 * Where sessions are placed, and when they are not.
 */

import assert from "node:assert/strict";
import { eventually } from "../../tests/e2e/support/within.ts";
import { Endpoints, stdioEntry } from "../../tests/fixtures/endpoints.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import { OWN, serveAll, settleAll } from "../../tests/fixtures/served_endpoints.ts";

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
