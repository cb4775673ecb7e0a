/**
 * Clients that cancel, leave or end their session: what becomes of their calls, and of everybody else's.
 */

import assert from "node:assert/strict";
import { type DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { sessionReports } from "./support/control_plane.ts";
import { EventReader } from "./support/event_reader.ts";
import { errorOf, type Json, McpSession, textOf } from "./support/mcp_session.ts";
import { eventually } from "./support/within.ts";
import { misbehaving } from "./support/servers.ts";

const config = { mcpServers: { misbehaving: misbehaving() } };
const begin = (daemon: DaemonFixture) =>
  McpSession.begin({ url: daemon.url, server: "misbehaving" });

daemonTest("cancelling a call ends its POST and reaches the server; its late answer meets nobody", {
  config,
}, async (daemon) => {
  const [a, b] = [await begin(daemon), await begin(daemon)];
  const [heldA, heldB] = [a, b].map((session, index) =>
    session.call("same", "hold", { key: "k", text: `of ${index}` })
  );
  await a.tell("waiting", { key: "k", count: 2 });
  await a.cancel("same");
  const cancelled = await heldA;
  assert.deepEqual([cancelled.status, cancelled.answer.id], [200, "same"]);
  assert.deepEqual(errorOf(cancelled), { code: -32800, reason: "cancelled" });
  assert.match(cancelled.answer.error.message, /the user said so/);
  assert.equal(JSON.parse(await a.tell("cancelled", { count: 1 })).length, 1);

  // The id is free again; the late answer of the first call must not be taken for the second's.
  const again = a.call("same", "hold", { key: "new", text: "of the new call" });
  await a.tell("waiting", { key: "new", count: 1 });
  assert.equal(await b.tell("release", { key: "k" }), "2");
  assert.equal(textOf(await heldB), "of 1");
  await a.tell("release", { key: "new" });
  assert.equal(textOf(await again), "of the new call");
});

daemonTest(
  "a client cancels its own calls only, whatever id it names",
  { referee: { judges: "only ours", because: "it names ids that are none" }, config },
  async (daemon) => {
    const [a, b] = [await begin(daemon), await begin(daemon)];
    const held = [1, "1", "x"].map((id) => b.call(id, "hold", { key: "k", text: `of ${id}` }));
    await b.tell("waiting", { key: "k", count: 3 });
    // Every id that the daemon can have minted for them, too.
    for (const id of ["1", "x", null, {}, ...Array.from({ length: 50 }, (_, n) => n)]) {
      await a
        .cancel(id);
    }
    assert.equal(await b.tell("release", { key: "k" }), "3");
    assert.deepEqual((await Promise.all(held)).map(textOf), ["of 1", "of 1", "of x"]);
    assert.deepEqual((await countOf(a)).cancelled, []);
  },
);

for (const how of ["before its response began", "in the middle of its stream"]) {
  daemonTest(
    `a client that disconnects ${how} does not cancel its call`,
    { config },
    async (daemon) => {
      const session = await begin(daemon);
      const leaving = new AbortController();
      const tool = how === "before its response began" ? "hold" : "progress-and-hold";
      const response = fetch(session.url, {
        method: "POST",
        headers: {
          ...session.headers,
          "accept": "application/json, text/event-stream",
          "content-type": "application/json",
        },
        body: JSON.stringify({
          jsonrpc: "2.0",
          id: 1,
          method: "tools/call",
          params: {
            name: tool,
            arguments: { key: "k", text: "for nobody" },
            _meta: { progressToken: 1 },
          },
        }),
        signal: leaving.signal,
      });
      if (tool === "hold") {
        await session.tell("waiting", { key: "k", count: 1 });
        leaving.abort();
        await assert.rejects(response, { name: "AbortError" });
      } else {
        const stream = new EventReader(await response);
        assert.equal((await stream.nextMessage()).method, "notifications/progress");
        await stream[Symbol.asyncDispose]();
      }
      // Time for a cancellation that must not come: many round trips, each through daemon and server.
      for (let round = 0; round < 50; round++) {
        assert.deepEqual((await countOf(session)).cancelled, []);
      }
      const [report] = (await sessionReports(daemon)).filter(({ id }) => id === session.id);
      assert.equal(report.callsInFlight, 1);
      assert.equal(await session.tell("release", { key: "k" }), "1");
      assert.equal(textOf(await session.call(1, "echo", { text: "free again" })), "free again");
    },
  );
}

daemonTest(
  "ending a session cancels its calls, answers them, and ends its stream",
  { config },
  async (daemon) => {
    const [a, b] = [await begin(daemon), await begin(daemon)];
    const stream = await a.openStream();
    const held = [1, 2, 3].map((id) => a.call(id, "hold", { key: "k", text: "late" }));
    const others = b.call(1, "hold", { key: "k", text: "b's own" });
    await b.tell("waiting", { key: "k", count: 4 });
    assert.equal(await a.end(), 204);
    for (const [index, outcome] of (await Promise.all(held)).entries()) {
      assert.deepEqual([outcome.answer.id, errorOf(outcome).reason], [index + 1, "cancelled"]);
    }
    assert.equal(await stream.next("the end of the stream"), undefined);
    assert.equal(JSON.parse(await b.tell("cancelled", { count: 3 })).length, 3);
    await b.tell("release", { key: "k" });
    assert.equal(textOf(await others), "b's own");
  },
);

/** What the server process has seen. */
async function countOf(session: McpSession): Promise<Json> {
  return JSON.parse(textOf(await session.call("count", "count")));
}

for (const address of ["/rpc/misbehaving", "/mcp/misbehaving/command"]) {
  daemonTest(`a client of ${address} that leaves gives its place at the server back`, {
    config,
  }, async (daemon) => {
    const session = await begin(daemon);
    const leaving = new AbortController();
    const params = { name: "hold", arguments: { key: "k", text: "for nobody" } };
    const response = fetch(daemon.url + address, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }),
      signal: leaving.signal,
    });
    await session.tell("waiting", { key: "k", count: 1 });
    leaving.abort();
    await assert.rejects(response);
    await eventually(
      async () => JSON.parse(await session.tell("count")).cancelled.length === 1,
      "the server being told that nobody waits any more",
    );
  });
}
