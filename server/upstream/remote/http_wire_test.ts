import assert from "node:assert/strict";
import { eventually, within } from "../../../tests/e2e/support/within.ts";
import { FakeClock } from "../../../tests/fixtures/fake_clock.ts";
import {
  EventResponse,
  hangUp,
  polite,
  RemoteScripted,
  result,
} from "../../../tests/fixtures/servers/remote_scripted.ts";
import type { Fault } from "../../../protocol/errors.ts";
import { createLogger } from "../../daemon/log.ts";
import { WireBench } from "../wire_suite.ts";
import { openHttpWire } from "./http_wire.ts";
import { newRemoteMemory } from "./options.ts";

// deno-lint-ignore no-explicit-any
type Json = any;

const GRACE = { eofMs: 1000, termMs: 1000 };
const SECRET = "s3cr3t";
const TOOL = { name: "tool", arguments: {} };

interface Options {
  headers?: Record<string, string>;
  path?: string;
  maxServerMessageBytes?: number;
  /** Whether the handshake is done before the test. Default true. */
  initialize?: boolean;
}

/** A scripted server, a wire onto it, a clock that the test moves. */
class Scene implements AsyncDisposable {
  readonly server = new RemoteScripted();
  readonly clock = new FakeClock();
  readonly logged: string[] = [];
  readonly memory = newRemoteMemory();
  readonly bench: WireBench;

  constructor({ headers = {}, path = "/mcp", maxServerMessageBytes = 1000 }: Options = {}) {
    this.bench = new WireBench((events) =>
      openHttpWire({
        server: "remote",
        url: `${this.server.origin}${path}`,
        headers,
        clock: this.clock,
        random: () => 1,
        log: createLogger({ write: (line) => this.logged.push(line), minimum: "debug" }),
        maxServerMessageBytes,
        maxOwed: 100_000,
        memory: this.memory,
      }, events)
    );
  }

  /** Moves the clock once something waits for it. */
  async pass(ms: number): Promise<void> {
    await eventually(() => this.clock.pending > 0, "something waiting for time to pass");
    this.clock.advance(ms);
  }

  async lost(id: number): Promise<Fault> {
    await this.bench.until(() => this.bench.lost.has(id), `loss of ${id}`);
    return this.bench.lost.get(id)!;
  }

