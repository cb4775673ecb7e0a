/**
 * What is particular to the ways in that are a connection: HTTP+SSE, WebSocket, Unix socket, TCP.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { stillServes } from "./support/bystander.ts";
import { sessionReports } from "./support/control_plane.ts";
import { EventReader } from "./support/event_reader.ts";
import {
  InboundClient,
  Inbox,
  LineWire,
  lineWire,
  tcpAddress,
  text,
  TRANSPORTS,
} from "./support/inbound_clients.ts";
import { initialize, type Json } from "./support/mcp_session.ts";
import { rawFetch } from "./support/raw_http.ts";
import { misbehaving } from "./support/servers.ts";
import { eventually, within } from "./support/within.ts";

const mcpServers = { misbehaving: misbehaving() };
const config = { server: { tcpPort: 0 }, mcpServers };
const transport = (name: string) => TRANSPORTS.find((one) => one.name === name)!;
const call = (id: Json, name: string, args: Json = {}): string =>
  JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: args } });

// ---- HTTP+SSE

daemonTest("the address for POSTs is of this stream, with what the client had asked for", {
  config,
}, async ({ url }) => {
  const project = encodeURIComponent("/some/where");
  for (
    const [path, pattern] of [
      ["/sse", /^\/messages\?sessionId=[0-9a-f-]{36}$/],
      ["/mcp/misbehaving/sse", /^\/mcp\/misbehaving\/messages\?sessionId=[0-9a-f-]{36}$/],
      [`/sse?project=${project}`, /^\/messages\?sessionId=[0-9a-f-]{36}&project=%2Fsome%2Fwhere$/],
      ["/", /^\/messages\?sessionId=/],
    ] as const
  ) {
    await using stream = new EventReader(
      await fetch(url + path, { headers: { accept: "text/event-stream" } }),
    );
    const first = await stream.next("the first event");
    assert.equal(first?.event, "endpoint");
    assert.match(first!.data, pattern);
  }
});

daemonTest("a POST of HTTP+SSE needs a stream that is open, at the same address", {
  config,
}, async ({ url }) => {
  const post = async (path: string, body = call(1, "echo")) => {
    const response = await fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    const said = await response.text();
    return [response.status, response.status === 202 ? said : JSON.parse(said).error.data.reason];
  };
  assert.deepEqual(await post("/messages"), [400, "invalid_request"]);
  const nobody = `/messages?sessionId=${crypto.randomUUID()}`;
  assert.deepEqual(await post(nobody), [404, "session_not_found"]);
  const stream = new EventReader(await fetch(`${url}/sse`));
  const { data } = (await stream.next())!;
  const elsewhere = data.replace("/messages", "/mcp/misbehaving/messages");
  assert.deepEqual(await post(elsewhere), [404, "session_not_found"]);
  assert.deepEqual(await post(data, '{"jsonrpc":"2.0","id":1,"method":"ping"}'), [202, "Accepted"]);
  assert.deepEqual((await stream.nextMessage()).result, {});
  await stream[Symbol.asyncDispose]();
  await eventually(
    async () => (await post(data))[0] === 404,
    "the end of the session with its stream",
  );
});

// ---- all of them

daemonTest("what ends with its connection leaves nothing written down when the daemon stops", {
  config,
}, async (daemon) => {
  const clients = await Promise.all(
    TRANSPORTS.filter(({ endsWithConnection, name }) =>
      endsWithConnection || name === "Streamable HTTP"
    ).map((transport) => InboundClient.begin(transport, daemon)),
  );
  assert.equal((await sessionReports(daemon)).length, clients.length);
  assert.equal((await daemon.cli("mcp", "--stop-server")).code, 0);
  for (const client of clients) await client[Symbol.asyncDispose]();
  using store = new DatabaseSync(daemon.paths.sessionsDb, { readOnly: true });
  const rows = store.prepare("SELECT id FROM sessions").all();
  assert.equal(rows.length, 1, "only the one of Streamable HTTP, whose client can come back");
});

// ---- WebSocket

interface Closed {
  code: number;
  reason: string;
}

/** A socket, opened, and how it closes. */
async function socket(url: string, protocols: string[] = ["mcp"]): Promise<
  { socket: WebSocket; messages: Json[]; closed: Promise<Closed> }
> {
  const socket = new WebSocket(url.replace("http:", "ws:"), protocols);
  const messages: Json[] = [];
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<Closed>();
  socket.onopen = () => opened.resolve();
  socket.onerror = () => opened.reject(new Error("refused"));
  socket.onmessage = ({ data }) => messages.push(JSON.parse(data));
  socket.onclose = ({ code, reason }) => closed.resolve({ code, reason });
  await within(opened.promise, "the WebSocket to open");
  return { socket, messages, closed: within(closed.promise, "the WebSocket to close") };
}

