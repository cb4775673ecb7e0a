/**
 * A server dies with calls in flight: every caller is told, nothing is done twice, and the next call
 * has a new server.
 */

import assert from "node:assert/strict";
import { daemonTest } from "../fixtures/daemon.ts";
import { serverReport } from "./support/control_plane.ts";
import { errorOf, McpSession, textOf } from "./support/mcp_session.ts";
import { misbehaving, readJournal } from "./support/servers.ts";
import { eventually, within } from "./support/within.ts";

const CALLS = 20;
const config = {
  mcpServers: {
    misbehaving: misbehaving({ journal: "${AICHAKU_HOME}/journal" }),
    healthy: misbehaving({ name: "healthy" }),
  },
};

daemonTest(
  "kill -9 of a server with 20 calls in flight: 20 errors, none repeated, the next call works",
  { config },
  async ({ url, home }) => {
    const [a, b] = [
      await McpSession.begin({ url, server: "misbehaving" }),
      await McpSession.begin({ url, server: "misbehaving" }),
    ];
    const other = await McpSession.begin({ url, server: "healthy" });
    const pid = Number(textOf(await a.call("pid", "pid")));
    // The same ids in both sessions: every one must still get its own.
    const idOf = (index: number) => Math.floor(index / 2);
    const inFlight = Array.from({ length: CALLS }, (_, index) => {
      const session = index % 2 === 0 ? a : b;
      return session.call(idOf(index), "hold", { key: "k", text: "too late" });
    });
    await a.tell("waiting", { key: "k", count: CALLS });

    Deno.kill(pid, "SIGKILL");
    const failed = await within(
      Promise.all(inFlight),
      "20 errors after the server was killed",
      5_000,
    );

    for (const [index, outcome] of failed.entries()) {
      assert.equal(outcome.status, 200);
      assert.equal(outcome.answer.id, idOf(index));
      assert.deepEqual(errorOf(outcome), { code: -32010, reason: "upstream_exited" });
      const { server, detail } = outcome.answer.error.data;
      assert.equal(server, "misbehaving");
      assert.match(detail, /SIGKILL/);
    }
    assert.equal(failed.length, CALLS);

    const next = Number(textOf(await b.call("next", "pid")));
    assert.notEqual(next, pid);
    assert.equal(textOf(await other.call(1, "echo", { text: "untouched" })), "untouched");
    const journal = await readJournal(`${home}/journal`);
    assert.equal(journal.starts, 2);
    assert.equal(journal.calls.filter((call) => call === "hold k").length, CALLS);
    assert.equal(JSON.parse(textOf(await a.call("c", "count"))).calls.hold, undefined);
  },
);

daemonTest(
  "a server that dies leaves its last words to the calls it took with it",
  { config },
  async ({ url }) => {
    const session = await McpSession.begin({ url, server: "misbehaving" });
    const outcome = await session.call(1, "exit", { code: 9, text: "Bob" });
    assert.deepEqual(errorOf(outcome), { code: -32010, reason: "upstream_exited" });
    const { detail } = outcome.answer.error.data;
    assert.match(detail, /exited with code 9/);
    assert.match(detail, /last words of Bob/);
  },
);

daemonTest("calls that still waited for their turn when the server died go to the next one", {
  config: { ...config, server: { limits: { maxCallsPerServer: 2 } } },
}, async (daemon) => {
  const session = await McpSession.begin({ url: daemon.url, server: "misbehaving" });
  const pid = Number(textOf(await session.call("pid", "pid")));
  const held = [1, 2].map((id) => session.call(id, "hold", { key: "k" }));
  const waiting = [3, 4, 5].map((id) => session.call(id, "pid"));
  await eventually(
    async () => (await serverReport(daemon, "misbehaving")).callsQueued === 3,
    "three calls waiting for their turn",
  );
  Deno.kill(pid, "SIGKILL");
  const failed = await Promise.all(held);
  assert.deepEqual(failed.map((outcome) => errorOf(outcome).reason), [
    "upstream_exited",
    "upstream_exited",
  ]);
  const [next, ...same] = (await Promise.all(waiting)).map(textOf);
  assert.notEqual(next, String(pid));
  assert.deepEqual(same, [next, next]);
});

daemonTest(
  "a server that died while nobody called is there again for the next call",
  { config },
  async (daemon) => {
    const session = await McpSession.begin({ url: daemon.url, server: "misbehaving" });
    const pid = Number(textOf(await session.call("pid", "pid")));
    Deno.kill(pid, "SIGKILL");
    await eventually(
      async () => (await serverReport(daemon, "misbehaving")).state === "idle",
      "the daemon noticing the death of its server",
    );
    assert.notEqual(textOf(await session.call("pid", "pid")), String(pid));
  },
);
