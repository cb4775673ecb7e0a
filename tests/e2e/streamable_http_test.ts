/**
 * MCP Streamable HTTP as the specification wants it: sessions, revisions, statuses and streams.
 */

import assert from "node:assert/strict";
import { type DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { serverReport } from "./support/control_plane.ts";
import {
  errorOf,
  initialize,
  type Json,
  McpSession,
  postJson,
  textOf,
} from "./support/mcp_session.ts";
import { rawFetch } from "./support/raw_http.ts";
import { misbehaving } from "./support/servers.ts";

const config = {
  mcpServers: { misbehaving: misbehaving(), other: misbehaving({ name: "other" }) },
};
const begin = (daemon: DaemonFixture) =>
  McpSession.begin({ url: daemon.url, server: "misbehaving" });
const NOT_FOUND = { code: -32001, reason: "session_not_found" };
const INVALID = { code: -32600, reason: "invalid_request" };

for (const version of ["2025-11-25", "2025-06-18"]) {
  daemonTest(
    `a ${version} session: begins with initialize, is named ever after, ends with DELETE`,
    { config },
    async ({ url }) => {
      const endpoint = `${url}/mcp/misbehaving`;
      const first = await postJson(endpoint, initialize(version));
      assert.equal(first.status, 200);
      assert.equal(first.answer.id, 0);
      assert.equal(first.answer.result.protocolVersion, version);
      assert.equal(first.answer.result.serverInfo.name, "misbehaving");
      assert.ok(first.answer.result.capabilities.tools);
      const id = first.headers.get("mcp-session-id")!;
      assert.match(id, /^[\x21-\x7e]{20,}$/);

      const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };
      const headers = { "mcp-protocol-version": version };
      const nameless = await postJson(endpoint, list, { headers });
      assert.deepEqual([nameless.status, errorOf(nameless)], [400, INVALID]);
      const unknown = await postJson(endpoint, list, {
        headers: { ...headers, "mcp-session-id": crypto.randomUUID() },
      });
      assert.deepEqual([unknown.status, errorOf(unknown)], [404, NOT_FOUND]);

      const named = { ...headers, "mcp-session-id": id };
      assert.equal((await postJson(endpoint, list, { headers: named })).status, 200);
      // The version header is not required of a client: without one, the session's holds.
      const silent = await postJson(endpoint, list, { headers: { "mcp-session-id": id } });
      assert.equal(silent.status, 200);
      const said = await postJson(
        endpoint,
        { jsonrpc: "2.0", method: "notifications/initialized" },
        { headers: named },
      );
      assert.deepEqual([said.status, said.answer], [202, undefined]);

      for (const method of ["DELETE", "DELETE", "GET", "POST"] as const) {
        const response = await fetch(endpoint, {
          method,
          headers: {
            ...named,
            "accept": "application/json, text/event-stream",
            "content-type": "application/json",
          },
          ...(method === "POST" ? { body: JSON.stringify(list) } : {}),
        });
        const text = await response.text();
        if (response.status === 204) continue;
        assert.equal(response.status, 404, `${method} of a deleted session`);
        assert.deepEqual(errorOf({ answer: JSON.parse(text) }), NOT_FOUND);
      }
    },
  );
}

daemonTest("a session is known at its own endpoint only", { config }, async (daemon) => {
  const session = await begin(daemon);
  const light = await postJson(`${daemon.url}/rpc/misbehaving`, ping(1));
  for (const path of ["/mcp/other", "/mcp"]) {
    const elsewhere = await postJson(daemon.url + path, ping(1), { headers: session.headers });
    assert.deepEqual([path, elsewhere.status, errorOf(elsewhere)], [path, 404, NOT_FOUND]);
  }
  // Nor is one of /rpc a session here, or the other way round.
  const asMcp = await postJson(session.url, ping(1), {
    headers: { "mcp-session-id": light.headers.get("x-session-id")! },
  });
  assert.deepEqual([asMcp.status, errorOf(asMcp)], [404, NOT_FOUND]);
  const asLight = await postJson(`${daemon.url}/rpc/misbehaving`, ping(1), {
    headers: { "x-session-id": session.id },
  });
  assert.deepEqual([asLight.status, errorOf(asLight)], [404, NOT_FOUND]);
  const stream = await fetch(`${daemon.url}/sse/${session.id}`);
  assert.deepEqual([stream.status, errorOf({ answer: await stream.json() })], [404, NOT_FOUND]);
  assert.equal((await session.call(1, "echo", { text: "here" })).status, 200);
});