daemonTest("a socket that sends what is not for it is closed with a code that says so", {
  referee: { judges: "only ours", because: "a message is too long" },
  config: { server: { limits: { maxBodyBytes: 10_000 } }, mcpServers },
}, async ({ url }) => {
  const binary = await socket(`${url}/ws`);
  binary.socket.send(new Uint8Array(10));
  assert.equal((await binary.closed).code, 1003);
  const long = await socket(`${url}/mcp/misbehaving/ws`);
  long.socket.send(call(1, "echo", { text: "ü".repeat(6_000) }));
  assert.equal((await long.closed).code, 1009);
  await stillServes(url);
});

daemonTest("a WebSocket is of the subprotocol mcp, or of none", { config }, async ({ url }) => {
  for (const [protocols, chosen] of [[["mcp"], "mcp"], [["x", "mcp"], "mcp"], [[], ""]] as const) {
    const { socket: open, closed } = await socket(`${url}/ws`, [...protocols]);
    assert.equal(open.protocol, chosen);
    open.close();
    await closed;
  }
  await assert.rejects(socket(`${url}/ws`, ["graphql-ws"]));
  const plain = await fetch(`${url}/ws`);
  await plain.body?.cancel();
  assert.equal(plain.status, 426);
});

const UPGRADE = {
  "connection": "Upgrade",
  "upgrade": "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-protocol": "mcp",
};

daemonTest("a web page opens no WebSocket, except one that is allowed", {
  config: { ...config, server: { allowedOrigins: ["https://app.example"] } },
}, async ({ url }) => {
  const upgrade = async (headers: Record<string, string>) =>
    (await rawFetch(url, {
      method: "GET",
      path: "/ws",
      headers: { ...UPGRADE, ...headers },
      headOnly: true,
    })).status;
  assert.equal(await upgrade({}), 101);
  assert.equal(await upgrade({ origin: "https://evil.example" }), 403);
  assert.equal(await upgrade({ origin: "null" }), 403);
  assert.equal(await upgrade({ host: "evil.example" }), 403);
  assert.equal(await upgrade({ "sec-fetch-site": "cross-site" }), 403);
  const app = { "origin": "https://app.example", "sec-fetch-site": "cross-site" };
  assert.equal(await upgrade(app), 101);
});

daemonTest("a browser's WebSocket carries the token as a subprotocol, and gets it back never", {
  config: { server: { requireToken: true }, mcpServers },
}, async ({ url, token }) => {
  const upgrade = (protocol: string, path = "/ws") =>
    rawFetch(url, {
      method: "GET",
      path,
      headers: { ...UPGRADE, "sec-websocket-protocol": protocol },
      headOnly: true,
    });
  const right = await upgrade(`mcp, aichaku.token.${token}`);
  assert.deepEqual([right.status, right.headers.get("sec-websocket-protocol")], [101, "mcp"]);
  for (const wrong of ["mcp", `mcp, aichaku.token.${token}x`, "mcp, aichaku.token."]) {
    assert.equal((await upgrade(wrong)).status, 401, wrong);
  }
  assert.equal((await upgrade("mcp", `/ws?token=${token}`)).status, 401);
});

daemonTest("a WebSocket that is not read is cut off, and nobody else notices", {
  config: {
    server: { limits: { maxStreamBytes: 100_000, maxServerMessageBytes: 3_000_000 } },
    mcpServers,
  },
}, async (daemon) => {
  const { url } = daemon;
  const { hostname, port } = new URL(url);
  using conn = await Deno.connect({ hostname, port: Number(port) });
  const head = Object.entries({ host: `${hostname}:${port}`, ...UPGRADE })
    .map(([name, value]) => `${name}: ${value}\r\n`).join("");
  await conn.write(new TextEncoder().encode(`GET /mcp/misbehaving/ws HTTP/1.1\r\n${head}\r\n`));
  await conn.read(new Uint8Array(1000));
  for (let id = 0; id < 30; id++) {
    await conn.write(frame(call(id, "big", { bytes: 2_000_000 })));
  }
  await eventually(() => daemon.log().includes("client cut off"), "the cut");
  await eventually(async () => (await daemon.health()).sessions === 0, "the end of its session");
  await stillServes(url);
});

/** A masked text frame. */
function frame(text: string): Uint8Array {
  const payload = new TextEncoder().encode(text);
  const length = payload.length < 126
    ? [0x80 | payload.length]
    : [0x80 | 126, payload.length >> 8, payload.length & 255];
  // A mask of zeros leaves the payload as it is.
  return Uint8Array.from([0x81, ...length, 0, 0, 0, 0, ...payload]);
}

