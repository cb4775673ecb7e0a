/**
 * Who may speak to the daemon, on every address it has: the list is the program's own, so that a new
 * address without its guard fails here.
 */

import assert from "node:assert/strict";
import { createRoutes, type RoutesOptions } from "../../server/routes.ts";
import { childrenRunning } from "../e2e/support/processes.ts";
import { rawFetch, type RawRequest, type RawResponse } from "../e2e/support/raw_http.ts";
import { misbehaving } from "../e2e/support/servers.ts";
import { type DaemonFixture, daemonTest } from "../fixtures/daemon.ts";

/** What each address needs. An address that is missing here fails the first test. */
const ACCESS: Record<string, "open" | "data" | "control"> = {
  "GET /health": "open",
  "GET /": "open",
  "GET /mcp/servers": "data",
  "POST /mcp": "data",
  "GET /mcp": "data",
  "DELETE /mcp": "data",
  "POST /mcp/:server": "data",
  "GET /mcp/:server": "data",
  "DELETE /mcp/:server": "data",
  "POST /mcp/:server/command": "data",
  "POST /rpc": "data",
  "POST /rpc/:server": "data",
  "POST /mcp/v1/init": "data",
  "POST /mcp/v1/message": "data",
  "GET /mcp/v1/stream/:id": "data",
  "GET /mcp/:server/sse": "data",
  "POST /mcp/:server/messages": "data",
  "POST /messages": "data",
  "GET /ws": "data",
  "GET /mcp/:server/ws": "data",
  "GET /sse": "data",
  "GET /sse/:id": "data",
  "DELETE /session": "data",
  "POST /": "data",
  "GET /metrics": "data",
  "POST /mcp/:server/start": "control",
  "POST /mcp/:server/stop": "control",
  "POST /mcp/:server/restart": "control",
  "GET /sessions": "control",
  "DELETE /sessions/:id": "control",
  "POST /reload": "control",
  // The last: it ends the daemon.
  "POST /shutdown": "control",
};

const routes = Object.entries(ACCESS).map(([route, access]) => {
  const [method, path] = route.split(" ");
  return { route, method, path: fill(path), access };
});
/** Addresses that take a JSON-RPC message. */
const messageRoutes = routes.filter(({ method, access }) => method === "POST" && access === "data");

const config = { mcpServers: { misbehaving: misbehaving() } };
const MESSAGE = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';

Deno.test("every address of the daemon is looked at here", () => {
  // The handlers are never called.
  const { routes: served } = createRoutes({} as RoutesOptions);
  const addresses = served
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual([...new Set(addresses)].sort(), Object.keys(ACCESS).sort());
});

daemonTest("a host name that is not this machine's is refused everywhere (DNS rebinding)", {
  config,
}, async (daemon) => {
  const { port } = new URL(daemon.url);
  for (
    const host of [
      "evil.example",
      `evil.example:${port}`,
      "127.0.0.1.evil.example",
      "localhost.evil.example",
      "evil-localhost",
      "0.0.0.0",
      "169.254.169.254",
      "[::2]",
      "127.0.0.1:80:80",
      "",
    ]
  ) {
    await allAnswer(daemon, 403, { host });
  }
  await allAnswer(daemon, 403, { host: undefined }, [400, 403]);
  await startedNothing(daemon);
});

daemonTest(
  "this machine's own names are let in, whatever the port (SSH tunnels)",
  { config },
  async (daemon) => {
    for (const host of ["localhost", "LOCALHOST:1", "127.0.0.1:9999", "127.8.8.8", "[::1]:7182"]) {
      await noneRefuses(daemon, { host });
    }
  },
);

daemonTest("a host name that the configuration allows is let in, no other", {
  config: { ...config, server: { allowedHosts: ["dev.example"] } },
}, async (daemon) => {
  await noneRefuses(daemon, { host: "dev.example:443" });
  await allAnswer(daemon, 403, { host: "x.dev.example" });
});

daemonTest(
  "a web page is refused everywhere, even with the right host",
  { config },
  async (daemon) => {
    for (
      const origin of [
        "https://evil.example",
        "null",
        "",
        "http://localhost",
        // Our own address in other words, or over another scheme, is not our own origin.
        daemon.url.replace("127.0.0.1", "localhost"),
        daemon.url.replace("http:", "https:"),
        `${daemon.url}0`,
        "file://",
        "chrome-extension://abcdefghijklmnop",
      ]
    ) {
      await allAnswer(daemon, 403, { origin });
      await allAnswer(daemon, 403, { origin, authorization: `Bearer ${daemon.token}` });
    }
    await startedNothing(daemon);
  },
);

daemonTest("a form cannot stop the daemon, even with the token", { config }, async (daemon) => {
  const response = await fetch(`${daemon.url}/shutdown`, {
    method: "POST",
    headers: { authorization: `Bearer ${daemon.token}`, "content-type": "text/plain" },
    body: "{}",
  });
  await response.body?.cancel();
  assert.equal(response.status, 415);
  assert.equal((await daemon.health()).status, "ok");
});