  async asked(name: string, count = 1): Promise<void> {
    await eventually(() => this.server.asked(name).length >= count, `${count} times ${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await within(this.bench.wire.close(GRACE), "closing");
    await this.server[Symbol.asyncDispose]();
    assert.equal(this.bench.ends.length, 1);
    assert.equal(this.clock.pending, 0, "timers are left");
    assert.doesNotMatch(this.logged.join("\n"), /fault/);
  }
}

function test(name: string, options: Options, body: (scene: Scene) => Promise<void>): void {
  Deno.test(`http wire: ${name}`, async () => {
    await using scene = new Scene(options);
    if (options.initialize !== false) {
      await scene.bench.initialize();
      await eventually(() => /offers no stream/.test(scene.logged.join()), "the end of listening");
    }
    await body(scene);
  });
}

// ---- what is sent

test("the entry's headers go with everything, the session and the revision once they are known", {
  headers: { Authorization: `Bearer ${SECRET}`, "X-Mine": "1" },
}, async ({ server, bench }) => {
  await bench.call("tools/list");
  await bench.wire.close(GRACE);
  const told = server.seen.map(({ method, headers, body }) => ({
    what: body?.method ?? method,
    authorization: headers.get("authorization"),
    mine: headers.get("x-mine"),
    session: headers.get("mcp-session-id"),
    revision: headers.get("mcp-protocol-version"),
    accept: headers.get("accept"),
  }));
  const both = "application/json, text/event-stream";
  const own = { authorization: `Bearer ${SECRET}`, mine: "1" };
  const later = { ...own, session: "session-1", revision: "2025-11-25" };
  assert.deepEqual(told.find(({ what }) => what === "initialize"), {
    what: "initialize",
    ...own,
    session: null,
    revision: null,
    accept: both,
  });
  for (const what of ["notifications/initialized", "tools/list"]) {
    assert.deepEqual(told.find((one) => one.what === what), { what, ...later, accept: both });
  }
  assert.deepEqual(told.find(({ what }) => what === "GET"), {
    what: "GET",
    ...later,
    accept: "text/event-stream",
  });
  assert.deepEqual(told.at(-1), { what: "DELETE", ...later, accept: "*/*" });
});

test("calls wait until the server has heard that it is initialized", { initialize: false }, async (
  { server, bench },
) => {
  const initialized = Promise.withResolvers<Response>();
  server.on("notifications/initialized", () => initialized.promise);
  await bench.initialize();
  const id = bench.request("tools/list");
  await eventually(() => server.asked("notifications/initialized").length > 0, "initialized");
  assert.equal(server.asked("tools/list").length, 0);
  initialized.resolve(new Response(null, { status: 202 }));
  await bench.result(id);
});

test("long calls whose answers are late hold up nobody else's", {
  maxServerMessageBytes: 100_000,
}, async ({ server, bench }) => {
  const late = Promise.withResolvers<void>();
  server.on("tools/call", async ({ body }) => {
    await late.promise;
    return Response.json(result(body));
  });
  const params = { ...TOOL, arguments: { text: "x".repeat(60_000) } };
  // Each alone is more than half of what may wait for a server that does not read.
  const slow = [1, 2, 3].map(() => bench.request("tools/call", params));
  assert.ok(bench.wire.room > 0);
  assert.deepEqual(await bench.call("tools/list"), { method: "tools/list" });
  assert.ok(bench.wire.room > 0 && bench.wire.owed > 180_000, `${bench.wire.owed}`);
  late.resolve();
  for (const id of slow) await bench.result(id);
  assert.deepEqual([bench.wire.owed, bench.rooms], [0, 0]);
});

test("what is under way is bounded all the same", {}, async ({ server, bench }) => {
  const late = Promise.withResolvers<void>();
  server.on("tools/call", async ({ body }) => {
    await late.promise;
    return Response.json(result(body));
  });
  const params = { ...TOOL, arguments: { text: "x".repeat(100_000) } };
  const slow: number[] = [];
  while (bench.wire.room > 0) slow.push(bench.request("tools/call", params));
  assert.equal(slow.length, 8);
  late.resolve();
  for (const id of slow) await bench.result(id);
  assert.deepEqual([bench.wire.owed, bench.rooms], [0, 1]);
});

test("credentials in the URL become a header", { initialize: false }, async ({ server, clock }) => {
  const bench = new WireBench((events) =>
    openHttpWire({
      server: "remote",
      url: `http://user:p%20w@127.0.0.1:${server.port}/mcp`,
      headers: {},
      clock,
      random: () => 1,
      log: createLogger({ write: () => {} }),
      maxServerMessageBytes: 1000,
      maxOwed: 1000,
      memory: newRemoteMemory(),
    }, events)
  );
  await bench.initialize();
  await bench.wire.close(GRACE);
  assert.equal(server.seen[0].headers.get("authorization"), `Basic ${btoa("user:p w")}`);
});

test("a redirect within the origin is followed, and remembered", {
  path: "/old",
  initialize: false,
}, async (
  { server, bench },
) => {
  server.on(
    "*",
    (seen) =>
      seen.path === "/old"
        ? new Response(null, { status: 307, headers: { location: "/new" } })
        : polite(seen),
  );
  await bench.initialize();
  await bench.call("tools/list");
  assert.equal(server.seen.filter(({ path }) => path === "/old").length, 1);
});

test("a redirect elsewhere is not followed: no credentials leave the origin", {
  headers: { authorization: SECRET },
}, async ({ server, bench }) => {
  await using other = new RemoteScripted();
  server.on(
    "tools/call",
    () =>
      new Response(null, { status: 307, headers: { location: `${other.origin}/x?key=${SECRET}` } }),
  );
  const id = bench.request("tools/call", TOOL);
  await bench.until(() => bench.lost.has(id), "loss");
  const { message, details } = bench.lost.get(id)!;
  assert.match(message, /answered tools\/call with status 307; it redirects to http:\/\/127/);
  assert.ok(message.includes(other.origin));
  assert.doesNotMatch(message, /s3cr3t/);
  assert.equal(details.retryable, false);
  assert.deepEqual(other.seen, []);
  assert.equal(server.asked("tools/call").length, 1);
});

