/**
 * Remote servers through a real daemon: each row of the table in docs/remote.md, against servers built
 * with the official SDKs, real servers from the registry, and scripted ones for what those do not do.
 */

import assert from "node:assert/strict";
import { DaemonFixture } from "../fixtures/daemon.ts";
import { connectPeer } from "../fixtures/peers.ts";
import {
  EventResponse,
  hangUp,
  RemoteScripted,
  result,
} from "../fixtures/servers/remote_scripted.ts";
import { serverReport } from "./support/control_plane.ts";
import { errorOf, type Json, McpSession, textOf } from "./support/mcp_session.ts";
import { freePort, type RemoteKind, RemoteProcess } from "./support/remote.ts";
import { eventually, within } from "./support/within.ts";

const SECRET = "s3cr3t-t0ken";

/** A daemon with the remote server `remote`, and one client of it. */
async function withDaemon(
  entry: Json,
  body: (daemon: DaemonFixture, begin: () => Promise<McpSession>) => Promise<void>,
  env: Record<string, string> = {},
): Promise<void> {
  const config = { mcpServers: { remote: entry } };
  await using daemon = await DaemonFixture.start({ config, env });
  try {
    await body(daemon, () => McpSession.begin({ url: daemon.url, server: "remote" }));
  } catch (error) {
    console.error(`--- log of the daemon\n${daemon.log()}\n---`);
    throw error;
  }
}

/** A test with a remote process. */
function remoteTest(
  name: string,
  kind: RemoteKind,
  body: (
    parts: { remote: RemoteProcess; daemon: DaemonFixture; session: McpSession },
  ) => Promise<void>,
): void {
  Deno.test(`remote ${kind}: ${name}`, async () => {
    await using remote = await RemoteProcess.start(kind);
    await withDaemon(
      remote.entry,
      async (daemon, begin) => body({ remote, daemon, session: await begin() }),
    );
  });
}

/** A test with a scripted server; `entry` is added to its entry. */
function scriptedTest(
  name: string,
  entry: Json,
  body: (
    parts: { remote: RemoteScripted; daemon: DaemonFixture; session: McpSession },
  ) => Promise<void>,
): void {
  Deno.test(`remote: ${name}`, async () => {
    await using remote = new RemoteScripted();
    remote.on("tools/call", ({ body }) => Response.json(said(body, "first")));
    const path = entry.path ?? "/mcp";
    delete entry.path;
    await withDaemon(
      { type: "http", url: `${remote.origin}${path}`, ...entry },
      async (daemon, begin) => {
        const session = await begin();
        assert.equal(await session.tell("tool"), "first");
        await body({ remote, daemon, session });
      },
    );
  });
}

/** The answer of a tool. */
function said(body: Json, text: string): Json {
  return result(body, { content: [{ type: "text", text }] });
}

/** The contract's error of an outcome, with what it says. */
function failure(
  { answer }: { answer: Json },
): { reason: string; retryable: boolean; message: string } {
  errorOf({ answer });
  const { message, data: { reason, retryable } } = answer.error;
  return { reason, retryable, message };
}

// ---- real servers

for (const kind of ["everything-http", "everything-sse"] as const) {
  remoteTest("five clients share it, and a restart between two calls is not noticed", kind, async (
    { remote, daemon, session },
  ) => {
    const url = `${daemon.url}/mcp/remote`;
    const peers = await Promise.all(
      (["v1", "v2", "v1", "v2", "v1"] as const).map((line) => connectPeer({ line, url })),
    );
    await using stack = new AsyncDisposableStack();
    for (const peer of peers) stack.use(peer);
    const answers = await Promise.all(
      peers.flatMap((peer, i) =>
        Array.from({ length: 10 }, (_, n) => peer.callTool("echo", { message: `${i}-${n} é` }))
      ),
    );
    assert.deepEqual(
      answers,
      peers.flatMap((_, i) => Array.from({ length: 10 }, (_, n) => `Echo: ${i}-${n} é`)),
    );
    await remote.kill();
    await remote.startAgain();
    assert.equal(await session.tell("echo", { message: "again" }), "Echo: again");
    const { state } = await serverReport(daemon, "remote");
    assert.equal(state, "ready");
  });
}

