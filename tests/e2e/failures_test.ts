/**
 * Servers that are unknown, cannot start or do not answer: the contract's reason, code and HTTP status
 * at every endpoint, in time, while the healthy ones go on answering.
 */

import assert from "node:assert/strict";
import { type DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { connectPeer } from "../fixtures/peers.ts";
import { serverReport } from "./support/control_plane.ts";
import {
  errorOf,
  initialize,
  type Json,
  McpSession,
  type Outcome,
  postJson,
  textOf,
} from "./support/mcp_session.ts";
import { rawFetch } from "./support/raw_http.ts";
import { closesStdout, type Entry, misbehaving, readJournal } from "./support/servers.ts";

const LIST = { jsonrpc: "2.0", id: "list", method: "tools/list" };

/** What does not come up, and what is said of it. */
const CANNOT_START: Record<string, { entry: Entry; code: number; reason: string; says: RegExp }> = {
  "is not installed": {
    entry: { command: "no-such-program-anywhere", args: [] },
    code: -32011,
    reason: "upstream_unavailable",
    says: /"no-such-program-anywhere" cannot be run/,
  },
  "lives in a folder that is gone": {
    entry: { ...misbehaving(), cwd: "/no/such/folder" } as Entry,
    code: -32011,
    reason: "upstream_unavailable",
    says: /"cwd"/,
  },
  "exits at its start": {
    entry: misbehaving({ mode: "--exit-at-start" }),
    code: -32011,
    reason: "upstream_unavailable",
    says: /exited with code 7/,
  },
  "refuses initialize": {
    entry: misbehaving({ mode: "--refuse-initialize" }),
    code: -32011,
    reason: "upstream_unavailable",
    says: /refused to initialize/,
  },
  "speaks an unknown revision": {
    entry: misbehaving({ mode: "--old-revision" }),
    code: -32011,
    reason: "upstream_unavailable",
    says: /revision/,
  },
  "closes its stdout": {
    entry: closesStdout({ atStart: true }),
    code: -32011,
    reason: "upstream_unavailable",
    says: /before it was ready/,
  },
  "never answers initialize": {
    entry: misbehaving({ mode: "--never-initialize", startTimeout: "1s" }),
    code: -32012,
    reason: "upstream_timeout",
    says: /initialize within 1 s/,
  },
};

const STATUS: Record<string, number> = { upstream_unavailable: 503, upstream_timeout: 504 };

for (const [what, { entry, code, reason, says }] of Object.entries(CANNOT_START)) {
  daemonTest(`a server that ${what}: the same clear error everywhere, the others go on`, {
    config: { mcpServers: { failing: entry, healthy: misbehaving({ name: "healthy" }) } },
  }, async ({ url }) => {
    const healthy = await McpSession.begin({ url, server: "healthy" });
    const held = healthy.call("held", "hold", { key: "k", text: "untouched" });
    await healthy.tell("waiting", { key: "k", count: 1 });

    const check = (outcome: Outcome, id: Json, status: number) => {
      assert.deepEqual(errorOf(outcome), { code, reason });
      assert.deepEqual([outcome.answer.id, outcome.status], [id, status]);
      assert.match(outcome.answer.error.message, says);
      assert.equal(outcome.answer.error.data.server, "failing");
    };
    // Each time a new attempt; the third failure in a row opens the breaker, which is another test.
    check(await postJson(`${url}/mcp/failing`, initialize("2025-11-25")), 0, 200);
    check(await postJson(`${url}/rpc/failing`, LIST), "list", STATUS[reason]);

    assert.equal(textOf(await healthy.call("now", "echo", { text: "still here" })), "still here");
    await healthy.tell("release", { key: "k" });
    assert.equal(textOf(await held), "untouched");
  });

  daemonTest(`a server that ${what} is told by /command and left out of /mcp`, {
    config: { mcpServers: { failing: entry, healthy: misbehaving({ name: "healthy" }) } },
  }, async ({ url }) => {
    const command = await postJson(`${url}/mcp/failing/command`, LIST);
    assert.deepEqual(errorOf(command), { code, reason });
    assert.equal(command.status, STATUS[reason]);

    await using peer = await connectPeer({ line: "v1", url: `${url}/mcp` });
    const { tools } = await peer.listTools();
    assert.ok(tools.some(({ name }) => name === "healthy__echo"));
    assert.deepEqual(tools.filter(({ name }) => name.startsWith("failing__")), []);
    assert.equal(await peer.callTool("healthy__echo", { text: "hello" }), "hello");
  });
}

daemonTest("an unknown server is 404 on every endpoint, and starts nothing", {
  config: { mcpServers: { known: misbehaving() } },
}, async (daemon) => {
  for (
    const [method, path] of [
      ["POST", "/mcp/nobody"],
      ["GET", "/mcp/nobody"],
      ["DELETE", "/mcp/nobody"],
      ["POST", "/mcp/nobody/command"],
      ["POST", "/rpc/nobody"],
      ["POST", "/mcp/%F0%9F%A6%89"],
      ["POST", "/mcp/__proto__"],
      ["POST", "/mcp/constructor/command"],
    ]
  ) {
    const response = await rawFetch(daemon.url, {
      method,
      path,
      headers: { accept: "application/json, text/event-stream" },
      ...(method === "POST" ? { body: JSON.stringify(LIST) } : {}),
    });
    assert.equal(response.status, 404, `${method} ${path}`);
    const { error } = JSON.parse(response.text);
    assert.equal(error.code, -32602);
    assert.match(error.message, /configured are: known/);
  }
  assert.equal((await serverReport(daemon, "known")).state, "idle");
});

daemonTest("a server that keeps failing is not started for every call", {
  config: {
    mcpServers: {
      failing: misbehaving({ mode: "--exit-at-start", journal: "${AICHAKU_HOME}/journal" }),
    },
  },
}, async (daemon) => {
  const { url, home } = daemon;
  const outcomes: Outcome[] = [];
  for (let call = 0; call < 10; call++) outcomes.push(await postJson(`${url}/rpc/failing`, LIST));
  for (const outcome of outcomes) {
    assert.deepEqual(errorOf(outcome), { code: -32011, reason: "upstream_unavailable" });
    assert.equal(outcome.status, 503);
  }
  const last = outcomes.at(-1)!.answer.error;
  assert.match(
    last.message,
    /keeps failing; it will be tried again in \d+ s; the last time: exited .*cannot find my licence/,
  );
  assert.match(last.data.detail, /cannot find my licence/);
  // Three that count, and the first once more: it might have ended of the question which era it is.
  assert.equal((await readJournal(`${home}/journal`)).starts, 4);
  assert.equal((await serverReport(daemon, "failing")).state, "failed");
});

daemonTest("callers who come together wait for one start, and all are told how it failed", {
  config: {
    mcpServers: {
      failing: misbehaving({ mode: "--exit-at-start", journal: "${AICHAKU_HOME}/journal" }),
    },
  },
}, async ({ url, home }) => {
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, () => postJson(`${url}/rpc/failing`, LIST)),
  );
  for (const outcome of outcomes) assert.equal(errorOf(outcome).reason, "upstream_unavailable");
  // All of them wait for the first start, or those that came after its end for the second.
  const { starts } = await readJournal(`${home}/journal`);
  assert.ok(starts <= 2, `${starts} starts for 20 calls`);
});