// ---- answers

test("an answer with line ends, an array of messages, an empty event", {}, async (
  { server, bench },
) => {
  server.on(
    "pretty",
    ({ body }) =>
      new Response(`${JSON.stringify(result(body, { a: [1] }), null, "\r\n  ")}\n`, {
        headers: { "content-type": "application/json; charset=utf-8" },
      }),
  );
  server.on("batch", ({ body }) => Response.json([{ jsonrpc: "2.0", method: "n" }, result(body)]));
  server.on(
    "primed",
    ({ body }) =>
      new EventResponse().write("id: 1\ndata:\n\n: keep-alive\n\n").write(
        "event: other\ndata: {}\n\n",
      )
        .message(result(body, { ok: true })).end().response,
  );
  assert.deepEqual(await bench.call("pretty"), { a: [1] });
  assert.deepEqual(await bench.call("batch"), {});
  assert.deepEqual(await bench.call("primed"), { ok: true });
  assert.equal(bench.lines.filter(({ method }) => method === "n").length, 1);
});

test("what is no answer loses its call", {}, async ({ server, bench }) => {
  const cases: Record<string, () => Response> = {
    accepted: () => new Response(null, { status: 202 }),
    page: () => new Response("<html>", { headers: { "content-type": "text/html" } }),
    other: () => Response.json(result({ id: 12345 })),
    long: () => Response.json(result({ id: 1 }, "x".repeat(2000))),
    longEvent: () => new EventResponse().message(result({ id: 1 }, "x".repeat(2000))).response,
  };
  for (const [method, answer] of Object.entries(cases)) {
    const id = bench.request(method);
    server.on(method, answer);
    await bench.until(() => bench.lost.has(id), `loss of ${method}`);
    const { reason, message, details } = bench.lost.get(id)!;
    assert.deepEqual([reason, details.retryable], ["upstream_invalid", false], message);
    assert.ok(message.includes(`answered ${method} with`), message);
  }
});

test("a stream that stays open after the answer is dropped a second later", {}, async (scene) => {
  const { server, bench } = scene;
  server.on(
    "tools/call",
    ({ body }) =>
      new EventResponse().message(result(body)).message({ jsonrpc: "2.0", method: "late" })
        .response,
  );
  await bench.call("tools/call", TOOL);
  await bench.until(
    () => bench.lines.some(({ method }) => method === "late"),
    "what came after it",
  );
  await scene.pass(1000);
  await within(server.asked("tools/call")[0].gone, "end of the stream");
});

// ---- streams that break

test(
  "a stream that breaks is taken up again where it broke, after the time the server names",
  {},
  async (scene) => {
    const { server, bench, clock } = scene;
    const first = new EventResponse().write("id: a-1\nretry: 7000\ndata:\n\n");
    server.on("tools/call", () => first.response);
    const id = bench.request("tools/call", TOOL);
    await scene.asked("tools/call");
    first.message({ jsonrpc: "2.0", method: "n", params: { step: 1 } }, { id: "a-2" });
    await bench.until(() => bench.lines.some(({ method }) => method === "n"), "first event");
    await scene.asked("GET");
    server.on(
      "GET",
      () =>
        new EventResponse().message({ jsonrpc: "2.0", method: "n" }, { id: "a-3" }).end().response,
    );
    first.break();
    await scene.pass(6999);
    assert.equal(clock.pending, 1, "it waits on");
    clock.advance(1);
    await scene.asked("GET", 2);
    // The second one ends without the answer as well: the server closes connections to be polled.
    await bench.until(
      () => bench.lines.filter(({ method }) => method === "n").length === 2,
      "second",
    );
    server.on("GET", () => new EventResponse().message(result({ id }, { done: 1 })).end().response);
    await scene.pass(7000);
    assert.deepEqual(await bench.result(id), { done: 1 });
    const [listening, ...resumed] = server.asked("GET").map(({ headers }) => headers);
    assert.equal(listening.get("last-event-id"), null);
    assert.deepEqual(resumed.map((headers) => headers.get("last-event-id")), ["a-2", "a-3"]);
  },
);

