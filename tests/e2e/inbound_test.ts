/**
 * One suite for every way into the daemon: the same promises, whatever the wire.
 */

import assert from "node:assert/strict";
import { DaemonFixture } from "../fixtures/daemon.ts";
import { stillServes } from "./support/bystander.ts";
import { InboundClient, text, type Transport, TRANSPORTS } from "./support/inbound_clients.ts";
import type { Json } from "./support/mcp_session.ts";
import { asking, misbehaving } from "./support/servers.ts";
import { eventually } from "./support/within.ts";

const MAX_BODY = 256 * 1024;

const config = {
  server: { tcpPort: 0, limits: { maxBodyBytes: MAX_BODY } },
  mcpServers: { misbehaving: misbehaving(), asking: asking() },
};

/** What is promised. Each begins with clients of its own, at a daemon that all before it have used. */
const PROMISES: Record<string, (bench: Bench) => Promise<void>> = {
  async "lists and calls"({ begin, transport }) {
    await using client = await begin();
    const list = await client.ask({ jsonrpc: "2.0", id: "list", method: "tools/list" });
    const names = list.result.tools.map((tool: Json) => tool.name);
    assert.ok(names.includes(transport.tool?.("echo", "misbehaving") ?? "echo"), names.join(", "));
    for (const id of [0, 7, "7", "", "ünï 🦉", -1]) {
      const said = `héllo ${JSON.stringify(id)}`;
      assert.equal(text(await client.call(id, "echo", { text: said })), said);
    }
    const unknown = await client.call("u", "no such tool");
    assert.equal(unknown.error.code, -32602);
  },

  async "gives each of two clients its own answers under the same ids"({ begin }) {
    await using a = await begin();
    await using b = await begin();
    const key = crypto.randomUUID();
    await a.send(a.toolCall(1, "hold", { key, text: "a's" }));
    await b.send(b.toolCall(1, "hold", { key, text: "b's" }));
    await a.tell("waiting", { key, count: 2 });
    assert.equal(await b.tell("release", { key }), "2");
    assert.deepEqual([text(await a.answer(1)), text(await b.answer(1))], ["a's", "b's"]);
    assert.deepEqual([a.inbox.all, b.inbox.all], [[], []]);
  },

  async "brings progress in order, before the answer"({ begin }) {
    await using client = await begin();
    const steps = 20;
    const _meta = { progressToken: "mine" };
    const answer = await client.call("p", "progress", { steps, text: "on" }, { _meta });
    assert.equal(text(answer), "on");
    const progress = client.inbox.all.map(({ method, params }) => [method, params.progress]);
    const expected = Array.from({ length: steps }, (_, at) => ["notifications/progress", at + 1]);
    assert.deepEqual(progress, expected);
  },

  async "cancels"({ begin }) {
    await using client = await begin();
    const key = crypto.randomUUID();
    await client.send(client.toolCall("c", "hold", { key, text: "too late" }));
    await client.tell("waiting", { key, count: 1 });
    const params = { requestId: "c", reason: "enough" };
    await client.send({ jsonrpc: "2.0", method: "notifications/cancelled", params });
    const answer = await client.answer("c");
    assert.equal(answer.error.data.reason, "cancelled");
    await client.tell("release", { key });
    assert.equal(await client.tell("echo", { text: "on" }), "on");
  },

  async "brings a question of the server's, and the answer back"({ daemon, transport }) {
    if (transport.noHandshake) return; // Nobody has said that it can be asked.
    await using client = await InboundClient.begin(transport, daemon, {
      server: "asking",
      capabilities: { elicitation: {} },
    });
    await client.send(client.toolCall("q", "ask", { for: "me" }));
    const question = await client.inbox.take(
      ({ method }) => method === "elicitation/create",
      "the question",
    );
    assert.equal(question.params.message, "me");
    const result = { action: "accept", content: { answer: "42" } };
    await client.send({ jsonrpc: "2.0", id: question.id, result });
    assert.deepEqual(JSON.parse(text(await client.answer("q"))), { result });
  },

  async "tells everybody that the tools changed"({ begin }) {
    await using a = await begin();
    await using b = await begin();
    // Whoever was answered is there to hear.
    await b.tell("echo", { text: "here" });
    await a.tell("change");
    for (const client of [a, b]) {
      await client.inbox.take(
        ({ method }) => method === "notifications/tools/list_changed",
        "the news that the tools changed",
      );
    }
  },

  async "says that there is no such server"({ daemon, transport }) {
    if (transport.unknownServer === "never") return;
    if (transport.unknownServer === undefined) {
      await assert.rejects(InboundClient.open(transport, daemon, "nobody"));
      return;
    }
    await using client = await InboundClient.open(transport, daemon, "nobody");
    await client.send({ jsonrpc: "2.0", id: 1, method: "initialize", params: {} });
    const answer = await client.inbox.take(() => true, "an error");
    assert.match(answer.error.message, /"nobody"/);
  },

  async "answers what is no message with an error, and serves on"({ begin, daemon, transport }) {
    for (
      const [bad, code] of [
        ['{"jsonrpc":"2.0","id":1,', -32700],
        ["[]", -32600],
        ['{"jsonrpc":"1.0","id":5,"method":"ping"}', -32600],
        ['"text"', -32600],
      ] as const
    ) {
      await using client = await begin();
      await client.send(bad);
      const { error } = await client.inbox.take((message) => "error" in message, `error of ${bad}`);
      assert.equal(error.code, code, bad);
      if (transport.endsAtBadText) await client.inbox.untilEnd(`the end after ${bad}`);
      else assert.equal(await client.tell("echo", { text: "on" }), "on");
    }
    await stillServes(daemon.url);
  },

  async "refuses a message that is too long, and it alone"({ begin, daemon, transport }) {
    await using client = await begin();
    const fits = "x".repeat(MAX_BODY - 1000);
    assert.equal(await client.tell("echo", { text: fits }), fits);
    await client.send(client.toolCall("long", "echo", { text: "x".repeat(MAX_BODY) }));
    if (transport.name === "WebSocket") await client.inbox.untilEnd("the close of the socket");
    else {
      const { error } = await client.inbox.take((message) => "error" in message, "the error");
      assert.match(error.message, /longer than|too long/);
    }
    await stillServes(daemon.url);
  },

  async "outlives bytes that mean nothing"({ begin, daemon, transport }) {
    const bytes = [
      Uint8Array.of(0xff, 0xfe, 0x0a, 0xc3, 0x28, 0x0a),
      new TextEncoder().encode('{"jsonrpc":"2.0","id":1,"method":"tools/call","par'),
      new Uint8Array(100_000),
      crypto.getRandomValues(new Uint8Array(50_000)),
      new TextEncoder().encode("POST / HTTP/1.1\r\nHost: x\r\n\r\n"),
    ];
    for (const piece of bytes) {
      await using client = await begin();
      await client.sendBytes(piece);
      await client.cut();
    }
    await stillServes(daemon.url);
    await using after = await begin();
    assert.equal(await after.tell("echo", { text: transport.name }), transport.name);
  },

  async "leaves nothing of a client that is gone in the middle of a call"(
    { begin, daemon, transport },
  ) {
    await using other = await begin();
    const key = crypto.randomUUID();
    const gone = await begin();
    await gone.send(gone.toolCall("gone", "hold", { key, text: "for nobody" }));
    await other.tell("waiting", { key, count: 1 });
    const before = await sessionsOf(daemon);
    await gone.cut();
    if (transport.endsWithConnection) {
      await eventually(
        async () => await sessionsOf(daemon) === before - 1,
        "the end of the session",
      );
    }
    assert.equal(await other.tell("release", { key }), "1");
    assert.equal(await other.tell("echo", { text: "on" }), "on");
    assert.deepEqual(other.inbox.all, []);
  },

  // The last one: it ends the daemon.
  async "answers a call that the end of the daemon meets, and refuses the next"({ begin, daemon }) {
    await using client = await begin();
    const key = crypto.randomUUID();
    await client.send(client.toolCall("held", "hold", { key, text: "held" }));
    await client.tell("waiting", { key, count: 1 });
    await shutDown(daemon);
    const { error } = await client.answer("held");
    assert.equal(error.data.reason, "draining");
  },
};

