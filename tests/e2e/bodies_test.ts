/**
 * Bodies that are wrong: each has the right error and status, harms nobody else, and leaves the daemon
 * serving.
 */

import assert from "node:assert/strict";
import { daemonTest } from "../fixtures/daemon.ts";
import { addresses, Bystander, config, echoCall, stillServes } from "./support/bystander.ts";
import { sessionReports } from "./support/control_plane.ts";
import {
  errorOf,
  initialize,
  type Json,
  McpSession,
  postJson,
  textOf,
} from "./support/mcp_session.ts";
import { rawFetch, type RawRequest } from "./support/raw_http.ts";

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

/** A call that is right but for these bytes inside of its text. */
function withBytes(...bytes: number[]): Uint8Array {
  const [head, tail] = echoCall("1").split("mine");
  return Uint8Array.of(...utf8.encode(head), ...bytes, ...utf8.encode(tail));
}

const BAD: Record<string, Record<string, BadBody>> = {
  "an id of a wrong type": {
    "an id that is null": { body: echoCall("null"), status: 400, error: INVALID },
    "an id that is true": { body: echoCall("true"), status: 400, error: INVALID },
    "an id that is an object": { body: echoCall('{"id":1}'), status: 400, error: INVALID },
    "an id that is an array": { body: echoCall("[1]"), status: 400, error: INVALID },
  },
  "a batch": {
    "an empty batch": { body: "[]", status: 400, error: INVALID },
    "a batch of one": { body: `[${echoCall("1")}]`, status: 400, error: INVALID },
    "a batch of many": {
      body: `[${echoCall("1")},${echoCall("2")},${echoCall("3")}]`,
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
    "half a message": { body: echoCall("1").slice(0, 60), status: 400, error: PARSE_ERROR },
    "two messages": { body: `${echoCall("1")}\n${echoCall("2")}`, status: 400, error: PARSE_ERROR },
    "an id without quotes": { body: echoCall("abc"), status: 400, error: PARSE_ERROR },
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
    "5 MiB": { body: echoCall(`"${"x".repeat(5 * MIB)}"`), status: 413, error: INVALID },
    "5 MiB without a length": {
      body: echoCall(`"${"x".repeat(5 * MIB)}"`),
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
      body: echoCall("1"),
      headers: { "content-type": "text/plain" },
      status: 415,
      error: INVALID,
    },
    "JSON without a type": {
      body: echoCall("1"),
      headers: { "content-type": undefined },
      status: 415,
      error: INVALID,
    },
  },
};

for (const [kind, bodies] of Object.entries(BAD)) {
  daemonTest(
    `a body that is ${kind} is refused by its status and touches nobody`,
    { referee: { judges: "only ours", because: "the bodies are wrong on purpose" }, config },
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

daemonTest("text of any characters goes through unchanged", { config }, async ({ url }) => {
  const texts = [
    "\uFFFD",
    "\uFFFD\uFFFD 🦉",
    "\uFEFF",
    "\u0000\u001f\u007f\u0085",
    "é\u0301 \u2028 \u202e",
  ];
  for (const text of [...texts, JSON.stringify(texts)]) {
    const body = echoCall("1").replace('"mine"', () => JSON.stringify(text));
    for (const chunked of [false, true]) {
      const response = await rawFetch(url, { path: "/rpc/misbehaving", body, chunked });
      assert.equal(response.status, 200);
      assert.equal(textOf({ answer: JSON.parse(response.text) }), text);
    }
  }
});

const DEPTH = 200_000;
const deep = (inside: string) => "[".repeat(DEPTH) + inside + "]".repeat(DEPTH);

for (const [what, inside] of [["text", '"x"'], ["a long number", "12345678901234567890"]]) {
  daemonTest(
    `params nested 200,000 deep around ${what} are refused, and reach no server`,
    { config },
    async ({ url }) => {
      await using bystander = await Bystander.begin(url);
      const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":` +
        `{"name":"echo","arguments":{"text":${deep(inside)}}}}`;
      for (const { path, headers } of await addresses(url)) {
        const outcome = await postJson(url + path, body, { headers });
        assert.deepEqual([path, errorOf(outcome)], [path, INVALID]);
        await stillServes(url);
      }
      await bystander.isUntouched();
    },
  );
}

daemonTest("a client whose name is nested too deeply does not spoil the list of sessions", {
  referee: { judges: "only ours", because: "the client sends a name that is none" },
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
      const request = { path, body: echoCall("1").slice(0, 50), hangUp: true };
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
  referee: { judges: "only ours", because: "what is too long is not read to its end" },
  config,
}, async ({ url, home }) => {
  const file = `${home}/body.json`;
  const body = echoCall(`"${"x".repeat(5 * MIB)}"`);
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
  referee: { judges: "only ours", because: "what is too long is not read to its end" },
  config: { ...config, server: { limits: { maxBodyBytes: 1000 } } },
}, async ({ url }) => {
  for (const [length, status] of [[1000, 200], [1001, 413]]) {
    const body = echoCall("1").padEnd(length, " ");
    for (const chunked of [false, true]) {
      const response = await rawFetch(url, { path: "/rpc/misbehaving", body, chunked });
      assert.equal(response.status, status, `${length} bytes, chunked: ${chunked}`);
    }
  }
});