test(
  "a stream without ids that breaks or ends loses its call, which may have been executed",
  {},
  async ({ server, bench }) => {
    for (const [index, how] of (["break", "end"] as const).entries()) {
      const events = new EventResponse().message({ jsonrpc: "2.0", method: "n" });
      server.on("tools/call", () => events.response);
      const id = bench.request("tools/call", TOOL);
      const told = () => bench.lines.filter(({ method }) => method === "n").length;
      await bench.until(() => told() === index + 1, "the first event");
      events[how]();
      await bench.until(() => bench.lost.has(id), "loss");
      const { reason, message, details } = bench.lost.get(id)!;
      assert.deepEqual([reason, details.retryable], ["upstream_exited", false]);
      assert.match(message, /dropped the stream of tools\/call before its answer; whether/);
    }
    assert.equal(server.asked("tools/call").length, 2);
    assert.equal(bench.wire.writable, true);
  },
);

test(
  "a stream that cannot be taken up again loses its call after five attempts",
  {},
  async (scene) => {
    const { server, bench } = scene;
    await scene.asked("GET");
    server.on("GET", () => new Response(null, { status: 502 }));
    server.on("tools/call", () => new EventResponse().write("id: 1\ndata:\n\n").end().response);
    const id = bench.request("tools/call", TOOL);
    for (let attempt = 1; attempt <= 5; attempt++) {
      await scene.pass(10_000);
      await scene.asked("GET", 1 + attempt);
    }
    assert.equal((await scene.lost(id)).reason, "upstream_exited");
  },
);

// ---- the stream for everything else

test("what the server says outside of calls arrives, also after that stream broke", {
  initialize: false,
}, async (scene) => {
  const { server, bench } = scene;
  const streams: EventResponse[] = [];
  server.on("GET", () => {
    streams.push(new EventResponse());
    return streams.at(-1)!.response;
  });
  await bench.initialize();
  await scene.asked("GET");
  streams[0].message({ jsonrpc: "2.0", method: "n", params: { step: 1 } }, { id: "g-1" });
  await bench.until(() => bench.lines.length === 2, "first message");
  streams[0].break();
  await scene.pass(500);
  await scene.asked("GET", 2);
  streams[1].message({ jsonrpc: "2.0", method: "n", params: { step: 2 } });
  await bench.until(() => bench.lines.length === 3, "second message");
  assert.equal(server.asked("GET")[1].headers.get("last-event-id"), "g-1");
  // A server that is away for a while is asked less and less often.
  server.on("GET", () => new Response(null, { status: 503 }));
  streams[1].end();
  for (const wait of [500, 1000, 2000, 4000]) {
    const before = server.asked("GET").length;
    await eventually(() => scene.clock.pending > 0, "a wait");
    scene.clock.advance(wait - 1);
    assert.equal(scene.clock.pending, 1, `it waits ${wait} ms`);
    scene.clock.advance(1);
    await scene.asked("GET", before + 1);
  }
});

test("a server without that stream is not asked again", {}, async (scene) => {
  await scene.bench.call("tools/list");
  assert.equal(scene.clock.pending, 0);
  assert.equal(scene.server.asked("GET").length, 1);
});

// ---- lost sessions

const LOST: Record<string, (id: unknown) => Response> = {
  "404": () => new Response("Session not found", { status: 404 }),
  "400 that names the session": () =>
    Response.json({
      jsonrpc: "2.0",
      error: { code: -32000, message: "Bad Request: No valid session ID provided" },
    }, { status: 400 }),
};

for (const [what, answer] of Object.entries(LOST)) {
  test(
    `${what}: the session ends, and the call goes to the next one`,
    {},
    async ({ server, bench, memory }) => {
      memory.forgotAtOnce = true;
      await bench.call("tools/list");
      assert.equal(memory.forgotAtOnce, false);
      server.on("tools/call", ({ body }) => answer(body.id));
      const ids = [bench.request("tools/call", TOOL), bench.request("tools/call", TOOL)];
      const end = await bench.end();
      assert.equal(end.how, "forgot the session");
      assert.deepEqual(end.notExecuted, ids);
      assert.equal(bench.lost.size, 0);
    },
  );
}

