/**
 * What a server says beside its answers: progress and logs go to the client they belong to, or to nobody.
 */

import assert from "node:assert/strict";
import { type DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { errorOf, type Json, McpSession, textOf } from "./support/mcp_session.ts";
import { misbehaving } from "./support/servers.ts";
import { eventually } from "./support/within.ts";

const config = { mcpServers: { misbehaving: misbehaving() } };
const begin = (daemon: DaemonFixture) =>
  McpSession.begin({ url: daemon.url, server: "misbehaving" });

for (const progressToken of ["same", 7]) {
  daemonTest(
    `progress goes to its own caller only, though token and id are ${
      JSON.stringify(progressToken)
    } for both`,
    { config },
    async (daemon) => {
      const sessions = [await begin(daemon), await begin(daemon)];
      await using streamA = await sessions[0].openStream();
      const outcomes = await Promise.all(
        sessions.map((session, index) =>
          session.call(1, "progress", { steps: 20, text: `client ${index}` }, { progressToken })
        ),
      );
      for (const [index, outcome] of outcomes.entries()) {
        const text = `client ${index}`;
        assert.equal(outcome.headers.get("content-type"), "text/event-stream");
        assert.deepEqual(
          outcome.notifications,
          Array.from({ length: 20 }, (_, step) => ({
            jsonrpc: "2.0",
            method: "notifications/progress",
            params: { progressToken, progress: step + 1, message: text },
          })),
        );
        assert.deepEqual([outcome.answer.id, textOf(outcome)], [1, text]);
      }
      // Not on the stream that belongs to no call, either.
      await sessions[1].tell("change");
      assert.equal((await streamA.nextMessage()).method, "notifications/tools/list_changed");
    },
  );
}

daemonTest(
  "a call without a progress token gets none, and its answer as plain JSON",
  { config },
  async (daemon) => {
    const session = await begin(daemon);
    const outcome = await session.call(1, "progress", { steps: 3, text: "done" });
    assert.equal(outcome.headers.get("content-type"), "application/json");
    assert.equal(textOf(outcome), "done");
  },
);

daemonTest(
  "a server's log goes to its caller while that is the only one",
  { config },
  async (daemon) => {
    const [a, b] = [await begin(daemon), await begin(daemon)];
    await using streamB = await b.openStream();
    const outcome = await a.call(1, "log", { text: "for a" });
    assert.deepEqual(outcome.notifications, [
      { jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data: "for a" } },
    ]);
    assert.equal(textOf(outcome), "for a");

    // With another client's call in flight, nobody can know whose it is.
    const held = b.call(1, "hold", { key: "k", text: "b's own" });
    await b.tell("waiting", { key: "k", count: 1 });
    const shared = await a.call(2, "log", { text: "secret of a" });
    assert.deepEqual([textOf(shared), shared.notifications], ["secret of a", []]);
    await b.tell("release", { key: "k" });
    const answered = await held;
    assert.deepEqual([textOf(answered), answered.notifications], ["b's own", []]);
    await a.tell("change");
    assert.equal((await streamB.nextMessage()).method, "notifications/tools/list_changed");
  },
);

daemonTest(
  "clients that call one after the other hear their own logs, until the server was heard to speak unasked",
  { config },
  async (daemon) => {
    const [a, b] = [await begin(daemon), await begin(daemon)];
    assert.equal((await a.call(1, "log", { text: "a's" })).notifications.length, 1);
    assert.equal((await b.call(1, "log", { text: "b's" })).notifications.length, 1);
    // Work for a goes on behind its answer: from now on, what is logged may be a's.
    assert.equal(textOf(await a.call(2, "logOn", { text: "a's, later" })), "a's, later");
    assert.deepEqual((await b.call(2, "log", { text: "whose?" })).notifications, []);
    await a.end();
    assert.deepEqual((await b.call(3, "log", { text: "whose?" })).notifications, []);
  },
);

daemonTest("a cancelled call still makes the server's log nobody's", {
  config,
}, async (daemon) => {
  const [a, b] = [await begin(daemon), await begin(daemon)];
  const held = b.call(1, "hold", { key: "k", text: "late" });
  await b.tell("waiting", { key: "k", count: 1 });
  await b.cancel(1);
  assert.equal(errorOf(await held).reason, "cancelled");
  // The server may still be working for b, and what it logs may be b's.
  assert.deepEqual((await a.call(1, "log", { text: "whose?" })).notifications, []);
  assert.equal(await b.end(), 204);
  assert.deepEqual((await a.call(2, "log", { text: "whose?" })).notifications, []);
  await a.tell("release", { key: "k" });
});

daemonTest(
  "the server logs as much as its most curious client wants",
  { referee: { judges: "only ours", because: "one client asks for a level that is none" }, config },
  async (daemon) => {
    const [a, b] = [await begin(daemon), await begin(daemon)];
    assert.deepEqual(
      (await a.request(1, "logging/setLevel", { level: "error" })).answer.result,
      {},
    );
    assert.deepEqual(
      (await b.request(1, "logging/setLevel", { level: "debug" })).answer.result,
      {},
    );
    const nonsense = await a.request(2, "logging/setLevel", { level: "loud" });
    assert.equal(errorOf(nonsense).code, -32602);
    assert.deepEqual((await countOf(a)).logLevels, ["error", "debug"]);
    await b.end();
    await eventually(
      async () => (await countOf(a)).logLevels.at(-1) === "error",
      "the server being told that nobody wants more than errors",
    );
  },
);

daemonTest("a client gets the levels it asked for", { config }, async (daemon) => {
  const session = await begin(daemon);
  const heard = async () =>
    (await session.call(3, "log", { text: "x", level: "info" })).notifications.length;
  for (const [level, count] of [["error", 0], ["debug", 1]]) {
    assert.ok((await session.request(1, "logging/setLevel", { level })).answer.result);
    assert.equal(await heard(), count);
  }
});

/** What the server process has seen. */
async function countOf(session: McpSession): Promise<Json> {
  return JSON.parse(textOf(await session.call("count", "count")));
}
