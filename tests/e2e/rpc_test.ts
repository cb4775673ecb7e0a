/**
 * JSON-RPC for curl and hooks: `/rpc`, its `/sse` stream and `/session`.
 */

import assert from "node:assert/strict";
import { daemonTest } from "../fixtures/daemon.ts";
import { EventReader } from "./support/event_reader.ts";
import { errorOf, type Json, postJson, textOf } from "./support/mcp_session.ts";
import { misbehaving } from "./support/servers.ts";
import { eventually, within } from "./support/within.ts";

const config = { mcpServers: { misbehaving: misbehaving() } };

daemonTest("curl lists and calls tools without any handshake", { config }, async ({ url }) => {
  const list = await curl(`${url}/rpc/misbehaving`, request(1, "tools/list"));
  assert.equal(list.status, 200);
  assert.equal(list.answer.id, 1);
  const names = list.answer.result.tools.map((tool: Json) => tool.name);
  assert.ok(names.includes("echo"));

  const call = await curl(`${url}/rpc/misbehaving`, tool("a", "echo", { text: "héllo 🦉" }));
  assert.equal(call.status, 200);
  assert.equal(call.answer.id, "a");
  assert.equal(textOf(call), "héllo 🦉");

  const over = await curl(`${url}/rpc`, request(1, "tools/list"));
  assert.ok(over.answer.result.tools.some((tool: Json) => tool.name === "misbehaving__echo"));
  const command = await curl(`${url}/mcp/misbehaving/command`, tool(7, "echo", { text: "in" }));
  assert.deepEqual([command.status, command.answer.id, textOf(command)], [200, 7, "in"]);
});

daemonTest("curl learns a failure by the HTTP status", { config }, async ({ url }) => {
  const unknown = await curl(`${url}/rpc/nobody`, request(1, "tools/list"));
  assert.equal(unknown.status, 404);
  assert.equal(unknown.answer.error.code, -32602);
  const died = await curl(`${url}/rpc/misbehaving`, tool(1, "exit"));
  assert.deepEqual([died.status, errorOf(died).reason], [502, "upstream_exited"]);
  // What the server itself calls an error is its answer: it arrived.
  const refused = await curl(`${url}/rpc/misbehaving`, tool(1, "no such tool"));
  assert.deepEqual([refused.status, refused.answer.error.code], [200, -32602]);
});

daemonTest(
  "a light session goes on under the id it was given, or brings its own",
  { config },
  async ({ url }) => {
    const first = await rpc(url, tool(1, "echo", { text: "1" }));
    const minted = first.headers.get("x-session-id")!;
    assert.match(minted, /^[0-9a-f-]{36}$/);
    const second = await rpc(url, tool(1, "echo", { text: "2" }), minted);
    assert.deepEqual([second.status, second.headers.get("x-session-id")], [200, minted]);

    const own = crypto.randomUUID();
    const third = await rpc(url, tool(1, "echo", { text: "3" }), own);
    assert.deepEqual([third.status, third.headers.get("x-session-id")], [200, own]);

    const odd = await rpc(url, tool("x", "echo", { text: "4" }), "my-session");
    assert.deepEqual([odd.status, odd.answer.id], [400, "x"]);
    assert.deepEqual(errorOf(odd), { code: -32600, reason: "invalid_request" });
    // The same id at another server is another's.
    const elsewhere = await postJson(`${url}/rpc`, request(1, "tools/list"), {
      headers: { "x-session-id": own },
    });
    assert.deepEqual([elsewhere.status, errorOf(elsewhere).reason], [404, "session_not_found"]);
  },
);

daemonTest(
  "two sessions with the same ids get their answers on their own streams only",
  { config },
  async ({ url }) => {
    const [a, b] = [await lightSession(url), await lightSession(url)];
    await using streamA = await openStream(url, a);
    await using streamB = await openStream(url, b);
    const rounds = 100;
    for (let id = 1; id <= rounds; id++) {
      const posts = await Promise.all([
        rpc(url, tool(id, "echo", { text: `a${id}` }), a),
        rpc(url, tool(id, "echo", { text: `b${id}` }), b),
      ]);
      for (const [index, { status, answer }] of posts.entries()) {
        assert.equal(status, 202);
        assert.deepEqual(answer, {
          sessionId: [a, b][index],
          message: "Request sent, response will arrive via SSE",
        });
      }
    }
    for (const [name, stream] of [["a", streamA], ["b", streamB]] as const) {
      const answers = new Map<number, string>();
      for (let count = 0; count < rounds; count++) {
        const answer = await stream.nextMessage();
        answers.set(answer.id, textOf({ answer }));
      }
      const expected = Array.from({ length: rounds }, (_, index) => `${name}${index + 1}`);
      assert.deepEqual([...answers].sort(([x], [y]) => x - y).map(([, text]) => text), expected);
    }
    // Nothing came twice: the next thing on each stream is the next answer.
    for (const [id, stream] of [[a, streamA], [b, streamB]] as const) {
      await rpc(url, tool("last", "echo", { text: id }), id);
      const answer = await stream.nextMessage();
      assert.deepEqual([answer.id, textOf({ answer })], ["last", id]);
    }
  },
);

