import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { eventually, within } from "../../../tests/e2e/support/within.ts";
import { FakeClock } from "../../../tests/fixtures/fake_clock.ts";
import { createLogger } from "../../daemon/log.ts";
import { WireBench } from "../wire_suite.ts";
import { newRemoteMemory } from "./options.ts";
import { openWsWire } from "./ws_wire.ts";

const GRACE = { eofMs: 1000, termMs: 1000 };

interface SceneOptions {
  port: number;
  path?: string;
  headers?: Record<string, string>;
}

/** A wire, and a clock that the test moves. */
class Scene implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly logged: string[] = [];
  readonly bench: WireBench;

  constructor({ port, path = "/ws?key=s3cr3t", headers = {} }: SceneOptions) {
    this.bench = new WireBench((events) =>
      openWsWire({
        server: "remote",
        url: `ws://127.0.0.1:${port}${path}`,
        headers,
        clock: this.clock,
        random: () => 1,
        log: createLogger({ write: (line) => this.logged.push(line), minimum: "debug" }),
        maxServerMessageBytes: 1000,
        maxOwed: 100_000,
        memory: newRemoteMemory(),
      }, events)
    );
  }

  /** Moves the clock once something waits for it. */
  async pass(ms: number): Promise<void> {
    await eventually(() => this.clock.pending > 0, "something waiting for time to pass");
    this.clock.advance(ms);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await within(this.bench.wire.close(GRACE), "closing");
    assert.equal(this.bench.ends.length, 1);
    assert.equal(this.clock.pending, 0, "timers are left");
    assert.doesNotMatch(this.logged.join("\n"), /fault|s3cr3t/);
    assert.doesNotMatch(JSON.stringify(this.bench.ends), /s3cr3t/);
  }
}