test("one session after another that is forgotten at once: the call is lost", {}, async (scene) => {
  const { server, bench, memory } = scene;
  server.on("tools/call", () => new Response(null, { status: 404 }));
  // The first may be chance: a server that was restarted just now.
  memory.forgotAtOnce = true;
  const fault = await scene.lost(bench.request("tools/call", TOOL));
  assert.deepEqual([fault.reason, fault.details.retryable], ["upstream_unavailable", false]);
  assert.match(fault.message, /forgot one session after another.*; processes.*must share/);
  assert.deepEqual((await bench.end()).notExecuted, []);
});

test(
  "a session that is forgotten at once, once: the call goes to the next one",
  {},
  async (scene) => {
    const { server, bench, memory } = scene;
    server.on("tools/call", () => new Response(null, { status: 404 }));
    const id = bench.request("tools/call", TOOL);
    assert.deepEqual((await bench.end()).notExecuted, [id]);
    assert.equal(memory.forgotAtOnce, true);
  },
);

test(
  "while a forgotten session ends, calls that the server has may still be answered",
  {},
  async (scene) => {
    const { server, bench } = scene;
    const [answered, unanswered] = [new EventResponse(), new EventResponse()];
    server.on("answered", () => answered.response).on("unanswered", () => unanswered.response);
    const first = bench.request("answered");
    const second = bench.request("unanswered");
    await scene.asked("answered");
    await scene.asked("unanswered");
    await bench.call("tools/list");
    server.on("*", () => new Response(null, { status: 404 }));
    const forgotten = bench.request("tools/call", TOOL);
    await eventually(() => !bench.wire.writable, "the wire taking nothing new");
    answered.message(result({ id: first }, { late: true })).end();
    assert.deepEqual(await bench.result(first), { late: true });
    assert.deepEqual(bench.ends, []);
    await scene.pass(2000);
    assert.deepEqual((await bench.end()).notExecuted, [forgotten]);
    assert.equal(bench.lost.has(second), false, "its loss is the end of the connection");
  },
);

test(
  "the stream for everything else tells of a forgotten session as well",
  { initialize: false },
  async (scene) => {
    const { server, bench } = scene;
    const stream = new EventResponse();
    server.on("GET", () => stream.response);
    await bench.initialize();
    await scene.asked("GET");
    server.on("GET", () => new Response(null, { status: 404 }));
    stream.break();
    await scene.pass(500);
    assert.equal((await bench.end()).how, "forgot the session");
  },
);

// ---- refusals

test("each status says what to do, and nothing that is secret", {
  path: `/mcp/${SECRET}?key=${SECRET}`,
  headers: { authorization: SECRET, "x-key": SECRET },
}, async ({ server, bench }) => {
  const statuses: [number, RegExp][] = [
    [400, /400 Bad Request; check "url"/],
    [401, /401 Unauthorized; it wants credentials: put valid ones into "headers"/],
    [403, /403 Forbidden; it does not permit this: check the credentials in "headers"/],
    [405, /405 Method Not Allowed; this is no endpoint of that kind/],
    [418, /status 418$/],
    [429, /429 Too Many Requests; it is asked too much/],
    [500, /500 Internal Server Error$/],
    [503, /503 Service Unavailable; try again later/],
  ];
  for (const [status, expected] of statuses) {
    server.on("tools/call", () => new Response(SECRET, { status, statusText: SECRET }));
    const id = bench.request("tools/call", TOOL);
    await bench.until(() => bench.lost.has(id), `loss by ${status}`);
    const fault = bench.lost.get(id)!;
    assert.equal(fault.reason, "upstream_unavailable");
    assert.match(fault.message, expected);
    // A bare 503 may come from a gateway, after the server had the call.
    assert.equal(fault.details.retryable, status === 429);
    assert.doesNotMatch(fault.toResponseText("1"), /s3cr3t/);
    assert.equal(fault.cause, undefined);
  }
  assert.equal(server.asked("tools/call").length, statuses.length, "nothing was repeated");
  assert.ok(bench.wire.writable);
});

