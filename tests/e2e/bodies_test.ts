/**
 * Bodies that are wrong: each has the right error and status, harms nobody else, and leaves the daemon
 * serving.
 */

import assert from "node:assert/strict";
import { daemonTest } from "../fixtures/daemon.ts";
import { sessionReports } from "./support/control_plane.ts";
import { EventReader } from "./support/event_reader.ts";
import {
  errorOf,
  initialize,
  type Json,
  McpSession,
  postJson,
  textOf,
} from "./support/mcp_session.ts";
import { rawFetch, type RawRequest } from "./support/raw_http.ts";
import { misbehaving } from "./support/servers.ts";

const config = { mcpServers: { misbehaving: misbehaving() } };

const utf8 = new TextEncoder();
const MIB = 1024 * 1024;
const PARSE_ERROR = { code: -32700, reason: "parse_error" };
const INVALID = { code: -32600, reason: "invalid_request" };

/** A body nobody should send, and what comes back. */
interface BadBody extends Partial<RawRequest> {
  body: string | Uint8Array;
  status: number;
  error: { code: number; reason: string };
  /** Id of the answer. Default null. */
  id?: Json;
}

const call = (id: string, more = "") =>
  `{"jsonrpc":"2.0","id":${id},"method":"tools/call",` +
  `"params":{"name":"echo","arguments":{"text":"mine"}}${more}}`;

/** A call that is right but for these bytes inside of its text. */
function withBytes(...bytes: number[]): Uint8Array {
  const [head, tail] = call("1").split("mine");
  return Uint8Array.of(...utf8.encode(head), ...bytes, ...utf8.encode(tail));
}

const BAD: Record<string, Record<string, BadBody>> = {
  "an id of a wrong type": {
    "an id that is null": { body: call("null"), status: 400, error: INVALID },
    "an id that is true": { body: call("true"), status: 400, error: INVALID },
    "an id that is an object": { body: call('{"id":1}'), status: 400, error: INVALID },
    "an id that is an array": { body: call("[1]"), status: 400, error: INVALID },
  },
  "a batch": {
    "an empty batch": { body: "[]", status: 400, error: INVALID },
    "a batch of one": { body: `[${call("1")}]`, status: 400, error: INVALID },
    "a batch of many": {
      body: `[${call("1")},${call("2")},${call("3")}]`,
      status: 400,
      error: INVALID,
    },
  },
  "JSON that is no message": {
    "a number": { body: "42", status: 400, error: INVALID },
    "null": { body: "null", status: 400, error: INVALID },
    "a string": { body: '"tools/list"', status: 400, error: INVALID },
    "no version": { body: '{"id":1,"method":"tools/list"}', status: 400, error: INVALID, id: 1 },
    "another version": {
      body: '{"jsonrpc":"1.0","id":"a","method":"tools/list"}',
      status: 400,
      error: INVALID,
      id: "a",
    },
    "a method that is a number": {
      body: '{"jsonrpc":"2.0","id":1,"method":5}',
      status: 400,
      error: INVALID,
      id: 1,
    },
    "params that are a list": {
      body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[1]}',
      status: 400,
      error: INVALID,
      id: 1,
    },
    "neither question nor answer": {
      body: '{"jsonrpc":"2.0","id":1}',
      status: 400,
      error: INVALID,
      id: 1,
    },
  },
  "an answer to a question never asked": {
    "a result": {
      body: '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}',
      status: 400,
      error: INVALID,
    },
    "an error": {
      body: '{"jsonrpc":"2.0","id":"held","error":{"code":1,"message":"no"}}',
      status: 400,
      error: INVALID,
    },
  },
  "text that is not JSON": {
    "a word": { body: "hello", status: 400, error: PARSE_ERROR },
    "nothing": { body: "", status: 400, error: PARSE_ERROR },
    "half a message": { body: call("1").slice(0, 60), status: 400, error: PARSE_ERROR },
    "two messages": { body: `${call("1")}\n${call("2")}`, status: 400, error: PARSE_ERROR },
    "an id without quotes": { body: call("abc"), status: 400, error: PARSE_ERROR },
  },
  "bytes that are not UTF-8": {
    "bytes of no character": { body: withBytes(0xff, 0xc3), status: 400, error: PARSE_ERROR },
    "without a length": {
      body: withBytes(0xff, 0xc3),
      chunked: true,
      status: 400,
      error: PARSE_ERROR,
    },
    // As long as the replacement character that a lenient reader puts in their place.
    "three bytes of four": { body: withBytes(0xf0, 0x9f, 0xa6), status: 400, error: PARSE_ERROR },
    "a surrogate": { body: withBytes(0xed, 0xa0, 0x80), status: 400, error: PARSE_ERROR },
    "an overlong slash": { body: withBytes(0xc0, 0xaf), status: 400, error: PARSE_ERROR },
  },
  "longer than the limit": {
    "5 MiB": { body: call(`"${"x".repeat(5 * MIB)}"`), status: 413, error: INVALID },
    "5 MiB without a length": {
      body: call(`"${"x".repeat(5 * MIB)}"`),
      chunked: true,
      status: 413,
      error: INVALID,
    },
  },
  "of another type than JSON": {
    "a form": {
      body: "id=1&method=tools/list",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      status: 415,
      error: INVALID,
    },
    "JSON called text": {
      body: call("1"),
      headers: { "content-type": "text/plain" },
      status: 415,
      error: INVALID,
    },
    "JSON without a type": {
      body: call("1"),
      headers: { "content-type": undefined },
      status: 415,
      error: INVALID,
    },
  },
};