for (const when of ["at once", "once the daemon has noticed"]) {
  daemonTest(`an answer comes exactly once after its stream was lost and reopened ${when}`, {
    config,
  }, async ({ url }) => {
    const id = await lightSession(url);
    const lost = await openStream(url, id);
    assert.equal((await rpc(url, tool(1, "hold", { key: "k", text: "slow" }), id)).status, 202);
    await tell(url, "waiting", { key: "k", count: 1 });
    await lost[Symbol.asyncDispose]();
    if (when !== "at once") await untilNoticed(url, id);
    await tell(url, "release", { key: "k" });

    await using stream = await openStream(url, id);
    const [answer, ...more] = await answersBefore("last", { url, id, stream });
    assert.deepEqual([answer.id, textOf({ answer })], [1, "slow"]);
    assert.deepEqual(more, []);
  });
}

daemonTest("an answer that a stalled client did not take comes whole on its next stream", {
  config: { ...config, server: { limits: { maxStreamBytes: 64 * 1024 * 1024 } } },
}, async ({ url }) => {
  const id = await lightSession(url);
  // More than the system takes in on the way.
  const bytes = 14 * 1024 * 1024;
  {
    using stalled = await stalledStream(url, id);
    assert.equal((await rpc(url, tool(1, "big", { bytes }), id)).status, 202);
    await stalled.read(new Uint8Array(1));
  }
  await using stream = await openStream(url, id);
  const [answer, ...more] = await answersBefore("last", { url, id, stream });
  assert.deepEqual([answer.id, textOf({ answer }).length], [1, bytes]);
  assert.deepEqual(more, []);
});

daemonTest(
  "an answer that arrived is not said again to whoever names it, and else under the same number",
  { config },
  async ({ url }) => {
    const id = await lightSession(url);
    const seen: string[] = [];
    {
      await using stream = await openStream(url, id);
      for (const call of [1, 2]) {
        await rpc(url, tool(call, "echo", { text: "x" }), id);
        const event = await stream.next();
        assert.equal(JSON.parse(event!.data).id, call);
        seen.push(event!.id!);
      }
    }
    {
      // Left right after it read: that the answers arrived is not certain, so they may come again.
      await using next = await openStream(url, id);
      await rpc(url, tool(3, "echo", { text: "x" }), id);
      for (let event = await next.next(); JSON.parse(event!.data).id !== 3;) {
        assert.ok(seen.includes(event!.id!), "said again under another number");
        event = await next.next();
      }
    }
    await using last = await openStream(url, id, { "last-event-id": "3" });
    assert.deepEqual(await answersBefore("last", { url, id, stream: last }), []);
  },
);

daemonTest("a client that names the last event it saw gets everything after it, numbered", {
  config,
}, async ({ url }) => {
  const id = await lightSession(url);
  const seen: string[] = [];
  {
    await using stream = await openStream(url, id);
    for (const call of [1, 2, 3]) {
      await rpc(url, tool(call, "echo", { text: "x" }), id);
      seen.push((await stream.next())!.id!);
    }
  }
  assert.equal(new Set(seen).size, 3);
  await using again = await openStream(url, id, { "last-event-id": seen[0] });
  const events = [await again.next(), await again.next()];
  assert.deepEqual(events.map((event) => event!.id), seen.slice(1));
  assert.deepEqual(events.map((event) => JSON.parse(event!.data).id), [2, 3]);
});

daemonTest(
  "a client that loses its stream again and again gets every answer once",
  { config },
  async ({ url }) => {
    const id = await lightSession(url);
    const received: number[] = [];
    const sent: number[] = [];
    let lastSeen = "0";
    for (let round = 0; round < 20; round++) {
      await using stream = await openStream(url, id, { "last-event-id": lastSeen });
      for (let call = 0; call < 5; call++) {
        sent.push(round * 5 + call);
        await rpc(url, tool(sent.at(-1), "echo", { text: "x" }), id);
      }
      // Leaves with some of them unread, a different number in each round.
      const reads = round === 19 ? sent.length - received.length : round % 6;
      for (let read = 0; read < reads; read++) {
        const event = await stream.next();
        received.push(JSON.parse(event!.data).id);
        lastSeen = event!.id!;
      }
    }
    assert.deepEqual(received.toSorted((a, b) => a - b), sent);
  },
);

daemonTest(
  "a second stream takes over: the first ends, answers come on the second",
  { config },
  async ({ url }) => {
    const id = await lightSession(url);
    await using first = await openStream(url, id);
    await using second = await openStream(url, id);
    assert.equal(await first.next("the end of the first stream"), undefined);
    await rpc(url, tool(1, "echo", { text: "here" }), id);
    assert.equal(textOf({ answer: await second.nextMessage() }), "here");
  },
);

