/**
 * MCP Streamable HTTP as the specification wants it: sessions, streams, progress, cancellation; and
 * nothing of one client's ever reaching another.
 */

import assert from "node:assert/strict";
import { type DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { serverReport, sessionReports } from "./support/control_plane.ts";
import { EventReader } from "./support/event_reader.ts";
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
import { eventually } from "./support/within.ts";

const config = {
  mcpServers: { misbehaving: misbehaving(), other: misbehaving({ name: "other" }) },
};
const begin = (daemon: DaemonFixture) =>
  McpSession.begin({ url: daemon.url, server: "misbehaving" });
const NOT_FOUND = { code: -32001, reason: "session_not_found" };
const INVALID = { code: -32600, reason: "invalid_request" };

// ---- the session

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
    for (const version of ["2026-07-28", "1999-01-01", "latest"]) {
      const outcome = await session.request(5, "ping", {}, {
        headers: { "mcp-protocol-version": version },
      });
      assert.equal(outcome.status, 400);
      assert.equal(outcome.answer.id, 5);
      const { code, data } = outcome.answer.error;
      assert.equal(code, -32022);
      assert.deepEqual(data.supported, ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]);
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

// ---- what is sent to clients

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

daemonTest("a cancelled call still makes the server's log nobody's, until it is answered", {
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
  assert.equal((await a.call(4, "log", { text: "a's" })).notifications.length, 1);
});

daemonTest(
  "the server logs as much as its most curious client wants, and each gets what it asked for",
  { config },
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
    const heard = async (session: McpSession) =>
      (await session.call(3, "log", { text: "x", level: "info" })).notifications.length;
    assert.deepEqual([await heard(a), await heard(b)], [0, 1]);
    assert.deepEqual((await countOf(a)).logLevels, ["error", "debug"]);
    await b.end();
    await eventually(
      async () => (await countOf(a)).logLevels.at(-1) === "error",
      "the server being told that nobody wants more than errors",
    );
  },
);

// ---- cancelling, leaving

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
  { config },
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
