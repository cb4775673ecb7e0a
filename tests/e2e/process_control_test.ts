/**
 * `POST /mcp/{server}/start`, `/stop` and `/restart`: what they need, and what clients notice.
 */

import assert from "node:assert/strict";
import { daemonTest } from "../fixtures/daemon.ts";
import { control, serverReport } from "./support/control_plane.ts";
import { errorOf, type Json, McpSession, textOf } from "./support/mcp_session.ts";
import { isAlive } from "./support/processes.ts";
import { asking } from "./support/servers.ts";
import { eventually } from "./support/within.ts";

const config = {
  mcpServers: {
    s: asking(),
    own: { ...asking({ args: ["own"] }), sharing: "session" },
    project: asking({ args: ["${project}"] }),
    missing: { command: "aichaku-test-there-is-no-such-program" },
  },
};

daemonTest("all three need the token, and JSON", { config }, async (daemon) => {
  for (const action of ["start", "stop", "restart"] as const) {
    const url = `${daemon.url}/mcp/s/${action}`;
    const headers = { "content-type": "application/json" };
    const wrong = { ...headers, authorization: "Bearer wrong" };
    const plain = { authorization: `Bearer ${daemon.token}`, "content-type": "text/plain" };
    for (const [given, status] of [[headers, 401], [wrong, 401], [plain, 415]] as const) {
      const response = await fetch(url, { method: "POST", headers: given, body: "{}" });
      await response.body?.cancel();
      assert.equal(response.status, status, `${action} ${JSON.stringify(given)}`);
    }
    const got = await fetch(url, { headers: { authorization: `Bearer ${daemon.token}` } });
    await got.body?.cancel();
    assert.equal(got.status, 405);
    const unknown = await control(daemon, "nobody", action);
    assert.equal(unknown.status, 404);
    assert.match(unknown.body.error!.message, /Unknown server "nobody"; configured are: s, own/);
  }
  assert.equal((await serverReport(daemon, "s")).state, "idle", "nothing was started");
});

daemonTest("start runs it before anybody calls, once", { config }, async (daemon) => {
  for (let again = 0; again < 2; again++) {
    const { status, body } = await control(daemon, "s", "start");
    assert.deepEqual([status, body.state], [200, "ready"]);
  }
  const { pid } = await serverReport(daemon, "s");
  const session = await McpSession.begin({ url: daemon.url, server: "s" });
  assert.equal(await session.tell("pid"), String(pid));
  // Nobody to start it for.
  for (const server of ["own", "project"]) {
    assert.equal((await control(daemon, server, "start")).body.state, "idle");
  }
  const failed = await control(daemon, "missing", "start");
  assert.equal(failed.status, 503);
  assert.match(failed.body.error!.message, /aichaku-test-there-is-no-such-program/);
});

daemonTest("stop ends its processes and holds: calls are refused until it is started", {
  config,
}, async (daemon) => {
  const session = await McpSession.begin({ url: daemon.url, server: "s" });
  const own = await McpSession.begin({ url: daemon.url, server: "own" });
  const pids = [Number(await session.tell("pid")), Number(await own.tell("pid"))];
  const held = session.call(1, "hold", { key: "k", text: "x" });
  await session.tell("waiting", { key: "k", count: 1 });
  for (const server of ["s", "own"]) {
    assert.equal((await control(daemon, server, "stop")).body.state, "stopped");
  }
  assert.equal(errorOf(await held).reason, "draining");
  assert.deepEqual(await Promise.all(pids.map(isAlive)), [false, false]);

  const refused = await session.call(2, "echo", { text: "x" });
  assert.deepEqual(errorOf(refused), { code: -32011, reason: "upstream_unavailable" });
  assert.match(refused.answer.error.message, /"s" is stopped; start it with POST \/mcp\/s\/start/);
  assert.equal(refused.answer.error.data.retryable, false);
  assert.equal((await own.call(2, "pid")).status, 404, "its own process is gone");
  const byRpc = await daemon.rpc("s", { jsonrpc: "2.0", id: 1, method: "tools/list" });
  assert.equal(byRpc.status, 503);
  assert.equal((await daemon.health()).servers.s, "stopped");
  // Of all servers together the others are there.
  const all = await McpSession.begin({ url: daemon.url });
  assert.equal(errorOf(await all.call(1, "s__pid")).reason, "upstream_unavailable");
  assert.equal((await serverReport(daemon, "s")).state, "stopped");

  assert.equal((await control(daemon, "s", "start")).body.state, "ready");
  assert.equal(textOf(await session.call(3, "echo", { text: "again" })), "again");
});

daemonTest("restart is a new process: shared sessions go on with what they had asked for", {
  config,
}, async (daemon) => {
  const session = await McpSession.begin({ url: daemon.url, server: "s" });
  const own = await McpSession.begin({ url: daemon.url, server: "own" });
  await using stream = await session.openStream();
  const uri = "test://a";
  assert.ok((await session.request(1, "logging/setLevel", { level: "warning" })).answer.result);
  assert.ok((await session.request(2, "resources/subscribe", { uri })).answer.result);
  const pids = [await session.tell("pid"), await own.tell("pid")];

  for (const server of ["s", "own"]) {
    assert.equal((await control(daemon, server, "restart")).status, 200);
  }
  const about: Json = await eventually(async () => {
    const about = JSON.parse(await session.tell("about"));
    return about.subscribed.length > 0 && about.logLevels.length > 0 ? about : undefined;
  }, "the new process to know what is wanted");
  assert.notEqual(String(about.pid), pids[0]);
  assert.deepEqual([about.logLevels, about.subscribed], [["warning"], [uri]]);
  await session.tell("update", { uri });
  assert.equal((await stream.nextMessage()).method, "notifications/resources/updated");
  assert.equal((await own.call(1, "pid")).status, 404);
  // Of one that was stopped, too.
  await control(daemon, "s", "stop");
  assert.equal((await control(daemon, "s", "restart")).body.state, "ready");
  assert.equal(textOf(await session.call(3, "echo", { text: "on" })), "on");
});

daemonTest("a server stopped and started tells its subscribers again, without a call of theirs", {
  config,
}, async (daemon) => {
  const quiet = await McpSession.begin({ url: daemon.url, server: "s" });
  await using stream = await quiet.openStream();
  const uri = "test://a";
  assert.ok((await quiet.request(1, "resources/subscribe", { uri })).answer.result);
  await control(daemon, "s", "stop");
  await control(daemon, "s", "start");
  const other = await McpSession.begin({ url: daemon.url, server: "s" });
  await eventually(
    async () => JSON.parse(await other.tell("about")).subscribed.length === 1,
    "the subscription",
  );
  await other.tell("update", { uri });
  assert.equal((await stream.nextMessage()).method, "notifications/resources/updated");
});