remoteTest("calls, in both forms of the SDK's own client", "v2", async ({ daemon }) => {
  for (const line of ["v1", "v2"] as const) {
    await using peer = await connectPeer({ line, url: `${daemon.url}/mcp/remote` });
    assert.equal(await peer.callTool("echo", { text: "hello" }), "hello");
  }
});

remoteTest(
  "a server that ends its streams to be polled: the answer comes all the same",
  "http",
  async ({ session }) => {
    assert.equal(await session.tell("poll"), "after the poll");
  },
);

remoteTest("progress reaches the client before the answer", "http", async ({ session }) => {
  const outcome = await session.call(1, "progress", {}, { progressToken: "mine" });
  assert.deepEqual(outcome.notifications.map(({ params }) => params), [
    { progressToken: "mine", progress: 1 },
  ]);
  assert.equal(textOf(outcome), "with progress");
});

// ---- the table: restarts

for (const kind of ["http", "sse", "ws"] as const) {
  remoteTest(
    "restarted between two calls: the second is answered",
    kind,
    async ({ remote, session }) => {
      assert.equal(await session.tell("pid"), `${remote.pid}`);
      await remote.kill();
      await remote.startAgain();
      assert.equal(await session.tell("pid"), `${remote.pid}`);
    },
  );

  remoteTest(
    "killed during a call: its effect is not known, and the next call is answered",
    kind,
    async ({ remote, session }) => {
      const call = session.call(1, "hold");
      await remote.says("holding");
      await remote.kill();
      const { reason, retryable } = failure(await call);
      assert.deepEqual([reason, retryable], ["upstream_exited", false]);
      await remote.startAgain();
      assert.equal(await session.tell("echo", { text: "next" }), "next");
    },
  );
}

scriptedTest(
  "away when a call comes, then back: the call is made once, and answered",
  {},
  async ({ remote, session, daemon }) => {
    const { port } = remote;
    await remote[Symbol.asyncDispose]();
    const call = session.tell("tool");
    const isGiven = async () => (await serverReport(daemon, "remote")).callsInFlight === 1;
    await eventually(isGiven, "the call being given to the wire");
    await using back = new RemoteScripted({ port });
    back.on("tools/call", ({ body }) => Response.json(said(body, "back")));
    assert.equal(await call, "back");
    assert.equal(back.asked("tools/call").length, 1);
  },
);

// ---- the table: answers that are none

scriptedTest(
  "404: initialized anew, and the call made in the new session",
  {},
  async ({ remote, session }) => {
    remote.on("tools/call", ({ headers, body }) => {
      // The session of before is forgotten; the next is another.
      if (headers.get("mcp-session-id") === "session-1") return new Response(null, { status: 404 });
      return Response.json(said(body, "second"));
    });
    remote.on("initialize", ({ body }) =>
      Response.json(
        result(body, {
          protocolVersion: "2025-11-25",
          capabilities: { tools: {} },
          serverInfo: { name: "x", version: "1" },
        }),
        { headers: { "mcp-session-id": "session-2" } },
      ));
    const calls = Array.from({ length: 5 }, (_, i) => session.call(i, "tool"));
    assert.deepEqual((await Promise.all(calls)).map(textOf), Array(5).fill("second"));
    assert.equal(remote.asked("initialize").length, 2);
    assert.equal(remote.asked("notifications/initialized").length, 2);
  },
);

scriptedTest(
  "503 with Retry-After: waited for, then made once more",
  {},
  async ({ remote, session }) => {
    remote.on("tools/call", () => {
      remote.on("tools/call", ({ body }) => Response.json(said(body, "second")));
      return new Response(null, { status: 503, headers: { "retry-after": "1" } });
    });
    const before = remote.asked("tools/call").length;
    assert.equal(await session.tell("tool"), "second");
    assert.equal(remote.asked("tools/call").length - before, 2);
  },
);

