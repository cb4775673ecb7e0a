import assert from "node:assert/strict";
import { newSession, NotedReader } from "../tests/fixtures/exchange.ts";
import { routesBench, TOKEN } from "../tests/fixtures/routes.ts";
import { createRoutes } from "./routes.ts";

/** The routes over one fake server. */
function bench() {
  const { options, ...rest } = routesBench();
  const routes = createRoutes(options);
  const fetch = (
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ) =>
    routes.request(`http://127.0.0.1:7182${path}`, {
      method,
      headers: { host: "127.0.0.1:7182", ...headers },
      body,
    });
  return { ...rest, fetch };
}

Deno.test("every address is guarded, also those that are not there", async () => {
  const { fetch } = bench();
  for (
    const path of ["/", "/health", "/mcp", "/mcp/one", "/rpc", "/sse", "/sessions", "/nowhere"]
  ) {
    for (const [name, value] of [["host", "evil.example"], ["origin", "https://evil.example"]]) {
      const response = await fetch("GET", path, { [name]: value });
      assert.equal(response.status, 403, path);
      assert.equal(response.headers.get("access-control-allow-origin"), null);
    }
  }
});

Deno.test("the control plane needs the token", async () => {
  const { fetch, shutdowns } = bench();
  const control = [
    ["POST", "/shutdown", 202],
    ["GET", "/sessions", 200],
    ["POST", "/reload", 422],
    ["POST", "/mcp/unknown/start", 404],
    ["POST", "/mcp/unknown/stop", 404],
    ["POST", "/mcp/unknown/restart", 404],
  ] as const;
  for (const [method, path, status] of control) {
    assert.equal((await fetch(method, path)).status, 401);
    assert.equal((await fetch(method, path, { authorization: "Bearer wrong" })).status, 401);
    assert.deepEqual(shutdowns, []);
    const response = await fetch(method, path, { authorization: `Bearer ${TOKEN}` });
    assert.equal(response.status, status);
    shutdowns.length = 0;
  }
});

Deno.test("metrics are text for Prometheus", async () => {
  const { fetch } = bench();
  const response = await fetch("GET", "/metrics");
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  const text = await response.text();
  assert.match(text, /^# TYPE aichaku_sessions_active gauge\naichaku_sessions_active 0$/m);
  assert.match(text, /^aichaku_info\{version="1"\} 1$/m);
});

Deno.test("HEAD takes nobody's stream away", async () => {
  const { fetch, sessions, endpoint } = bench();
  const light = sessions.create({ kind: "light", endpoint });
  const mcp = sessions.create({ kind: "mcp", endpoint });
  for (const session of [light, mcp]) session.mailbox.attach(new NotedReader());
  const statuses = await Promise.all([
    fetch("HEAD", "/sse", { "x-session-id": light.id }),
    fetch("HEAD", `/sse/${light.id}`),
    fetch("HEAD", "/mcp/one", { "mcp-session-id": mcp.id, accept: "text/event-stream" }),
  ]);
  assert.deepEqual(statuses.map(({ status }) => status), [405, 405, 405]);
  for (const { mailbox } of [light, mcp]) {
    assert.ok(mailbox.attached);
    mailbox.post("{}");
    assert.equal(mailbox.waiting, 1);
  }
  assert.equal((await fetch("HEAD", "/health")).status, 200);
  await sessions.close("end");
});

Deno.test("an unknown method, address or server is told apart", async () => {
  const { fetch } = bench();
  const wrong = await fetch("PUT", "/mcp/one");
  assert.deepEqual([wrong.status, wrong.headers.get("allow")], [405, "POST, GET, DELETE"]);
  assert.equal((await fetch("GET", "/nowhere")).status, 404);
  const unknown = await fetch("POST", "/mcp/two");
  assert.equal(unknown.status, 404);
  assert.match((await unknown.json()).error.message, /"two"; configured are: one/);
  const off = await fetch("POST", "/rpc/off");
  assert.equal(off.status, 404);
  assert.match((await off.json()).error.message, /^Server "off" is disabled in config.json/);
});

Deno.test("a page that is allowed may ask first, and read errors as well", async () => {
  const { fetch } = bench();
  const origin = "https://app.example";
  const asked = await fetch("OPTIONS", "/mcp/one", {
    origin,
    "access-control-request-method": "POST",
  });
  assert.deepEqual([asked.status, asked.headers.get("access-control-allow-origin")], [204, origin]);
  for (
    const [method, path, status] of [["POST", "/mcp/one", 415], ["GET", "/nowhere", 404]] as const
  ) {
    const response = await fetch(method, path, { origin, accept: "*/*" });
    assert.equal(response.status, status);
    assert.equal(response.headers.get("access-control-allow-origin"), origin);
  }
});

Deno.test("a fault of the daemon's own is logged, and told without its stack", async () => {
  const { fetch, endpoint, sessions, log } = bench();
  const session = newSession("x", { endpoint });
  sessions.get = () => {
    throw new TypeError("a bug");
  };
  const response = await fetch("GET", "/sse", { "x-session-id": session.id });
  assert.equal(response.status, 500);
  assert.deepEqual((await response.json()).error.data, { reason: "internal", retryable: false });
  assert.equal(log.errors.length, 1);
});

Deno.test("nobody can see, use or end the request of a client without a name, although its id can be guessed", async () => {
  const { fetch, sessions, endpoint } = bench();
  const session = sessions.create({ kind: "request", endpoint });
  const { id } = session;
  assert.equal(id, "request-1");
  const json = { "content-type": "application/json" };
  const both = { accept: "application/json, text/event-stream" };
  const message = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });
  for (const header of ["mcp-session-id", "x-session-id"]) {
    const named = { ...both, [header]: id };
    const ways: [method: string, path: string, body?: string][] = [
      ["POST", "/mcp/one", message],
      ["GET", "/mcp/one"],
      ["DELETE", "/mcp/one"],
      ["POST", "/mcp/v1/message", message],
      ["GET", `/mcp/v1/stream/${id}`],
      ["POST", "/rpc/one", message],
      ["GET", "/sse"],
      ["GET", `/sse/${id}`],
      ["DELETE", "/session"],
      ["POST", `/messages?sessionId=${id}`, message],
      ["POST", `/mcp/one/messages?sessionId=${id}`, message],
      ["DELETE", `/sessions/${id}`],
    ];
    for (const [method, path, body] of ways) {
      // Without the other header, each of these begins something of its own.
      if (header === "mcp-session-id" && ["/rpc/one", "/sse"].includes(path)) continue;
      const response = await fetch(
        method,
        path,
        body === undefined ? named : { ...named, ...json },
        body,
      );
      assert.ok(response.status >= 400, `${method} ${path}: ${response.status}`);
      await response.body?.cancel();
    }
  }
  assert.deepEqual([session.ended, sessions.size, endpoint.calls], [false, 1, []]);
  const shown = await fetch("GET", "/sessions", { authorization: `Bearer ${TOKEN}` });
  assert.equal((await shown.json()).sessions[0].id, id);
  const ended = await fetch("DELETE", `/sessions/${id}`, { authorization: `Bearer ${TOKEN}` });
  assert.deepEqual([ended.status, session.ended, sessions.size], [204, true, 0]);
});