daemonTest("a page that the daemon itself served is let in", { config }, async (daemon) => {
  await noneRefuses(daemon, { origin: daemon.url });
});

daemonTest(
  "a request that a page of another site caused is refused everywhere",
  { config },
  async (daemon) => {
    for (const site of ["cross-site", "same-site"]) {
      await allAnswer(daemon, 403, { "sec-fetch-site": site });
    }
    await startedNothing(daemon);
    for (const site of ["same-origin", "none"]) {
      await noneRefuses(daemon, { "sec-fetch-site": site });
    }
  },
);

const APP = "https://app.example";
const withOrigin = { ...config, server: { allowedOrigins: [APP] } };

daemonTest("a page of an allowed origin may call and read every answer, errors included", {
  config: withOrigin,
}, async (daemon) => {
  const headers = { origin: APP, "sec-fetch-site": "cross-site" };
  for (const { route, ...response } of await askAll(daemon, headers)) {
    assert.notEqual(response.status, 403, route);
    assert.equal(response.headers.get("access-control-allow-origin"), APP, route);
    assert.match(response.headers.get("vary") ?? "", /origin/i, route);
    const exposed = response.headers.get("access-control-expose-headers") ?? "";
    assert.match(exposed, /mcp-session-id/, route);
    assert.match(exposed, /x-session-id/, route);
  }
  for (const origin of ["https://app.example.evil.example", "http://app.example", `${APP}:444`]) {
    for (const { route, ...response } of await askAll(daemon, { origin })) {
      assert.deepEqual([route, response.status], [route, 403]);
      assert.equal(response.headers.get("access-control-allow-origin"), null, route);
    }
  }
});

daemonTest(
  "a preflight is granted to an allowed origin and to no other",
  { config: withOrigin },
  async (daemon) => {
    const asked = "authorization, content-type, mcp-session-id, mcp-protocol-version";
    for (const { route, path, method } of routes) {
      const preflight = (origin: string) =>
        rawFetch(daemon.url, {
          method: "OPTIONS",
          path,
          headers: {
            origin,
            "access-control-request-method": method,
            "access-control-request-headers": asked,
          },
        });
      const granted = await preflight(APP);
      assert.deepEqual([route, granted.status], [route, 204]);
      assert.equal(granted.headers.get("access-control-allow-origin"), APP);
      assert.ok(granted.headers.get("access-control-allow-methods")!.includes(method), route);
      assert.equal(granted.headers.get("access-control-allow-headers"), asked);
      const refused = await preflight("https://evil.example");
      assert.deepEqual([route, refused.status], [route, 403]);
      for (const name of ["origin", "methods", "headers"]) {
        assert.equal(refused.headers.get(`access-control-allow-${name}`), null, route);
      }
    }
    await startedNothing(daemon);
  },
);

/** Credentials that are none, for a daemon with this token. */
const wrongCredentials = (token: string): (string | undefined)[] => [
  undefined,
  "",
  "Bearer",
  "Bearer ",
  `Bearer ${token}x`,
  `Bearer ${token.slice(0, -1)}`,
  `Bearer ${token.toUpperCase()}`,
  `Basic ${btoa(`user:${token}`)}`,
  token,
  `Bearer ${token} ${token}`,
];

daemonTest("the control plane needs the token, always", { config }, async (daemon) => {
  const control = routes.filter(({ access }) => access === "control");
  for (const authorization of wrongCredentials(daemon.token)) {
    for (const { route, path, method } of control) {
      const response = await rawFetch(daemon.url, { method, path, headers: { authorization } });
      assert.deepEqual([route, authorization, response.status], [route, authorization, 401]);
      assert.equal(response.headers.get("www-authenticate"), "Bearer");
      assert.equal(JSON.parse(response.text).error.data.reason, "not_permitted");
    }
  }
  // A URL ends in logs and histories: a token in it counts for nothing.
  for (const { path, method } of control) {
    const query = `${path}?token=${daemon.token}&access_token=${daemon.token}`;
    const response = await rawFetch(daemon.url, { method, path: query });
    assert.equal(response.status, 401);
  }
  for (const { route, path, method } of control) {
    const headers = { authorization: `Bearer ${daemon.token}` };
    const { status } = await rawFetch(daemon.url, { method, path, headers });
    assert.ok([200, 202, 204, 404].includes(status), `${route}: ${status}`);
  }
});

daemonTest("with requireToken the data plane needs it as well, and health does not", {
  config: { ...config, server: { requireToken: true } },
}, async (daemon) => {
  for (const authorization of wrongCredentials(daemon.token)) {
    for (const { route, access, status } of await askAll(daemon, { authorization })) {
      const expected = access === "open" ? 200 : 401;
      assert.deepEqual([route, authorization, status], [route, authorization, expected]);
    }
  }
  await startedNothing(daemon);
  await noneRefuses(daemon, { authorization: `Bearer ${daemon.token}` });
});

daemonTest("nothing that is answered without the token tells it", { config }, async (daemon) => {
  for (const { route, text, headers } of await askAll(daemon, {})) {
    assert.ok(!text.includes(daemon.token), route);
    assert.ok(![...headers].flat().join("\n").includes(daemon.token), route);
  }
  assert.ok(!daemon.log(1000).includes(daemon.token));
});