scriptedTest(
  "503 with Retry-After, again and again: refused, may be made again",
  {},
  async ({ remote, session }) => {
    remote.on(
      "tools/call",
      () => new Response(null, { status: 503, headers: { "retry-after": "0" } }),
    );
    const { reason, retryable, message } = failure(await session.call(1, "tool"));
    assert.deepEqual([reason, retryable], ["upstream_unavailable", true]);
    assert.match(message, /503 Service Unavailable; try again later/);
  },
);

scriptedTest("stalls: the deadline answers, the server is told, others go on", {
  callTimeout: "1s",
}, async ({ remote, session }) => {
  remote.on(
    "tools/call",
    ({ body }) =>
      body.params.name === "stall" ? new Promise(() => {}) : Response.json(said(body, "fine")),
  );
  const stalled = session.call(1, "stall");
  assert.equal(await session.tell("other"), "fine");
  assert.equal(failure(await stalled).reason, "upstream_timeout");
  await eventually(() => remote.asked("notifications/cancelled").length === 1, "cancellation");
  const call = remote.asked("tools/call").find(({ body }) => body.params.name === "stall")!;
  assert.equal(remote.asked("notifications/cancelled")[0].body.params.requestId, call.body.id);
  await within(call.gone, "end of the stalled request");
  assert.equal(await session.tell("other"), "fine");
});

scriptedTest(
  "drops the stream of a call: its effect is not known",
  {},
  async ({ remote, session }) => {
    remote.on("tools/call", () => {
      const events = new EventResponse().message({
        jsonrpc: "2.0",
        method: "notifications/message",
        params: { level: "info", data: "on its way" },
      });
      setTimeout(() => events.break(), 10);
      return events.response;
    });
    const { reason, retryable, message } = failure(await session.call(1, "tool"));
    assert.deepEqual([reason, retryable], ["upstream_exited", false]);
    assert.match(message, /dropped the stream of tools\/call before its answer; whether/);
  },
);

scriptedTest(
  "drops a stream whose events have ids: taken up again, the answer comes",
  {},
  async ({ remote, session }) => {
    let id: unknown;
    remote.on("tools/call", ({ body }) => {
      id = body.id;
      const events = new EventResponse().write("id: e-1\nretry: 1\ndata:\n\n");
      setTimeout(() => events.break(), 10);
      return events.response;
    });
    remote.on("GET", ({ headers }) => {
      assert.equal(headers.get("last-event-id"), "e-1");
      return new EventResponse().message(said({ id }, "resumed")).end().response;
    });
    assert.equal(await session.tell("tool"), "resumed");
  },
);

scriptedTest(
  "breaks the connection before it answers: not made again",
  {},
  async ({ remote, session }) => {
    const { port } = remote;
    await remote[Symbol.asyncDispose]();
    using counter = hangUp(port);
    const { reason, retryable } = failure(await session.call(1, "tool"));
    assert.deepEqual([reason, retryable], ["upstream_exited", false]);
    assert.equal(counter.requests, 1);
  },
);

scriptedTest("refuses: status, remedy, and no secret anywhere", {
  path: `/mcp?key=${SECRET}`,
  headers: { Authorization: "Bearer ${REMOTE_TOKEN:-s3cr3t-t0ken}" },
}, async ({ remote, session, daemon }) => {
  remote.on("tools/call", () => new Response(SECRET, { status: 401, statusText: SECRET }));
  const outcome = await session.call(1, "tool");
  const { reason, retryable, message } = failure(outcome);
  assert.deepEqual([reason, retryable], ["upstream_unavailable", false]);
  assert.match(message, /answered tools\/call with 401 Unauthorized; .*"headers"/);
  assert.equal(remote.asked("tools/call")[0].headers.get("authorization"), `Bearer ${SECRET}`);
  const status = JSON.stringify(await serverReport(daemon, "remote"));
  for (const text of [JSON.stringify(outcome.answer), status, daemon.log(10_000)]) {
    assert.ok(!text.includes(SECRET), text);
  }
});