daemonTest(
  "a revision that is not spoken is answered with those that are",
  { config },
  async (daemon) => {
    const session = await begin(daemon);
    for (const version of ["2099-01-01", "1999-01-01", "latest"]) {
      const outcome = await session.request(5, "ping", {}, {
        headers: { "mcp-protocol-version": version },
      });
      assert.equal(outcome.status, 400);
      assert.equal(outcome.answer.id, 5);
      const { code, data } = outcome.answer.error;
      assert.equal(code, -32022);
      assert.deepEqual(data.supported, [
        "2026-07-28",
        "2025-11-25",
        "2025-06-18",
        "2025-03-26",
        "2024-11-05",
      ]);
      assert.equal(data.requested, version);
      const stream = await fetch(session.url, {
        headers: {
          ...session.headers,
          "accept": "text/event-stream",
          "mcp-protocol-version": version,
        },
      });
      assert.equal(stream.status, 400);
      await stream.body?.cancel();
    }
    // In initialize it is a wish: the answer is the nearest that is spoken.
    const wish = await postJson(session.url, initialize("1999-01-01"));
    assert.equal(wish.answer.result.protocolVersion, "2025-11-25");
  },
);

daemonTest("what a client cannot take, or a method that is not there, is told by its status", {
  config,
}, async (daemon) => {
  const session = await begin(daemon);
  const post = (accept: string | undefined) =>
    rawFetch(daemon.url, {
      path: "/mcp/misbehaving",
      headers: { ...session.headers, accept },
      body: JSON.stringify(ping(1)),
    });
  assert.equal((await post("text/html")).status, 406);
  assert.equal((await post("image/*;q=0.8")).status, 406);
  for (const accept of [undefined, "*/*", "application/json", "text/event-stream, */*;q=0.1"]) {
    const { status, headers } = await post(accept);
    assert.deepEqual([accept, status], [accept, 200]);
    assert.equal(headers.get("content-type"), "application/json");
  }
  const stream = await post("text/event-stream");
  assert.deepEqual([stream.status, stream.headers.get("content-type")], [200, "text/event-stream"]);
  assert.match(stream.text, /^data: \{"jsonrpc":"2.0","id":1,"result":\{\}\}\n\n$/);

  const get = await fetch(session.url, {
    headers: { ...session.headers, accept: "application/json" },
  });
  assert.equal(get.status, 406);
  await get.body?.cancel();
  for (const method of ["PUT", "PATCH"]) {
    const response = await fetch(session.url, { method, headers: session.headers });
    await response.body?.cancel();
    assert.deepEqual([method, response.status], [method, 405]);
    assert.match(response.headers.get("allow")!, /POST, GET, DELETE/);
  }
});

daemonTest("a session cannot be initialized twice", { config }, async (daemon) => {
  const session = await begin(daemon);
  const again = await session.post(initialize("2025-11-25"));
  assert.deepEqual([again.status, errorOf(again)], [400, INVALID]);
  assert.equal((await session.call(1, "echo", { text: "still" })).status, 200);
});

daemonTest("everybody with a stream hears that the tools changed", { config }, async (daemon) => {
  const sessions = [await begin(daemon), await begin(daemon), await begin(daemon)];
  await using first = await sessions[0].openStream();
  await using second = await sessions[1].openStream();
  await sessions[2].tell("change");
  for (const stream of [first, second]) {
    assert.deepEqual(await stream.nextMessage(), {
      jsonrpc: "2.0",
      method: "notifications/tools/list_changed",
    });
  }
});

daemonTest("a second stream of a session takes over from the first", { config }, async (daemon) => {
  const session = await begin(daemon);
  await using first = await session.openStream();
  await using second = await session.openStream();
  assert.equal(await first.next("the end of the first stream"), undefined);
  await session.tell("change");
  assert.equal((await second.nextMessage()).method, "notifications/tools/list_changed");
});

daemonTest("a HEAD request takes nobody's stream away", { config }, async (daemon) => {
  const session = await begin(daemon);
  await using stream = await session.openStream();
  const headers = { ...session.headers, accept: "text/event-stream" };
  const head = await fetch(session.url, { method: "HEAD", headers });
  await head.body?.cancel();
  await session.tell("change");
  assert.equal((await stream.nextMessage()).method, "notifications/tools/list_changed");
});

daemonTest("the server is initialized once for all clients, and each hears its own revision", {
  config,
}, async (daemon) => {
  const versions = ["2025-11-25", "2025-06-18", "2025-03-26"];
  const sessions = await Promise.all(
    versions.map((version) =>
      McpSession.begin({ url: daemon.url, server: "misbehaving", version })
    ),
  );
  assert.equal((await countOf(sessions[0])).initializes, 1);
  assert.equal((await serverReport(daemon, "misbehaving")).clients, 3);
});

function ping(id: number): Json {
  return { jsonrpc: "2.0", id, method: "ping" };
}

/** What the server process has seen. */
async function countOf(session: McpSession): Promise<Json> {
  return JSON.parse(textOf(await session.call("count", "count")));
}