test(
  "a JSON-RPC error under its own id is the server's answer, whatever the status",
  {},
  async ({ server, bench }) => {
    const error = { code: -32602, message: "no such tool" };
    server.on(
      "tools/call",
      ({ body }) => Response.json({ jsonrpc: "2.0", id: body.id, error }, { status: 400 }),
    );
    const id = bench.request("tools/call", TOOL);
    await bench.until(() => bench.lines.some((line) => line.id === id), "the error");
    assert.deepEqual(bench.lines.at(-1), { jsonrpc: "2.0", id, error });
  },
);

test("an error in the body of a 401 does not hide what to do about it", {}, async (scene) => {
  const error = { code: -32001, message: "s3cr3t" };
  scene.server.on(
    "tools/call",
    ({ body }) => Response.json({ jsonrpc: "2.0", id: body.id, error }, { status: 401 }),
  );
  const { message } = await scene.lost(scene.bench.request("tools/call", TOOL));
  assert.match(message, /401 Unauthorized; it wants credentials/);
  assert.doesNotMatch(message, /s3cr3t/);
});

test(
  "503 and 429 with Retry-After: the call waits that long and is sent once more",
  {},
  async (scene) => {
    const { server, bench, clock } = scene;
    for (const status of [503, 429]) {
      server.on("tools/call", () => {
        server.handlers.delete("tools/call");
        return new Response(null, { status, headers: { "retry-after": "20" } });
      });
      const before = server.asked("tools/call").length;
      const id = bench.request("tools/call", TOOL);
      await scene.pass(19_999);
      assert.equal(clock.pending, 1, "it waits on");
      assert.equal(server.asked("tools/call").length, before + 1);
      clock.advance(1);
      assert.deepEqual(await bench.result(id), { method: "tools/call" });
    }
  },
);

test(
  "a server that postpones twice, or for too long, loses the call, which can be made again",
  {},
  async (scene) => {
    const { server, bench } = scene;
    const date = new Date(Date.UTC(2030, 0, 1)).toUTCString();
    const later = new Date(Date.UTC(2030, 0, 1, 0, 0, 5)).toUTCString();
    server.on(
      "tools/call",
      () => new Response(null, { status: 503, headers: { "retry-after": later, date } }),
    );
    const twice = bench.request("tools/call", TOOL);
    await scene.pass(5000);
    assert.equal((await scene.lost(twice)).details.retryable, true);
    server.on(
      "tools/call",
      () => new Response(null, { status: 503, headers: { "retry-after": "31" } }),
    );
    const tooLong = await scene.lost(bench.request("tools/call", TOOL));
    assert.deepEqual([tooLong.reason, tooLong.details.retryable], ["upstream_unavailable", true]);
    assert.equal(server.asked("tools/call").length, 3);
  },
);

test(
  "while the server asks to wait, a lost session gives the call back at once",
  {},
  async (scene) => {
    const { server, bench } = scene;
    await bench.call("tools/list");
    server.on(
      "tools/call",
      () => new Response(null, { status: 503, headers: { "retry-after": "9" } }),
    );
    const waiting = bench.request("tools/call", TOOL);
    await eventually(() => scene.clock.pending > 0, "the wait");
    server.on("other", () => new Response(null, { status: 404 }));
    const forgotten = bench.request("other");
    assert.deepEqual((await bench.end()).notExecuted, [waiting, forgotten]);
  },
);

// ---- connections

test("a server that is away for a moment: the call is sent when it is back", {}, async (scene) => {
  const { server, bench } = scene;
  const { port } = server;
  await bench.call("tools/list");
  await server[Symbol.asyncDispose]();
  const id = bench.request("tools/call", TOOL);
  await scene.pass(100);
  await eventually(() => scene.clock.pending > 0, "the second wait");
  await using back = new RemoteScripted({ port });
  scene.clock.advance(200);
  assert.deepEqual(await bench.result(id), { method: "tools/call" });
  assert.equal(back.asked("tools/call").length, 1);
  await bench.wire.close(GRACE);
});

test("a server that stays away loses the call, which can be made again", {}, async (scene) => {
  const { server, bench } = scene;
  await server[Symbol.asyncDispose]();
  const id = bench.request("tools/call", TOOL);
  for (const wait of [100, 200, 400, 800, 1600, 3200]) await scene.pass(wait);
  const { reason, message, details } = await scene.lost(id);
  assert.deepEqual([reason, details.retryable], ["upstream_unavailable", true]);
  assert.match(
    message,
    /cannot be reached at http:\/\/127\.0\.0\.1:\d+ \(tcp connect error.*\); check/,
  );
  assert.ok(bench.wire.writable);
});