daemonTest(
  "a stream of an unknown session is 404 and begins none",
  { config },
  async ({ url, token }) => {
    const id = crypto.randomUUID();
    for (const [path, headers] of [["/sse", { "x-session-id": id }], [`/sse/${id}`, {}]] as const) {
      const response = await fetch(url + path, { headers });
      assert.equal(response.status, 404);
      assert.equal((await response.json()).error.data.reason, "session_not_found");
    }
    const { sessions } = await (await fetch(`${url}/sessions`, {
      headers: { authorization: `Bearer ${token}` },
    })).json();
    assert.deepEqual(sessions, []);
  },
);

daemonTest("a deleted session is gone: its stream ends, its call is cancelled, its id is 404", {
  config,
}, async ({ url }) => {
  const id = await lightSession(url);
  const held = rpc(url, tool("held", "hold", { key: "k", text: "late" }), id);
  await tell(url, "waiting", { key: "k", count: 1 });
  await using stream = await openStream(url, id);
  assert.equal(await deleteSession(url, id), 204);

  const outcome = await held;
  assert.deepEqual([outcome.answer.id, errorOf(outcome).reason], ["held", "cancelled"]);
  assert.equal(await stream.next("the end of the stream"), undefined);
  await tell(url, "cancelled", { count: 1 });
  assert.equal(await deleteSession(url, id), 404);
  const reopened = await fetch(`${url}/sse`, { headers: { "x-session-id": id } });
  assert.equal(reopened.status, 404);
  await reopened.body?.cancel();
});

interface Curled {
  status: number;
  answer: Json;
}

/** Really runs curl. */
async function curl(url: string, message: Json): Promise<Curled> {
  const command = new Deno.Command("curl", {
    args: [
      ...["--silent", "--show-error", "--max-time", "20", "--noproxy", "*"],
      ...["--write-out", "\n%{http_code}", "--header", "content-type: application/json"],
      ...["--data-binary", JSON.stringify(message), url],
    ],
  });
  const { code, stdout, stderr } = await command.output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  const text = new TextDecoder().decode(stdout);
  const end = text.lastIndexOf("\n");
  return { status: Number(text.slice(end + 1)), answer: JSON.parse(text.slice(0, end)) };
}

function request(id: unknown, method: string, params?: Json): Json {
  return { jsonrpc: "2.0", id, method, params };
}

function tool(id: unknown, name: string, args: Json = {}): Json {
  return request(id, "tools/call", { name, arguments: args });
}

function rpc(url: string, message: Json, session?: string) {
  const headers: Record<string, string> = session === undefined ? {} : { "x-session-id": session };
  return postJson(`${url}/rpc/misbehaving`, message, { headers });
}

/** Calls a tool in a session of its own and gives its text. Fails when there is none. */
async function tell(url: string, name: string, args: Json): Promise<string> {
  return textOf(await rpc(url, tool("told", name, args)));
}

/** A session's id, as a client gets it. */
async function lightSession(url: string): Promise<string> {
  return (await rpc(url, request(0, "ping"))).headers.get("x-session-id")!;
}

async function openStream(
  url: string,
  id: string,
  headers: Record<string, string> = {},
): Promise<EventReader> {
  const response = await within(
    fetch(`${url}/sse`, { headers: { "x-session-id": id, ...headers } }),
    "the stream of a session",
  );
  assert.equal(response.status, 200);
  const stream = new EventReader(response);
  assert.deepEqual(await stream.next("the greeting"), {
    event: "connected",
    id: undefined,
    data: JSON.stringify({ sessionId: id }),
  });
  return stream;
}

/** A connection to the session's stream of which no more than the greeting is read. */
async function stalledStream(url: string, id: string): Promise<Deno.Conn> {
  const { hostname, port, host } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const request = `GET /sse/${id} HTTP/1.1\r\nhost: ${host}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(1024);
  for (let head = ""; !head.includes("event: connected");) {
    const count = await within(connection.read(buffer), "the greeting of the stream");
    assert.notEqual(count, null, head);
    head += decoder.decode(buffer.subarray(0, count!));
  }
  return connection;
}

/** Until the daemon knows that the session has no stream: then the answer comes in the POST. */
async function untilNoticed(url: string, id: string): Promise<void> {
  await eventually(
    async () => (await rpc(url, request(PROBE, "ping"), id)).status === 200,
    "the daemon noticing that the stream is gone",
  );
}

const PROBE = "probe";

/** What the stream brings before the answer to a call made now, without those to probes. */
async function answersBefore(
  last: string,
  { url, id, stream }: { url: string; id: string; stream: EventReader },
): Promise<Json[]> {
  assert.equal((await rpc(url, tool(last, "echo"), id)).status, 202);
  const answers: Json[] = [];
  while (true) {
    const answer = await stream.nextMessage();
    if (answer.id === last) return answers;
    if (answer.id !== PROBE) answers.push(answer);
  }
}

async function deleteSession(url: string, id: string): Promise<number> {
  const response = await fetch(`${url}/session`, {
    method: "DELETE",
    headers: { "x-session-id": id },
  });
  await response.body?.cancel();
  return response.status;
}