// ---- lines

/** A line client that has said nothing yet. */
async function unix(daemon: DaemonFixture): Promise<{ wire: LineWire; inbox: Inbox }> {
  const inbox = new Inbox();
  const path = daemon.announcement.socket!;
  return { wire: lineWire(await Deno.connect({ transport: "unix", path }), inbox), inbox };
}

async function tcp(daemon: DaemonFixture): Promise<{ wire: LineWire; inbox: Inbox }> {
  const inbox = new Inbox();
  return { wire: lineWire(await Deno.connect(tcpAddress(daemon)), inbox), inbox };
}

const any = () => true;
const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}';

daemonTest(
  "the socket is private, announced, and gone with the daemon",
  { config },
  async (daemon) => {
    const path = daemon.announcement.socket!;
    assert.equal(path, daemon.paths.socket);
    const { isSocket, mode } = await Deno.lstat(path);
    assert.deepEqual([isSocket, mode! & 0o777], [true, 0o600]);
    const { wire, inbox } = await unix(daemon);
    await wire.send(PING);
    await inbox.take(any, "an answer");
    await daemon.cli("mcp", "--stop-server");
    await inbox.untilEnd("the end of the connection");
    await assert.rejects(Deno.lstat(path), Deno.errors.NotFound);
    await wire.cut();
  },
);

daemonTest("without a first line the socket speaks for all servers, without initialize as well", {
  config,
}, async (daemon) => {
  await using begun = (await unix(daemon)).wire;
  await begun.send(PING);
  const { wire, inbox } = await unix(daemon);
  await wire.send('{"jsonrpc":"2.0","id":"l","method":"tools/list"}');
  const { result } = await inbox.take(any, "the list");
  assert.ok(result.tools.some((tool: Json) => tool.name === "misbehaving__echo"));
  await wire.send(JSON.stringify(initialize("2025-11-25")));
  assert.equal((await inbox.take(any, "initialize")).result.protocolVersion, "2025-11-25");
  await wire.send(JSON.stringify(initialize("2025-11-25")));
  assert.equal((await inbox.take(any, "the second")).error.data.reason, "invalid_request");
  await wire.send(PING);
  assert.deepEqual((await inbox.take(any, "an answer")).result, {});
  await wire.cut();
});