for (const [kind, bodies] of Object.entries(BAD)) {
  daemonTest(
    `a body that is ${kind} is refused by its status and touches nobody`,
    { config },
    async ({ url }) => {
      await using bystander = await Bystander.begin(url);
      for (const [what, { status, error, id = null, ...bad }] of Object.entries(bodies)) {
        for (const { path, headers } of await addresses(url)) {
          const response = await rawFetch(url, {
            path,
            ...bad,
            headers: { accept: "application/json, text/event-stream", ...headers, ...bad.headers },
          });
          const where = `${what} at ${path}`;
          assert.deepEqual([where, response.status], [where, status]);
          const answer = JSON.parse(response.text);
          assert.deepEqual([where, answer.jsonrpc, answer.id], [where, "2.0", id]);
          assert.deepEqual([where, errorOf({ answer })], [where, error]);
          await stillServes(url);
        }
      }
      await bystander.isUntouched();
    },
  );
}

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

daemonTest("text of any characters goes through unchanged", { config }, async ({ url }) => {
  const texts = [
    "\uFFFD",
    "\uFFFD\uFFFD 🦉",
    "\uFEFF",
    "\u0000\u001f\u007f\u0085",
    "é\u0301 \u2028 \u202e",
  ];
  for (const text of [...texts, JSON.stringify(texts)]) {
    const body = call("1").replace('"mine"', () => JSON.stringify(text));
    for (const chunked of [false, true]) {
      const response = await rawFetch(url, { path: "/rpc/misbehaving", body, chunked });
      assert.equal(response.status, 200);
      assert.equal(textOf({ answer: JSON.parse(response.text) }), text);
    }
  }
});

daemonTest(
  "an id comes back as it was written, whatever its type and size",
  { config },
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
    await rpc(call('"first"'));
    await using stream = new EventReader(await fetch(`${url}/sse`, { headers }));
    await stream.next("the greeting");
    const hold = `{"jsonrpc":"2.0","id":1,${
      TAIL.replace("echo", "hold").replace('"text"', '"key":"k","text"')
    }}`;
    assert.equal((await rpc(hold)).status, 202);
    const second = await rpc(hold);
    assert.deepEqual([second.status, second.answer.id], [400, 1]);
    assert.equal((await rpc(call('"sentinel"'))).status, 202);
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

const DEPTH = 200_000;
const deep = (inside: string) => "[".repeat(DEPTH) + inside + "]".repeat(DEPTH);

for (const [what, inside] of [["text", '"x"'], ["a long number", "12345678901234567890"]]) {
  daemonTest(
    `params nested 200,000 deep around ${what} are passed on or refused, and the daemon lives`,
    { config },
    async ({ url }) => {
      await using bystander = await Bystander.begin(url);
      const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":` +
        `{"name":"echo","arguments":{"text":${deep(inside)}}}}`;
      for (const { path, headers } of await addresses(url)) {
        const outcome = await postJson(url + path, body, { headers });
        if (outcome.answer.error === undefined) assert.equal(textOf(outcome), "not a text");
        else assert.deepEqual([path, errorOf(outcome)], [path, INVALID]);
        await stillServes(url);
      }
      await bystander.isUntouched();
    },
  );
}

daemonTest("a client whose name is nested too deeply does not spoil the list of sessions", {
  config,
}, async (daemon) => {
  const nested = JSON.stringify(initialize("2025-11-25", "NAME")).replace(
    '"NAME"',
    `{"name":${deep("1")}}`,
  );
  await postJson(`${daemon.url}/mcp/misbehaving`, nested);
  const session = await McpSession.begin({ url: daemon.url, server: "misbehaving" });
  const reports = await sessionReports(daemon);
  assert.ok(reports.some(({ id }) => id === session.id));
});

daemonTest(
  "a body that breaks off is nobody's problem but its sender's",
  { config },
  async ({ url }) => {
    await using bystander = await Bystander.begin(url);
    for (const { path, headers } of await addresses(url)) {
      const request = { path, body: call("1").slice(0, 50), hangUp: true };
      for (const lie of [{ "content-length": "4000000" }, { "transfer-encoding": "chunked" }]) {
        // There may be a refusal or only a closed connection: its sender is gone.
        await rawFetch(url, { ...request, headers: { ...headers, ...lie } }).catch(() => {});
      }
      await stillServes(url);
    }
    await bystander.isUntouched();
  },
);

daemonTest("curl and fetch learn that 5 MiB are too much, instead of a broken connection", {
  config,
}, async ({ url, home }) => {
  const file = `${home}/body.json`;
  const body = call(`"${"x".repeat(5 * MIB)}"`);
  await Deno.writeTextFile(file, body);
  for (const chunked of [false, true]) {
    const { code, stdout } = await new Deno.Command("curl", {
      args: [
        ...["--silent", "--max-time", "20", "--noproxy", "*", "--output", `${home}/answer.json`],
        ...["--write-out", "%{http_code}", "--header", "content-type: application/json"],
        ...(chunked ? ["--header", "transfer-encoding: chunked"] : []),
        ...["--data-binary", `@${file}`, `${url}/rpc/misbehaving`],
      ],
    }).output();
    assert.deepEqual([code, new TextDecoder().decode(stdout)], [0, "413"]);
    const answer = JSON.parse(await Deno.readTextFile(`${home}/answer.json`));
    assert.deepEqual(errorOf({ answer }), INVALID);
    const stream = ReadableStream.from([utf8.encode(body)]);
    const outcome = await fetch(`${url}/rpc/misbehaving`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: chunked ? stream : body,
    });
    assert.equal(outcome.status, 413);
    assert.deepEqual(errorOf({ answer: await outcome.json() }), INVALID);
    if (!chunked) await stream.cancel();
  }
});