// ---- the beginning

Deno.test("remote: a server that is not there: the call says so, the others go on", async () => {
  const url = `http://127.0.0.1:${freePort()}/mcp?key=${SECRET}`;
  const servers = {
    gone: { type: "http", url },
    reviewer: { type: "builtin", builtin: "reviewer" },
  };
  await using daemon = await DaemonFixture.start({ config: { mcpServers: servers } });
  const call = daemon.rpc("gone", { jsonrpc: "2.0", id: 1, method: "tools/list" });
  const healthy = await daemon.rpc("reviewer", { jsonrpc: "2.0", id: 1, method: "tools/list" });
  assert.equal(healthy.status, 200);
  const { status, body } = await call;
  assert.equal(status, 503);
  assert.equal(body.error.data.reason, "upstream_unavailable");
  assert.match(
    body.error.message,
    /it cannot be reached at http:\/\/127\.0\.0\.1:\d+ \(.*; check that it runs, and the "url"/,
  );
  assert.ok(!daemon.log(10_000).includes(SECRET));
});

Deno.test("remote: credentials that are refused at the start are named, not shown", async () => {
  await using remote = new RemoteScripted();
  remote.on("initialize", () => new Response(null, { status: 401 }));
  const entry = { type: "http", url: `${remote.origin}/mcp`, headers: { "X-Api-Key": SECRET } };
  await withDaemon(entry, async (daemon) => {
    const { body } = await daemon.rpc("remote", { jsonrpc: "2.0", id: 1, method: "tools/list" });
    assert.equal(body.error.data.reason, "upstream_unavailable");
    assert.match(body.error.message, /it answered initialize with 401 Unauthorized/);
    assert.match(body.error.data.detail, /put valid ones into "headers"/);
    assert.ok(!`${JSON.stringify(body)}${daemon.log(10_000)}`.includes(SECRET));
  });
});

Deno.test("remote: a variable that is missing in a header fails that server alone", async () => {
  await using remote = new RemoteScripted();
  remote.on("tools/call", ({ body }) => Response.json(said(body, "fine")));
  const url = `${remote.origin}/mcp`;
  const broken = { type: "http", url, headers: { Authorization: "Bearer ${NO_SUCH_VARIABLE}" } };
  const config = { mcpServers: { broken, remote: { type: "http", url } } };
  await using daemon = await DaemonFixture.start({ config });
  const { body } = await daemon.rpc("broken", { jsonrpc: "2.0", id: 1, method: "tools/list" });
  assert.equal(body.error.data.reason, "upstream_unavailable");
  assert.match(JSON.stringify(body), /NO_SUCH_VARIABLE/);
  assert.equal(remote.seen.length, 0);
  const session = await McpSession.begin({ url: daemon.url, server: "remote" });
  assert.equal(await session.tell("tool"), "fine");
});

Deno.test("remote: a client's own credentials never reach the server, nor a proxy a loopback one", async () => {
  await using remote = await RemoteProcess.start("http");
  using proxy = hangUp(freePort());
  const entry = { ...remote.entry, headers: { "X-Mine": "entry" } };
  await withDaemon(entry, async ({ url }) => {
    const session = await McpSession.begin({ url, server: "remote" });
    const headers = { authorization: "Bearer of-the-client", cookie: "a=b", "x-mine": "client" };
    const got = JSON.parse(textOf(await session.call(1, "headers", {}, { headers })));
    assert.equal(got["x-mine"], "entry");
    assert.equal(got.authorization, undefined);
    assert.equal(got.cookie, undefined);
    assert.notEqual(got["mcp-session-id"], session.id);
    assert.equal(got["mcp-protocol-version"], "2025-11-25");
  }, {
    HTTP_PROXY: `http://127.0.0.1:${proxy.port}`,
    http_proxy: `http://127.0.0.1:${proxy.port}`,
  });
  assert.equal(proxy.requests, 0);
});
