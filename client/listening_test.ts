import assert from "node:assert/strict";

import { AichakuClient, type ServerNotification } from "./mod.ts";
import { startDaemon } from "./testdata/daemon.ts";
import { TempDir } from "./testdata/fixtures.ts";

/** A queue that can be waited for. */
class Heard {
  readonly #items: unknown[] = [];
  #wake = () => {};

  readonly take = ({ params }: ServerNotification) => {
    this.#items.push(params.n);
    this.#wake();
  };

  async next(): Promise<unknown> {
    while (this.#items.length === 0) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return this.#items.shift();
  }
}

function news(n: number) {
  return { jsonrpc: "2.0", method: "notifications/news", params: { n } };
}

Deno.test("listening: what the server says outside of calls is heard, and its requests answered", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  const heard = new Heard();
  await using client = new AichakuClient({
    home: home.path,
    server: "tester",
    handlers: { roots: [{ uri: "file:///a" }] },
    onNotification: heard.take,
  });
  await client.connect();
  await daemon.say(client.sessionId!, news(1), { jsonrpc: "2.0", id: "x", method: "roots/list" });
  assert.equal(await heard.next(), 1);
  const { headers } = await daemon.sees("(response)");
  assert.equal(headers.get("mcp-session-id"), client.sessionId);
});

Deno.test("listening: a stream that breaks is opened again where it broke off", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  const heard = new Heard();
  await using client = new AichakuClient({
    home: home.path,
    server: "tester",
    onNotification: heard.take,
  });
  await client.connect();
  await daemon.say(client.sessionId!, news(1), news(2));
  assert.deepEqual([await heard.next(), await heard.next()], [1, 2]);
  daemon.breakStreams();
  await daemon.say(client.sessionId!, news(3));
  assert.equal(await heard.next(), 3);
  const streams = daemon.seen.filter(({ verb, path }) => verb === "GET" && path !== "/health");
  assert.deepEqual(streams.map(({ headers }) => headers.get("last-event-id")), [null, "2"]);
});

Deno.test("listening: a client without handlers opens no stream", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  await using client = new AichakuClient({ home: home.path, server: "tester" });
  await client.listTools();
  assert.ok(!daemon.seen.some(({ verb, path }) => verb === "GET" && path !== "/health"));
});

Deno.test("listening: a session that the daemon forgot is begun anew without a call", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  const heard = new Heard();
  await using client = new AichakuClient({
    home: home.path,
    server: "tester",
    onNotification: heard.take,
  });
  await client.connect();
  const first = client.sessionId!;
  await daemon.say(first, news(1));
  assert.equal(await heard.next(), 1);
  const again = Promise.withResolvers<void>();
  daemon.behaviour.intercept = (_request, message) => {
    if (message?.method === "notifications/initialized") again.resolve();
  };
  daemon.sessions.clear();
  daemon.breakStreams();
  await again.promise;
  const [second] = daemon.sessions.keys();
  assert.notEqual(second, first);
  await daemon.say(second, news(2));
  assert.equal(await heard.next(), 2);
});

Deno.test("listening: a daemon that offers no stream is used without one", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  daemon.behaviour.intercept = (request) =>
    request.method === "GET" && !request.url.includes("/health")
      ? new Response(null, { status: 405 })
      : undefined;
  await using client = new AichakuClient({
    home: home.path,
    server: "tester",
    onNotification() {},
  });
  assert.equal((await client.callTool("echo", { message: "x" })).content[0].text, "x");
  assert.equal((await client.callTool("echo", { message: "y" })).content[0].text, "y");
});