daemonTest("a body as long as the limit passes, and one byte more does not", {
  config: { ...config, server: { limits: { maxBodyBytes: 1000 } } },
}, async ({ url }) => {
  for (const [length, status] of [[1000, 200], [1001, 413]]) {
    const body = call("1").padEnd(length, " ");
    for (const chunked of [false, true]) {
      const response = await rawFetch(url, { path: "/rpc/misbehaving", body, chunked });
      assert.equal(response.status, status, `${length} bytes, chunked: ${chunked}`);
    }
  }
});

/** The end of a call of `echo`. */
const TAIL = `"method":"tools/call","params":{"name":"echo","arguments":{"text":"mine"}}`;

/** Every address that takes a JSON-RPC message, with the headers of a session where it needs one. */
async function addresses(
  url: string,
): Promise<{ path: string; headers: Record<string, string> }[]> {
  const one = await McpSession.begin({ url, server: "misbehaving" });
  return [
    { path: "/mcp/misbehaving", headers: one.headers },
    { path: "/rpc/misbehaving", headers: {} },
    { path: "/mcp/misbehaving/command", headers: {} },
  ];
}

async function stillServes(url: string): Promise<void> {
  const { status, answer } = await postJson(`${url}/rpc/misbehaving`, call('"alive"'));
  assert.deepEqual([status, answer.id, textOf({ answer })], [200, "alive", "mine"]);
}

/** Another client at the same server, with calls in flight and an open stream. */
class Bystander implements AsyncDisposable {
  readonly #session: McpSession;
  readonly #stream: EventReader;
  readonly #held: Promise<Json>[];

  private constructor(session: McpSession, stream: EventReader, held: Promise<Json>[]) {
    this.#session = session;
    this.#stream = stream;
    this.#held = held;
  }

  static async begin(url: string): Promise<Bystander> {
    const session = await McpSession.begin({ url, server: "misbehaving" });
    const stream = await session.openStream();
    const held = BYSTANDER_IDS.map((id) =>
      session.call(id, "hold", { key: "b", text: `held ${id}` })
    );
    await session.tell("waiting", { key: "b", count: held.length });
    return new Bystander(session, stream, held);
  }

  /** Its calls are in flight still, get their own answers, and nothing came on its stream. */
  async isUntouched(): Promise<void> {
    const released = await this.#session.tell("release", { key: "b" });
    assert.equal(released, String(BYSTANDER_IDS.length));
    for (const [index, outcome] of (await Promise.all(this.#held)).entries()) {
      assert.equal(outcome.status, 200);
      assert.equal(outcome.answer.id, BYSTANDER_IDS[index]);
      assert.equal(textOf(outcome), `held ${BYSTANDER_IDS[index]}`);
      assert.deepEqual(outcome.notifications, []);
    }
    await this.#session.tell("change");
    const { method } = await this.#stream.nextMessage();
    assert.equal(method, "notifications/tools/list_changed");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stream[Symbol.asyncDispose]();
  }
}

/** Ids that the bad bodies use as well. */
const BYSTANDER_IDS = [1, 2, "1", "held", 77];