test(
  "a connection that breaks before the response: the call is not sent again",
  {},
  async (scene) => {
    const { server, bench } = scene;
    const { port } = server;
    await server[Symbol.asyncDispose]();
    using counter = hangUp(port);
    const { reason, message, details } = await scene.lost(bench.request("tools/call", TOOL));
    assert.deepEqual([reason, details.retryable], ["upstream_exited", false]);
    assert.match(message, /broke off tools\/call before its answer/);
    assert.equal(counter.requests, 1);
  },
);

// ---- cancelling

test(
  "a cancelled call: the server is told first, then its stream is dropped",
  {},
  async (scene) => {
    const { server, bench } = scene;
    const told = Promise.withResolvers<Response>();
    server.on("notifications/cancelled", () => told.promise);
    server.on("tools/call", () => new Promise(() => {}));
    const id = bench.request("tools/call", TOOL);
    await scene.asked("tools/call");
    bench.notify("notifications/cancelled", { requestId: id });
    await scene.asked("notifications/cancelled");
    assert.ok(scene.clock.pending > 0, "the wait for the server's ear is bounded");
    let isGone = false;
    const gone = server.asked("tools/call")[0].gone.then(() => isGone = true);
    await bench.call("tools/list");
    assert.equal(isGone, false);
    told.resolve(new Response(null, { status: 202 }));
    await within(gone, "end of the call");
    assert.equal(bench.lost.size, 0);
  },
);

test(
  "a server that does not even hear the cancellation: the call is dropped all the same",
  {},
  async (scene) => {
    const { server, bench } = scene;
    server.on("tools/call", () => new Promise(() => {}));
    server.on("notifications/cancelled", () => new Promise(() => {}));
    const id = bench.request("tools/call", TOOL);
    await scene.asked("tools/call");
    bench.notify("notifications/cancelled", { requestId: id });
    await scene.asked("notifications/cancelled");
    await scene.pass(2000);
    await within(server.asked("tools/call")[0].gone, "end of the call");
  },
);

test("a call that was cancelled before it was sent is never sent", {}, async (scene) => {
  const { server, bench } = scene;
  await server[Symbol.asyncDispose]();
  const id = bench.request("tools/call", TOOL);
  await eventually(() => scene.clock.pending > 0, "the wait for the server");
  bench.notify("notifications/cancelled", { requestId: id });
  assert.ok(bench.lost.has(id));
  assert.equal(scene.clock.pending, 0);
});

// ---- the modern era

const META = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };

test(
  "a modern request says in its headers what it is about, and carries no session",
  {},
  async ({ server, bench }) => {
    const requests: [string, Json, string | null][] = [
      ["tools/call", { name: "get_weather" }, "get_weather"],
      ["prompts/get", { name: "Grüße" }, "=?base64?R3LDvMOfZQ==?="],
      ["resources/read", { uri: "file:///a b", name: "no" }, "file:///a b"],
      ["tools/list", {}, null],
    ];
    for (const [method, params, name] of requests) {
      await bench.call(method, { ...params, _meta: META });
      const { headers } = server.asked(method)[0];
      assert.equal(headers.get("mcp-protocol-version"), "2026-07-28");
      assert.equal(headers.get("mcp-method"), method);
      assert.equal(headers.get("mcp-name"), name);
      assert.equal(headers.get("mcp-session-id"), null);
    }
  },
);

test("a modern call is cancelled by breaking it off, without a message", {}, async (scene) => {
  const { server, bench } = scene;
  const events = new EventResponse();
  server.on("tools/call", () => events.response);
  const id = bench.request("tools/call", { ...TOOL, _meta: META });
  await scene.asked("tools/call");
  bench.notify("notifications/cancelled", { requestId: id });
  await within(server.asked("tools/call")[0].gone, "end of the call");
  assert.deepEqual([...bench.lost.keys()], [id]);
  bench.notify("notifications/cancelled", { requestId: id });
  await bench.call("tools/list", { _meta: META });
  assert.equal(server.asked("notifications/cancelled").length, 0);
});

