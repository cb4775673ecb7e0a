/**
 * JSON-RPC ids are the clients' own: they come back as they were written, and two of them never meet.
 */

import assert from "node:assert/strict";
import { daemonTest } from "../fixtures/daemon.ts";
import { addresses, Bystander, config, echoCall, TAIL } from "./support/bystander.ts";
import { EventReader } from "./support/event_reader.ts";
import { errorOf, type Json, McpSession, postJson, textOf } from "./support/mcp_session.ts";
import { rawFetch } from "./support/raw_http.ts";

const INVALID = { code: -32600, reason: "invalid_request" };

daemonTest(
  "a body with two ids never takes the answer of another client's call",
  { config },
  async ({ url }) => {
    await using bystander = await Bystander.begin(url);
    const twice = [
      `{"jsonrpc":"2.0","id":77,${TAIL},"id":1}`,
      `{"id":1,"jsonrpc":"2.0","id":77,${TAIL}}`,
      `{"jsonrpc":"2.0","id":77,"\\u0069d":1,${TAIL}}`,
      `{"jsonrpc":"2.0","id":1,"id":1,${TAIL}}`,
      `{"jsonrpc":"2.0","id":77,${TAIL},"id":"held"}`,
      `{"jsonrpc":"2.0","id":77,"method":"ping","method":"tools/call",${TAIL.slice(22)},"id":1}`,
    ];
    for (const { path, headers } of await addresses(url)) {
      for (const body of twice) {
        const { status, text } = await rawFetch(url, {
          path,
          body,
          headers: { accept: "application/json, text/event-stream", ...headers },
        });
        // The last of equal keys counts, as for every JSON parser.
        const expected = JSON.parse(body).id;
        assert.deepEqual([path, status], [path, 200]);
        const answer = JSON.parse(text);
        assert.deepEqual([path, answer.id, textOf({ answer })], [path, expected, "mine"]);
      }
    }
    await bystander.isUntouched();
  },
);

daemonTest(
  "an id comes back as it was written, whatever its type and size",
  { referee: { judges: "only ours", because: "fractions are no ids of MCP" }, config },
  async ({ url }) => {
    const session = await McpSession.begin({ url, server: "misbehaving" });
    const numbers = [
      "0",
      "-1",
      "1.5",
      "12345678901234567890",
      "-98765432109876543210",
      "1e3",
      "5E-1",
    ];
    const texts = [
      "",
      "1",
      '"',
      "\\\\",
      "\n\t\u0000",
      "🦉",
      "\u2028",
      "\ud800",
      "x".repeat(10_000),
      "__proto__",
    ];
    const ids = [...numbers, ...texts.map((text) => JSON.stringify(text))];
    // All of them at once, so that none can be taken for another.
    const outcomes = await Promise.all(ids.map(async (id) => {
      const body = `{"jsonrpc":"2.0","id":${id},${
        TAIL.replace("mine", "call " + ids.indexOf(id))
      }}`;
      const headers = { accept: "application/json", ...session.headers };
      return await rawFetch(url, { path: "/mcp/misbehaving", body, headers });
    }));
    for (const [index, { status, text }] of outcomes.entries()) {
      assert.equal(status, 200);
      assert.ok(text.includes(`"id":${ids[index]}`), `${ids[index]} became ${text.slice(0, 200)}`);
      assert.equal(textOf({ answer: JSON.parse(text) }), `call ${index}`);
    }
  },
);

daemonTest(
  "an id still in flight in the same session is refused, and the call goes on",
  { config },
  async ({ url }) => {
    const session = await McpSession.begin({ url, server: "misbehaving" });
    const light = crypto.randomUUID();
    const rpc = (message: Json) =>
      postJson(`${url}/rpc/misbehaving`, message, { headers: { "x-session-id": light } });
    const hold = (text: string) => ({
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name: "hold", arguments: { key: "k", text } },
    });
    const first = session.post(hold("of the session"));
    const over = rpc(hold("over rpc"));
    await session.tell("waiting", { key: "k", count: 2 });

    for (const second of [await session.post(hold("again")), await rpc(hold("again"))]) {
      assert.deepEqual([second.status, second.answer.id], [400, 1]);
      assert.deepEqual(errorOf(second), INVALID);
      assert.match(second.answer.error.message, /id 1 is still in flight/);
    }
    // The text "1" is another id than the number 1.
    assert.equal(textOf(await session.call("1", "echo", { text: "other" })), "other");
    assert.equal(await session.tell("release", { key: "k" }), "2");
    assert.equal(textOf(await first), "of the session");
    assert.equal(textOf(await over), "over rpc");
    // Answered, the id is free again.
    assert.equal(textOf(await session.call(1, "echo", { text: "free" })), "free");
  },
);

daemonTest(
  "an id still in flight is refused by its POST while a stream is open, too",
  { config },
  async ({ url }) => {
    const light = crypto.randomUUID();
    const headers = { "x-session-id": light };
    const rpc = (body: string) => postJson(`${url}/rpc/misbehaving`, body, { headers });
    await rpc(echoCall('"first"'));
    await using stream = new EventReader(await fetch(`${url}/sse`, { headers }));
    await stream.next("the greeting");
    const hold = `{"jsonrpc":"2.0","id":1,${
      TAIL.replace("echo", "hold").replace('"text"', '"key":"k","text"')
    }}`;
    assert.equal((await rpc(hold)).status, 202);
    const second = await rpc(hold);
    assert.deepEqual([second.status, second.answer.id], [400, 1]);
    assert.equal((await rpc(echoCall('"sentinel"'))).status, 202);
    assert.equal((await stream.nextMessage()).id, "sentinel");
    await rpc(
      `{"jsonrpc":"2.0","id":2,${
        TAIL.replace("echo", "release").replace('"text"', '"key":"k","text"')
      }}`,
    );
    const answer = await stream.nextMessage();
    assert.deepEqual([answer.id, textOf({ answer })], [1, "mine"]);
  },
);
