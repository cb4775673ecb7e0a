import assert from "node:assert/strict";
import { eventually, within } from "../../../tests/e2e/support/within.ts";
import { FakeClock } from "../../../tests/fixtures/fake_clock.ts";
import {
  EventResponse,
  RemoteScripted,
  result,
} from "../../../tests/fixtures/servers/remote_scripted.ts";
import { createLogger } from "../../daemon/log.ts";
import { WireBench } from "../wire_suite.ts";
import { newRemoteMemory } from "./options.ts";
import { openSseWire } from "./sse_wire.ts";

const GRACE = { eofMs: 1000, termMs: 1000 };

interface Options {
  /** The address that the server names; undefined: none before the test says so. */
  address?: string;
}

/** A scripted server of the old transport, a wire onto it, a clock that the test moves. */
class Scene implements AsyncDisposable {
  readonly server = new RemoteScripted();
  readonly clock = new FakeClock();
  readonly stream = new EventResponse();
  readonly logged: string[] = [];
  readonly bench: WireBench;

  constructor({ address }: Options) {
    if (address !== undefined) this.name(address);
    this.server.on("GET", () => this.stream.response);
    this.server.on("*", ({ body }) => {
      if (body.id !== undefined && body.method !== undefined) {
        this.stream.message(result(body, { of: body.method, protocolVersion: "2024-11-05" }));
      }
      return new Response("Accepted", { status: 202 });
    });
    this.bench = new WireBench((events) =>
      openSseWire({
        server: "remote",
        url: `${this.server.origin}/sse?key=s3cr3t`,
        headers: { "X-Api-Key": "s3cr3t" },
        clock: this.clock,
        random: () => 1,
        log: createLogger({ write: (line) => this.logged.push(line), minimum: "debug" }),
        maxServerMessageBytes: 1000,
        maxOwed: 1000,
        memory: newRemoteMemory(),
      }, events)
    );
  }