daemonTest(
  "a body that is not JSON by its type is 415 wherever a message is taken",
  { config },
  async (daemon) => {
    for (
      const type of [
        "text/plain",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "text/plain, application/json",
        "",
        undefined,
      ]
    ) {
      for (const { route, path } of messageRoutes) {
        const headers = { "content-type": type, accept: "application/json, text/event-stream" };
        const { status } = await rawFetch(daemon.url, { path, headers, body: MESSAGE });
        assert.deepEqual([route, type, status], [route, type, 415]);
      }
    }
    await startedNothing(daemon);
    for (
      const type of ["application/json", "Application/JSON", "application/json; charset=utf-8"]
    ) {
      for (const { route, path } of messageRoutes) {
        const headers = { "content-type": type, accept: "application/json, text/event-stream" };
        const { status } = await rawFetch(daemon.url, { path, headers, body: MESSAGE });
        assert.notEqual(status, 415, `${route} with ${type}`);
      }
    }
  },
);

daemonTest(
  "looking starts nothing: GET, HEAD and OPTIONS leave every server alone",
  { config },
  async (daemon) => {
    for (const { path } of routes) {
      for (const method of ["GET", "HEAD", "OPTIONS"]) {
        const headers = { accept: "text/event-stream, application/json, */*" };
        await rawFetch(daemon.url, { method, path, headers, headOnly: true });
      }
    }
    await startedNothing(daemon);
  },
);

daemonTest("the daemon is reached from this machine only", { config }, async (daemon) => {
  const { hostname, port } = new URL(daemon.url);
  assert.equal(hostname, "127.0.0.1");
  if (Deno.build.os === "linux") {
    assert.deepEqual(await listeners(Number(port)), ["0100007F"]);
  }
  for (const { address, family } of Deno.networkInterfaces()) {
    if (address.startsWith("127.") || address === "::1" || address.startsWith("fe80:")) continue;
    await assert.rejects(
      async () => (await Deno.connect({ hostname: address, port: Number(port) })).close(),
      Deno.errors.ConnectionRefused,
      `${family} ${address}`,
    );
  }
});

interface Answered extends RawResponse {
  route: string;
  access: "open" | "data" | "control";
}

/** Asks every address, with what it needs beside these headers; `POST /shutdown` only unauthorized. */
async function askAll(
  daemon: DaemonFixture,
  headers: Record<string, string | undefined>,
): Promise<Answered[]> {
  const answers: Answered[] = [];
  for (const { route, access, method, path } of routes) {
    if (path === "/shutdown" && headers.authorization === `Bearer ${daemon.token}`) continue;
    const accept = route === "GET /" ? "text/html" : "application/json, text/event-stream";
    const request: RawRequest = {
      method,
      path,
      // Streams do not end.
      headOnly: method === "GET" && path.endsWith("/sse"),
      headers: { accept, ...headers },
      ...(method === "POST" ? { body: MESSAGE } : {}),
    };
    answers.push({ route, access, ...await rawFetch(daemon.url, request) });
  }
  return answers;
}

/** Every address answers these headers with this status. */
async function allAnswer(
  daemon: DaemonFixture,
  status: number,
  headers: Record<string, string | undefined>,
  allowed = [status],
): Promise<void> {
  for (const { route, ...response } of await askAll(daemon, headers)) {
    const shown = JSON.stringify(headers);
    assert.ok(allowed.includes(response.status), `${route} with ${shown}: ${response.status}`);
    assert.equal(response.headers.get("access-control-allow-origin"), null, route);
  }
}

/** No address refuses these headers; without a token the control plane asks for it. */
async function noneRefuses(daemon: DaemonFixture, headers: Record<string, string>): Promise<void> {
  for (const { route, access, status } of await askAll(daemon, headers)) {
    const withToken = headers.authorization !== undefined;
    const expected = access === "control" && !withToken ? status === 401 : status !== 401;
    assert.ok(status !== 403 && expected, `${route} with ${JSON.stringify(headers)}: ${status}`);
  }
}

/** No server process exists. */
async function startedNothing(daemon: DaemonFixture): Promise<void> {
  assert.deepEqual(await childrenRunning("misbehaving.ts", daemon.pid), []);
  const { servers } = await daemon.health();
  assert.equal(servers.misbehaving, "idle");
}

/** Local addresses that listen on `port`, as the kernel of Linux writes them. */
async function listeners(port: number): Promise<string[]> {
  const tables = await Promise.all(
    ["/proc/net/tcp", "/proc/net/tcp6"].map((table) => Deno.readTextFile(table)),
  );
  const LISTENING = "0A";
  return tables.flatMap((table) => table.split("\n"))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) =>
      state === LISTENING && parseInt(local.split(":")[1], 16) === port
    )
    .map(([, local]) => local.split(":")[0]);
}

function fill(path: string): string {
  return path.replace(":server", "misbehaving").replace(":id", crypto.randomUUID());
}