daemonTest("a first line that is wrong is told how to be right, and ends the connection", {
  referee: { judges: "only ours", because: "the lines are wrong on purpose" },
  config,
}, async (daemon) => {
  for (
    const [line, message] of [
      ['{"aichaku":{"server":"nobody"}}', /^Unknown server "nobody"; configured are: misbehaving/],
      [
        '{"aichaku":{"sever":"x"}}',
        /"sever" is none of server, project, token, session; send \{"aichaku"/,
      ],
      ['{"aichaku":7}', /"aichaku" must be an object; send/],
      ['{"aichaku":{"server":7}}', /"server" must be a text; send/],
      ['{"aichaku":{"token":"wrong"}}', /^Refused: the token is wrong; send/],
      ["hello", /^Cannot parse the message as JSON/],
    ] as const
  ) {
    const { wire, inbox } = await unix(daemon);
    await wire.send(line);
    assert.match((await inbox.take(any, line)).error.message, message);
    await inbox.untilEnd(`the end after ${line}`);
    await wire.cut();
  }
});

daemonTest("TCP listens to nobody who does not say the token first", {
  referee: { judges: "only ours", because: "one client speaks HTTP" },
  config,
}, async (daemon) => {
  for (
    const line of [
      PING,
      '{"aichaku":{"server":"misbehaving"}}',
      '{"aichaku":{"token":""}}',
      `{"aichaku":{"token":"${daemon.token}x"}}`,
      `{"aichaku":{"token":["${daemon.token}"]}}`,
      "GET / HTTP/1.1",
    ]
  ) {
    const { wire, inbox } = await tcp(daemon);
    await wire.send(`${line}\n${PING}`);
    const { error } = await inbox.take(any, line);
    assert.deepEqual([error.code, error.data.reason], [-32017, "not_permitted"], line);
    assert.ok(!error.message.includes(daemon.token));
    await inbox.untilEnd(`the end after ${line}`);
    assert.deepEqual(inbox.all, []);
    await wire.cut();
  }
  const { wire, inbox } = await tcp(daemon);
  await wire.send(JSON.stringify({ aichaku: { token: daemon.token } }));
  await wire.send(PING);
  assert.deepEqual((await inbox.take(any, "an answer")).result, {});
  await wire.cut();
});

daemonTest("a line of 100 MB costs no more than the longest that is allowed", {
  referee: { judges: "only ours", because: "the line is no message" },
  config,
}, async (daemon) => {
  const { wire, inbox } = await unix(daemon);
  const piece = new TextEncoder().encode("x".repeat(1024 * 1024));
  for (let sent = 0; sent < 100; sent++) await wire.sendBytes(piece);
  const { error } = await inbox.take(any, "the refusal");
  assert.match(error.message, /longer than 4194304 bytes/);
  await inbox.untilEnd("the end of the connection");
  await wire.cut();
  await stillServes(daemon.url);
});

daemonTest(
  "whoever ends its side gets the answers of its last calls",
  { config },
  async (daemon) => {
    const path = daemon.announcement.socket!;
    const conn = await Deno.connect({ transport: "unix", path });
    // The last line needs no end.
    await conn.write(new TextEncoder().encode(
      `${JSON.stringify({ aichaku: { server: "misbehaving" } })}\n${
        call(1, "echo", { text: "1" })
      }\n` +
        call(2, "echo", { text: "2" }),
    ));
    await conn.closeWrite();
    const all = await within(new Response(conn.readable).text(), "everything until the end");
    const answers = all.trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(answers.map((answer) => [answer.id, text(answer)]).sort(), [[1, "1"], [
      2,
      "2",
    ]]);
  },
);

daemonTest("a socket that is not read is cut off, and nobody else notices", {
  config: {
    server: { limits: { maxStreamBytes: 100_000, maxServerMessageBytes: 3_000_000 } },
    mcpServers,
  },
}, async (daemon) => {
  const path = daemon.announcement.socket!;
  using conn = await Deno.connect({ transport: "unix", path });
  const lines = [JSON.stringify({ aichaku: { server: "misbehaving" } })];
  for (let id = 0; id < 30; id++) lines.push(call(id, "big", { bytes: 2_000_000 }));
  await conn.write(new TextEncoder().encode(`${lines.join("\n")}\n`));
  await eventually(() => daemon.log().includes("client cut off"), "the cut");
  await eventually(async () => (await daemon.health()).sessions === 0, "the end of its session");
  await stillServes(daemon.url);
});

daemonTest("a connection is a client that is there, and its end is the end of its session", {
  config,
}, async (daemon) => {
  for (const name of ["HTTP+SSE", "WebSocket", "Unix socket"]) {
    const client = await InboundClient.begin(transport(name), daemon);
    assert.equal((await daemon.health()).sessions, 1, name);
    await client.cut();
    await eventually(async () => (await daemon.health()).sessions === 0, `the end of ${name}`);
  }
});

daemonTest("batches are for 2025-03-26 on a connection, too", {
  referee: { judges: "only ours", because: "a batch comes in a revision without them" },
  config,
}, async (daemon) => {
  const batch = `[${PING},{"jsonrpc":"2.0","id":2,"method":"ping"}]`;
  const { wire, inbox } = await unix(daemon);
  await wire.send(JSON.stringify(initialize("2025-03-26")));
  await inbox.take(any, "initialize");
  await wire.send(batch);
  const answers = await inbox.take(any, "the answers");
  assert.deepEqual(answers.map((answer: Json) => answer.id), [1, 2]);
  await wire.cut();
  const later = await unix(daemon);
  await later.wire.send(JSON.stringify(initialize("2025-11-25")));
  await later.inbox.take(any, "initialize");
  await later.wire.send(batch);
  assert.match((await later.inbox.take(any, "the refusal")).error.message, /only .* 2025-03-26/);
  await later.wire.cut();
});

Deno.test("a dead daemon's socket is replaced", async () => {
  await using daemon = await DaemonFixture.start({ config });
  const path = daemon.announcement.socket!;
  await daemon.kill9();
  assert.ok((await Deno.lstat(path)).isSocket);
  const { code, stderr } = await daemon.cli("mcp", "--start-server");
  assert.equal(code, 0, stderr);
  const { wire, inbox } = await unix(daemon);
  await wire.send(PING);
  assert.deepEqual((await inbox.take(any, "an answer")).result, {});
  await wire.cut();
});

const hasNetcat = await new Deno.Command("sh", { args: ["-c", "nc -h 2>&1 | grep -q -- -U"] })
  .output().then(({ success }) => success);

Deno.test({
  name: "nc -U is a bridge from standard input and output",
  ignore: !hasNetcat,
  async fn() {
    await using daemon = await DaemonFixture.start({ config });
    const path = daemon.announcement.socket!;
    const command = new Deno.Command("nc", {
      args: ["-U", path],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    });
    await using child = command.spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`${PING}\n`));
    const { value } = await within(child.stdout.getReader().read(), "an answer through nc");
    assert.deepEqual(JSON.parse(new TextDecoder().decode(value)).result, {});
    await writer.close();
  },
});