  /** The server names the address to post to. */
  name(address: string): void {
    this.stream.write(`event: endpoint\ndata: ${address}\n\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await within(this.bench.wire.close(GRACE), "closing");
    await this.server[Symbol.asyncDispose]();
    assert.equal(this.bench.ends.length, 1);
    assert.equal(this.clock.pending, 0, "timers are left");
    assert.doesNotMatch(this.logged.join("\n"), /fault|s3cr3t/);
  }
}

function test(name: string, options: Options, body: (scene: Scene) => Promise<void>): void {
  Deno.test(`sse wire: ${name}`, async () => {
    await using scene = new Scene(options);
    await body(scene);
  });
}

test(
  "messages wait for the address, calls for initialized; all carry the entry's headers",
  {},
  async (scene) => {
    const { server, bench } = scene;
    const initialized = Promise.withResolvers<Response>();
    server.on("notifications/initialized", () => initialized.promise);
    const initialize = bench.request("initialize");
    await eventually(() => server.asked("GET").length === 1, "GET");
    assert.deepEqual(server.seen.map(({ method }) => method), ["GET"]);
    assert.ok(bench.wire.owed > 0);
    scene.name("messages?sessionId=1");
    await bench.result(initialize);
    bench.wire.agreed!("2024-11-05");
    bench.notify("notifications/initialized");
    const list = bench.request("tools/list");
    await eventually(() => server.asked("notifications/initialized").length === 1, "initialized");
    assert.equal(server.asked("tools/list").length, 0);
    initialized.resolve(new Response(null, { status: 202 }));
    assert.equal((await bench.result(list)).of, "tools/list");
    const [opened, ...posted] = server.seen;
    assert.equal(opened.path, "/sse?key=s3cr3t");
    assert.equal(opened.headers.get("accept"), "text/event-stream");
    assert.deepEqual(new Set(posted.map(({ path }) => path)), new Set(["/messages?sessionId=1"]));
    for (const { headers } of server.seen) assert.equal(headers.get("x-api-key"), "s3cr3t");
  },
);

test("an address of another origin gets nothing", {}, async ({ bench, ...scene }) => {
  await using other = new RemoteScripted();
  bench.request("initialize");
  scene.stream.write(`event: endpoint\ndata: ${other.origin}/messages\n\n`);
  const { how, stderr } = await bench.end();
  assert.match(how, /another origin/);
  assert.match(stderr, /http:\/\/127\.0\.0\.1:\d+ only/);
  assert.deepEqual(other.seen, []);
});

test("the end of the stream is the end; what was not sent was not executed", {}, async (scene) => {
  const { bench, stream } = scene;
  const ids = [bench.request("tools/call"), bench.request("tools/call")];
  await eventually(() => scene.server.asked("GET").length === 1, "GET");
  stream.end();
  assert.deepEqual(await bench.end(), {
    how: "ended its event stream",
    stderr: "",
    notExecuted: ids,
  });
});

test(
  "a broken stream loses what was sent",
  { address: "/messages" },
  async ({ server, bench, stream }) => {
    server.on("tools/call", () => new Response(null, { status: 202 }));
    bench.request("tools/call");
    await eventually(() => server.asked("tools/call").length === 1, "call");
    await bench.untilNothingOwed();
    stream.break();
    assert.deepEqual(await bench.end(), {
      how: "broke off its event stream",
      stderr: "",
      notExecuted: [],
    });
  },
);

test("a call that is refused is lost, and the connection goes on", { address: "/messages" }, async (
  { server, bench },
) => {
  server.on("tools/call", () => new Response(null, { status: 403 }));
  const id = bench.request("tools/call");
  await bench.until(() => bench.lost.has(id), "loss");
  const { reason, message, details } = bench.lost.get(id)!;
  assert.deepEqual([reason, details.retryable], ["upstream_unavailable", false]);
  assert.match(message, /answered tools\/call with 403 Forbidden; .*"headers"/);
  await bench.call("tools/list");
});

test("a session that the server forgot ends the connection, and the call goes to the next", {
  address: "/messages",
}, async ({ server, bench }) => {
  await bench.call("tools/list");
  server.on("tools/call", () => new Response(null, { status: 404 }));
  const id = bench.request("tools/call");
  assert.deepEqual(await bench.end(), { how: "forgot the session", stderr: "", notExecuted: [id] });
});

test(
  "an answer counts, whatever becomes of the POST it belongs to",
  { address: "/messages" },
  async (
    { server, bench, stream },
  ) => {
    server.on("tools/call", ({ body }) => {
      stream.message(result(body, { early: true }));
      return new Response(null, { status: 500 });
    });
    const id = bench.request("tools/call");
    assert.deepEqual(await bench.result(id), { early: true });
    await bench.untilNothingOwed();
    assert.equal(bench.lost.size, 0);
  },
);

test("a call that is cancelled before there is an address is never sent", {}, async (scene) => {
  const { server, bench } = scene;
  const id = bench.request("tools/call");
  bench.notify("notifications/cancelled", { requestId: id });
  assert.ok(bench.lost.has(id));
  scene.name("/messages");
  await bench.call("tools/list");
  assert.deepEqual(server.seen.map(({ body }) => body?.method), [undefined, "tools/list"]);
});

test(
  "what is no event stream: the connection ends with what to check",
  {},
  async ({ server, bench }) => {
    server.on("GET", () => new Response("<html>"));
    const { how, stderr } = await bench.end();
    assert.match(how, /answered GET with status 200 and no event stream/);
    assert.match(stderr, /"url" and "type"/);
  },
);

for (const status of [401, 404]) {
  test(
    `GET answered with ${status}: the connection ends with the reason`,
    {},
    async ({ server, bench }) => {
      server.on("GET", () => new Response(null, { status }));
      const { how, stderr } = await bench.end();
      assert.match(how, new RegExp(`^answered GET with ${status}`));
      assert.match(stderr, /config\.json/);
    },
  );
}