const TIMED = { mcpServers: { slow: misbehaving({ callTimeout: "2s" }) } };

daemonTest("a call that is not answered in time ends with a timeout, and the server is told", {
  config: TIMED,
}, async ({ url }) => {
  const session = await McpSession.begin({ url, server: "slow" });
  const [first, second, over, by] = await Promise.all([
    session.call(1, "never"),
    session.call("2", "hold", { key: "k", text: "too late" }),
    postJson(`${url}/rpc/slow`, tool(3, "never")),
    postJson(`${url}/mcp/slow/command`, tool(4, "never")),
  ]);
  const expected = [[first, 1, 200], [second, "2", 200], [over, 3, 504], [by, 4, 504]] as const;
  for (const [outcome, id, status] of expected) {
    assert.deepEqual(errorOf(outcome), { code: -32012, reason: "upstream_timeout" });
    assert.deepEqual([outcome.answer.id, outcome.status], [id, status]);
    assert.match(outcome.answer.error.message, /did not answer tools\/call within 2 s; raise its /);
  }
  await session.tell("cancelled", { count: 4 });
  // Its late answer meets nobody: the same id is another call's by now.
  const again = session.call("2", "hold", { key: "new", text: "in time" });
  await session.tell("waiting", { key: "new", count: 1 });
  await session.tell("release", { key: "k" });
  await session.tell("release", { key: "new" });
  assert.equal(textOf(await again), "in time");
});

daemonTest("the daemon survives a whole configuration of servers that fail", {
  config: {
    mcpServers: Object.fromEntries(
      Object.values(CANNOT_START).map(({ entry }, index) => [`failing-${index}`, entry]),
    ),
  },
}, async (daemon: DaemonFixture) => {
  await using peer = await connectPeer({ line: "v2", url: `${daemon.url}/mcp` });
  const { tools } = await peer.listTools();
  // The built-in one is always there.
  assert.deepEqual([...new Set(tools.map(({ name }) => name.split("__")[0]))], ["reviewer"]);
  assert.equal((await daemon.health()).status, "ok");
});

function tool(id: Json, name: string): Json {
  return { jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: {} } };
}