/** A WebSocket server in the test's process. */
class Server implements AsyncDisposable {
  readonly requests: { url: string; headers: Headers }[] = [];
  readonly sockets: WebSocket[] = [];
  /** Takes the place of the handshake. */
  refusal: (() => Response) | undefined;
  /** Takes a message. Default: answers it. */
  onMessage = (text: string, socket: WebSocket): void => {
    const { id, method } = JSON.parse(text);
    socket.send(JSON.stringify({ jsonrpc: "2.0", id, result: { of: method } }));
  };
  protocol: string | undefined = "mcp";
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor({ port = 0 } = {}) {
    this.#server = Deno.serve({ port, hostname: "127.0.0.1", onListen() {} }, (request) => {
      // Copied: it cannot be looked into once it was answered.
      this.requests.push({ url: request.url, headers: new Headers(request.headers) });
      if (this.refusal !== undefined) return this.refusal();
      const { socket, response } = Deno.upgradeWebSocket(request, { protocol: this.protocol });
      socket.onmessage = ({ data }) => this.onMessage(data, socket);
      this.sockets.push(socket);
      return response;
    });
  }

  get port(): number {
    return this.#server.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

Deno.test("ws wire: the entry's headers and the subprotocol open it", async () => {
  await using server = new Server();
  await using scene = new Scene({ port: server.port, headers: { Authorization: "Bearer s3cr3t" } });
  assert.deepEqual(await scene.bench.call("tools/list"), { of: "tools/list" });
  const [{ headers, url }] = server.requests;
  assert.equal(headers.get("authorization"), "Bearer s3cr3t");
  assert.equal(headers.get("sec-websocket-protocol"), "mcp");
  assert.equal(new URL(url).search, "?key=s3cr3t");
});

Deno.test("ws wire: a refused handshake ends it with what to do", async () => {
  await using server = new Server();
  server.refusal = () => new Response("s3cr3t", { status: 401, statusText: "s3cr3t" });
  await using scene = new Scene({ port: server.port });
  const { how, stderr } = await scene.bench.end();
  assert.equal(how, "answered the WebSocket handshake with 401 Unauthorized");
  assert.match(stderr, /"headers"/);
});

Deno.test("ws wire: a server that does not speak the subprotocol ends it at once", async () => {
  await using server = new Server();
  server.protocol = undefined;
  await using scene = new Scene({ port: server.port });
  const { how } = await scene.bench.end();
  assert.match(how, /cannot be reached at ws:\/\/127\.0\.0\.1:\d+ \(Server sent no subprotocol\)/);
});

Deno.test("ws wire: a server that is away, then busy, then there: what was sent meanwhile arrives", async () => {
  const port = await freePort();
  await using scene = new Scene({ port });
  const id = scene.bench.request("tools/list");
  assert.ok(scene.bench.wire.owed > 0);
  await eventually(() => scene.clock.pending > 0, "the wait for the server");
  await using server = new Server({ port });
  server.refusal = () => new Response(null, { status: 503, headers: { "retry-after": "7" } });
  scene.clock.advance(100);
  await eventually(() => server.requests.length === 1, "handshake");
  server.refusal = undefined;
  await scene.pass(7000);
  assert.deepEqual(await scene.bench.result(id), { of: "tools/list" });
});

/** A port that nobody listens at. */
async function freePort(): Promise<number> {
  await using server = new Server();
  return server.port;
}

Deno.test("ws wire: a server that stays away ends it", async () => {
  const port = await freePort();
  await using scene = new Scene({ port });
  for (const wait of [100, 200, 400, 800, 1600, 3200]) await scene.pass(wait);
  const { how, stderr } = await scene.bench.end();
  assert.match(how, /^cannot be reached at ws:\/\/127\.0\.0\.1:\d+ \(connect ECONNREFUSED/);
  assert.match(stderr, /check that it runs/);
});

Deno.test("ws wire: the server's own words at the end are kept", async () => {
  await using server = new Server();
  await using scene = new Scene({ port: server.port });
  await scene.bench.call("tools/list");
  server.sockets[0].close(4000, "out of patience");
  assert.deepEqual(await scene.bench.end(), {
    how: "closed the connection (code 4000)",
    stderr: "out of patience",
  });
});

Deno.test("ws wire: a message beyond the limit is dropped alone, one far beyond ends it", async () => {
  await using server = new Server();
  await using scene = new Scene({ port: server.port });
  const { bench } = scene;
  server.onMessage = (text, socket) => {
    const { id, params } = JSON.parse(text);
    socket.send(`{"jsonrpc":"2.0","id":${id},"result":"${"x".repeat(params.length)}"}`);
  };
  bench.request("big", { length: 1500 });
  await bench.until(() => bench.oversize.length === 1, "news of it");
  assert.match(bench.oversize[0].head, /^\{"jsonrpc":"2.0","id":1,/);
  assert.equal(await bench.call("big", { length: 3 }), "xxx");
  bench.request("big", { length: 3000 });
  assert.match((await bench.end()).how, /failed: Max payload size exceeded/);
});

Deno.test("ws wire: a server that answers pings is kept, however long it says nothing else", async () => {
  using server = new DeafServer({ pongs: true });
  await using scene = new Scene({ port: server.port });
  await eventually(() => scene.clock.pending > 0, "the connection");
  for (let count = 1; count <= 10; count++) {
    scene.clock.advance(60_000);
    await eventually(() => server.pings === count, `ping ${count}`);
  }
  assert.deepEqual(scene.bench.ends, []);
  // It answers nothing but pings.
  const closing = scene.bench.wire.close(GRACE);
  await scene.pass(GRACE.eofMs);
  await within(closing, "closing");
});

Deno.test("ws wire: a server that answers no ping is given up; time that this machine slept does not count", async () => {
  using server = new DeafServer();
  await using scene = new Scene({ port: server.port });
  await eventually(() => scene.clock.pending > 0, "the connection");
  scene.clock.advance(60_000);
  scene.clock.advance(60_000);
  await eventually(() => server.pings === 2, "two pings");
  scene.clock.sleep(10 * 60_000);
  await eventually(() => server.pings === 3, "a third one");
  scene.clock.advance(60_000);
  await eventually(() => server.pings === 4, "a fourth one");
  assert.deepEqual(scene.bench.ends, []);
  scene.clock.advance(60_000);
  assert.equal((await scene.bench.end()).how, "answered no ping");
});

Deno.test("ws wire: what a server owes that does not read is bounded, and it can be closed", async () => {
  using server = new DeafServer({ reads: false });
  await using scene = new Scene({ port: server.port });
  const { bench, clock } = scene;
  await eventually(() => bench.wire.owed === 0 && clock.pending > 0, "the connection");
  const text = JSON.stringify({ jsonrpc: "2.0", method: "n", params: "x".repeat(50_000) });
  // The system takes some of it.
  for (let i = 0; i < 1000 && bench.wire.send(text); i++) await Promise.resolve();
  assert.equal(bench.wire.send(text), false);
  assert.ok(bench.wire.owed > 50_000 && bench.wire.owed <= 100_000, `${bench.wire.owed}`);
  const closing = bench.wire.close(GRACE);
  await scene.pass(GRACE.eofMs);
  await within(closing, "closing");
  assert.equal((await bench.end()).how, "was closed");
});

Deno.test("ws wire: closing while it is being opened", async () => {
  using server = new DeafServer({ handshakes: false });
  await using scene = new Scene({ port: server.port });
  scene.bench.request("initialize");
  await eventually(() => server.connections > 0, "the connection");
  await within(scene.bench.wire.close(GRACE), "closing");
  assert.deepEqual(scene.bench.ends, [{ how: "was closed", stderr: "" }]);
});

/** A WebSocket server that hears, or does not even, and says no word. */
class DeafServer implements Disposable {
  connections = 0;
  /** Pings heard. */
  pings = 0;
  readonly #listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  readonly #open: Deno.Conn[] = [];
  readonly #options: { handshakes: boolean; reads: boolean; pongs: boolean };

  constructor({ handshakes = true, reads = true, pongs = false } = {}) {
    this.#options = { handshakes, reads, pongs };
    void this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#open) connection.close();
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.connections++;
      this.#open.push(connection);
      void this.#serve(connection).catch(() => {}); // Closed under it at the end of the test.
    }
  }

  async #serve(connection: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(65536);
    const head = new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
    if (!this.#options.handshakes) return;
    const key = /sec-websocket-key: (.+)\r\n/i.exec(head)![1];
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest("base64");
    await connection.write(new TextEncoder().encode(
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n" +
        `sec-websocket-accept: ${accept}\r\nsec-websocket-protocol: mcp\r\n\r\n`,
    ));
    while (this.#options.reads) {
      const count = await connection.read(buffer);
      if (count === null) return;
      // Nothing else is sent to it: an empty ping, masked, has six bytes.
      for (let at = 0; at < count; at += 6) {
        this.pings++;
        if (this.#options.pongs) await connection.write(new Uint8Array([0x8a, 0]));
      }
    }
  }
}
