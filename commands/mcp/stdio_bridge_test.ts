import { deepEqual, match } from "node:assert/strict";
import { within } from "../../tests/e2e/support/within.ts";
import { StdioBridge } from "./stdio_bridge.ts";

// deno-lint-ignore no-explicit-any -- messages of every shape
type Json = any;

const INITIALIZE = '{"jsonrpc":"2.0","id":"i","method":"initialize","params":{}}';

/** A daemon of HTTP alone, played by the test: what it answers to a message in a session. */
function serve(answer: (message: Json, session: string | null) => Response) {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    if (request.method !== "POST") return new Response(null, { status: 405 });
    return answer(await request.json(), request.headers.get("mcp-session-id"));
  });
}

/** The answer to `initialize`, which begins a session. */
function beginning(id: string, session: string, how: "json" | "stream" = "json"): Response {
  const result = { protocolVersion: "2025-11-25", capabilities: {}, serverInfo: {} };
  const text = JSON.stringify({ jsonrpc: "2.0", id, result });
  const isJson = how === "json";
  return new Response(isJson ? text : `: silent for long\n\ndata: ${text}\n\n`, {
    headers: {
      "content-type": isJson ? "application/json" : "text/event-stream",
      "mcp-session-id": session,
    },
  });
}

/** A client whose session is forgotten before its call. @returns what it reads, by id. */
async function callForgotten(
  answer: (message: Json, begins: number) => Response,
): Promise<Record<string, Json>> {
  const read: Record<string, Json> = {};
  const begun = Promise.withResolvers<void>();
  const called = Promise.withResolvers<void>();
  let begins = 0;
  await using daemon = serve((message, session) => {
    const { id, method } = message;
    if (method === "initialize") return answer(message, ++begins);
    if (id === undefined) return new Response(null, { status: 202 });
    if (session === "session 1") return new Response(null, { status: 404 });
    return Response.json({ jsonrpc: "2.0", id, result: { session } });
  });
  const { port } = daemon.addr;
  const reached = { url: `http://127.0.0.1:${port}`, socket: undefined, token: undefined };
  const bridge = new StdioBridge({
    reach: () => Promise.resolve(reached),
    server: "x",
    project: undefined,
    write(line) {
      const message = JSON.parse(line);
      read[message.id] = message;
      (message.id === "i" ? begun : called).resolve();
    },
    log() {},
  });
  bridge.receive(INITIALIZE);
  await begun.promise;
  bridge.receive('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  bridge.receive('{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{}}');
  await called.promise;
  await bridge.finish();
  return read;
}

Deno.test("a forgotten session is begun again at a server that takes long to start", async () => {
  const { c } = await callForgotten(({ id }, begins) =>
    beginning(id, `session ${begins}`, begins === 1 ? "json" : "stream")
  );
  deepEqual(c.result, { session: "session 2" });
});

Deno.test("so it is when the connection breaks meanwhile", async () => {
  const { c } = await callForgotten(({ id }, begins) =>
    begins === 2
      ? new Response(": it breaks off here\n\n", {
        headers: { "content-type": "text/event-stream", "mcp-session-id": "session 2" },
      })
      : beginning(id, `session ${begins}`)
  );
  deepEqual(c.result, { session: "session 3" });
});

Deno.test("a server that does not start again is told to whoever calls it", async () => {
  const { c } = await callForgotten(({ id }, begins) => {
    if (begins === 1) return beginning(id, "session 1");
    const error = { code: -32011, message: "It does not start" };
    return new Response(`data: ${JSON.stringify({ jsonrpc: "2.0", id, error })}\n\n`, {
      headers: { "content-type": "text/event-stream", "mcp-session-id": "session 2" },
    });
  });
  match(c.error.message, /refused to begin the session again.*It does not start/);
});

/** A client that is asked `aichaku-q` and answers too much. @returns what the daemon is told of it. */
async function answerTooMuch(answer: (bridge: StdioBridge) => void): Promise<Json> {
  const told = Promise.withResolvers<Json>();
  const begun = Promise.withResolvers<void>();
  const written: Json[] = [];
  await using daemon = serve((message) => {
    const { id, method, result } = message;
    if (method === "initialize") return beginning(id, "session 1");
    if (result !== undefined) {
      const error = {
        code: -32600,
        message: "It is too long",
        data: { reason: "invalid_request" },
      };
      return Response.json({ jsonrpc: "2.0", id: null, error }, { status: 413 });
    }
    told.resolve(message);
    return new Response(null, { status: 202 });
  });
  const { port } = daemon.addr;
  const reached = { url: `http://127.0.0.1:${port}`, socket: undefined, token: undefined };
  const bridge = new StdioBridge({
    reach: () => Promise.resolve(reached),
    server: "x",
    project: undefined,
    write(line) {
      written.push(JSON.parse(line));
      begun.resolve();
    },
    log() {},
  });
  bridge.receive(INITIALIZE);
  await begun.promise;
  answer(bridge);
  // In its order: behind what is told instead.
  bridge.receive('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  const first = await within(told.promise, "what the daemon is told");
  await bridge.finish();
  deepEqual(written.map(({ id }) => id), ["i"], "the client is told nothing of it");
  return first;
}

Deno.test("a server that asked is told when the answer is too long for the daemon", async () => {
  const { id, error } = await answerTooMuch((bridge) =>
    bridge.receive('{"jsonrpc":"2.0","id":"aichaku-q","result":{"text":"much"}}')
  );
  deepEqual([id, error.code], ["aichaku-q", -32600]);
  match(error.message, /^Cannot take the client's answer: It is too long/);
});

Deno.test("so it is when the answer is too long to be read", async () => {
  for (
    const ends of [
      { head: '{"jsonrpc":"2.0","id":"aichaku-q","result":{"text":"', tail: 'much"}}' },
      { head: '{"result":{"text":"', tail: 'much"},"jsonrpc":"2.0","id":"aichaku-q"}' },
    ]
  ) {
    const { id, error } = await answerTooMuch((bridge) => bridge.refuseLine(ends));
    deepEqual([id, error.code], ["aichaku-q", -32600]);
    match(error.message, /^Cannot take the client's answer: its line is too long/);
  }
});

Deno.test("a request that is too long to be read is answered under its id, where it has one", () => {
  const written: Json[] = [];
  const bridge = new StdioBridge({
    reach: () => Promise.reject(new Error("not asked for")),
    server: "x",
    project: undefined,
    write: (line) => void written.push(JSON.parse(line)),
    log() {},
  });
  const tail = 'x"}}';
  bridge.refuseLine({ head: '{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":"', tail });
  bridge.refuseLine({ head: '{"jsonrpc":"2.0","method":"m","params":{"a":"', tail });
  const message = "Cannot take the message: its line is too long";
  deepEqual(written.map(({ id, error }) => [id, error.message]), [[7, message], [null, message]]);
});