test("a modern stream is not taken up again, and its errors need no id", {}, async (scene) => {
  const { server, bench } = scene;
  await scene.asked("GET");
  server.on("tools/call", () => new EventResponse().write("id: 1\ndata:\n\n").end().response);
  const id = bench.request("tools/call", { ...TOOL, _meta: META });
  assert.equal((await scene.lost(id)).reason, "upstream_exited");
  const error = { code: -32601, message: "no such method" };
  server.on("x/y", () => Response.json({ jsonrpc: "2.0", id: null, error }, { status: 404 }));
  const other = bench.request("x/y", { _meta: META });
  await bench.until(() => bench.lines.some((line) => line.id === other), "the error");
  assert.equal(server.asked("GET").length, 1);
});

test(
  "a refused server/discover is an answer: whoever probes can go on",
  { initialize: false },
  async ({ server, bench }) => {
    const error = { code: -32022, message: "no", data: { supported: ["2025-11-25"] } };
    const bodies = [
      () => Response.json({ jsonrpc: "2.0", id: null, error }, { status: 400 }),
      () => new Response("Cannot POST /mcp", { status: 404 }),
      () => new Response(null, { status: 405 }),
    ];
    const codes: number[] = [];
    for (const body of bodies) {
      server.on("server/discover", body);
      const id = bench.request("server/discover", { _meta: META });
      await bench.until(() => bench.lines.some((line) => line.id === id), "an answer");
      codes.push(bench.lines.at(-1).error.code);
    }
    assert.deepEqual(codes, [-32022, -32601, -32601]);
    assert.ok(bench.wire.writable);
  },
);

// ---- the beginning

test(
  "a refused initialize: the server's own error is its answer",
  { initialize: false },
  async ({ server, bench }) => {
    const error = { code: -32000, message: "not yet" };
    server.on(
      "initialize",
      () => Response.json({ jsonrpc: "2.0", id: null, error }, { status: 400 }),
    );
    const id = bench.request("initialize");
    await bench.until(() => bench.lines.length === 1, "the error");
    assert.deepEqual(bench.lines[0], { jsonrpc: "2.0", id, error });
  },
);

for (const status of [401, 403, 404, 500]) {
  test(`initialize answered with ${status}: the connection ends with the reason`, {
    initialize: false,
  }, async ({ server, bench }) => {
    server.on("initialize", () => new Response(null, { status }));
    bench.request("initialize");
    const end = await bench.end();
    assert.match(end.how, new RegExp(`^answered initialize with ${status}`));
    if (status < 500) assert.match(end.stderr, /headers|url/);
  });
}

for (const status of [400, 404, 405]) {
  test(
    `initialize answered with ${status} by a server of the old transport`,
    { initialize: false },
    async ({ server, bench }) => {
      const stream = new EventResponse();
      server.on("GET", () => stream.write("event: endpoint\ndata: /post?s=1\n\n").response);
      server.on("*", (seen) => {
        if (seen.path !== "/post?s=1") return new Response("no", { status });
        if (seen.body.id !== undefined) stream.message(polite(seen).headers && answerOf(seen.body));
        return new Response(null, { status: 202 });
      });
      await bench.initialize();
      assert.deepEqual(await bench.call("tools/list"), { of: "tools/list" });
      stream.end();
      assert.equal((await bench.end()).how, "ended its event stream");
    },
  );
}

function answerOf(body: Json): Json {
  return result(
    body,
    body.method === "initialize" ? { protocolVersion: "2024-11-05" } : { of: body.method },
  );
}

// ---- the end

test("closing does not wait for a server that does not listen", {}, async (scene) => {
  const { server, bench } = scene;
  server.on("DELETE", () => new Promise(() => {}));
  server.on("tools/call", () => new Promise(() => {}));
  bench.request("tools/call", TOOL);
  await scene.asked("tools/call");
  await scene.asked("GET");
  const closing = bench.wire.close(GRACE);
  await scene.asked("DELETE");
  await scene.pass(GRACE.eofMs);
  await within(closing, "closing");
  assert.deepEqual(bench.ends, [{ how: "was closed", stderr: "" }]);
});