interface Bench {
  daemon: DaemonFixture;
  transport: Transport;
  /** A new client that has initialized. */
  begin(): Promise<InboundClient>;
}

for (const transport of TRANSPORTS) {
  Deno.test(`${transport.name}: everything that is promised of every way in`, async (t) => {
    await using daemon = await DaemonFixture.start({
      referee: { judges: "only ours", because: "every client also says what is no message" },
      config,
    });
    const begin = () => InboundClient.begin(transport, daemon);
    for (const [name, promise] of Object.entries(PROMISES)) {
      const held = await t.step(name, () => promise({ daemon, transport, begin }));
      if (!held) console.error(`--- log of the daemon\n${daemon.log(40)}\n---`);
    }
  });
}

/** Sessions that the daemon has, those of nobody included. */
async function sessionsOf(daemon: DaemonFixture): Promise<number> {
  const response = await fetch(`${daemon.url}/sessions`, {
    headers: { authorization: `Bearer ${daemon.token}` },
  });
  return (await response.json()).sessions.length;
}

async function shutDown(daemon: DaemonFixture): Promise<void> {
  const response = await fetch(`${daemon.url}/shutdown?hurry`, {
    method: "POST",
    headers: { authorization: `Bearer ${daemon.token}` },
  });
  await response.body?.cancel();
  assert.equal(response.status, 202);
}
