import assert from "node:assert/strict";
import { BUILTIN_NAMES, connectBuiltin } from "../builtin/mod.ts";
import { within } from "../../tests/e2e/support/within.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import {
  type ConnectInProcess,
  type InProcessTransport,
  type InProcessWireOptions,
  openInProcessWire,
} from "./in_process_wire.ts";
import type { Wire, WireEnd } from "./wire.ts";
import { testWireKind } from "./wire_suite.ts";

const GRACE = { eofMs: 100, termMs: 100 };

/** A wire and all it has told. */
class Bench {
  readonly lines: string[] = [];
  readonly oversize: unknown[] = [];
  readonly ends: WireEnd[] = [];
  readonly errors: string[] = [];
  rooms = 0;
  readonly wire: Wire;
  #onLine = () => {};

  constructor(connect: ConnectInProcess, options: Partial<InProcessWireOptions> = {}) {
    this.wire = openInProcessWire({
      connect,
      maxLineLength: 1_000_000,
      maxOwed: 1_000,
      onError: (message) => this.errors.push(message),
      ...options,
    }, {
      onLine: (line) => {
        assert.deepEqual(this.ends, [], "a line after the end");
        this.lines.push(line);
        this.#onLine();
      },
      onOversizeLine: (ends) => this.oversize.push(ends),
      onRoom: () => this.rooms++,
      onLost: (id) => assert.fail(`call ${id} was lost`),
      onEnd: (end) => this.ends.push(end),
    });
  }

  async read(count: number): Promise<string[]> {
    const enough = Promise.withResolvers<void>();
    this.#onLine = () => this.lines.length >= count && enough.resolve();
    this.#onLine();
    await within(enough.promise, `${count} lines; there were ${this.lines}`);
    return this.lines;
  }
}

/** A server that a test plays by hand. */
class Played {
  transport!: InProcessTransport;
  received: unknown[] = [];
  closed = 0;
  readonly connect: ConnectInProcess = async (transport) => {
    this.transport = transport;
    transport.onmessage = (message) => this.received.push(message);
    await transport.start();
    return { close: () => Promise.resolve(void this.closed++) };
  };
}

Deno.test("messages go in and out in order, and nothing is told inside send", async () => {
  const server = new Played();
  const bench = new Bench(server.connect);
  await settle();
  server.transport.onmessage = ({ n }) => void server.transport.send({ n, text: "é\n😀" });
  for (let n = 0; n < 100; n++) {
    assert.ok(bench.wire.send(`{"n":${n}}`));
    assert.deepEqual(bench.lines, []);
  }
  assert.deepEqual(
    await bench.read(100),
    Array.from({ length: 100 }, (_, n) => JSON.stringify({ n, text: "é\n😀" })),
  );
  assert.equal(bench.wire.owed, 0);
  await bench.wire.close(GRACE);
});

Deno.test("what is sent while the server is being loaded waits, within the cap", async () => {
  const server = new Played();
  const loaded = Promise.withResolvers<void>();
  const bench = new Bench((transport) => loaded.promise.then(() => server.connect(transport)));
  const message = JSON.stringify({ text: "x".repeat(600) });
  assert.ok(bench.wire.send(message));
  assert.equal(bench.wire.owed, message.length);
  assert.equal(bench.wire.send(message), false);
  assert.ok(bench.wire.send("{}"));
  loaded.resolve();
  await settle();
  assert.deepEqual(server.received, [JSON.parse(message), {}]);
  assert.equal(bench.wire.owed, 0);
  assert.ok(bench.wire.send(message));
  await bench.wire.close(GRACE);
});

Deno.test("a server that cannot be loaded ends the wire, with the reason", async () => {
  const bench = new Bench(() => {
    throw new Error("no such module");
  });
  assert.ok(bench.wire.send("{}"));
  await settle();
  assert.deepEqual(bench.ends, [{ how: "could not be loaded: no such module", stderr: "" }]);
  assert.equal(bench.wire.writable, false);
  assert.equal(bench.wire.send("{}"), false);
  await bench.wire.close(GRACE);
  assert.equal(bench.ends.length, 1);
});

Deno.test("close ends the server and is told once; what comes later is dropped", async () => {
  const server = new Played();
  let told = 0;
  const bench = new Bench(server.connect);
  await settle();
  server.transport.onclose = () => told++;
  const closed = bench.wire.close(GRACE);
  assert.deepEqual(bench.ends, [], "told inside close");
  await Promise.all([closed, bench.wire.close(GRACE)]);
  assert.deepEqual(bench.ends, [{ how: "was stopped", stderr: "" }]);
  assert.deepEqual([server.closed, told], [1, 1]);
  await assert.rejects(server.transport.send({ late: true }), /the connection is closed/);
  await settle();
  assert.deepEqual(bench.lines, []);
});

Deno.test("a server that closes by itself is heard to its last word", async () => {
  const server = new Played();
  const bench = new Bench(server.connect);
  await settle();
  void server.transport.send({ last: 1 });
  void server.transport.close();
  await settle();
  assert.deepEqual(bench.lines, ['{"last":1}']);
  assert.deepEqual(bench.ends, [{ how: "closed its connection", stderr: "" }]);
  await bench.wire.close(GRACE);
});

Deno.test("a server that never loads or never ends does not hold the close", async () => {
  const never = () => new Promise<never>(() => {});
  await within(new Bench(never).wire.close({ eofMs: 1, termMs: 1 }), "the close");
  const server = new Played();
  const bench = new Bench(async (transport) => {
    await server.connect(transport);
    return { close: never };
  });
  await within(bench.wire.close({ eofMs: 1, termMs: 1 }), "the close");
  assert.equal(bench.ends.length, 1);
});

Deno.test("a message the server chokes on does not take the others with it", async () => {
  const server = new Played();
  const bench = new Bench(server.connect);
  await settle();
  server.transport.onmessage = (message) => {
    if (message.bad) throw new Error("choked");
    server.received.push(message);
  };
  for (const text of ["not JSON", '{"bad":true}', '{"good":true}']) bench.wire.send(text);
  await settle();
  assert.deepEqual(server.received, [{ good: true }]);
  assert.match(bench.errors.join("|"), /not taken: .*JSON.*\|a message was not taken: choked/);
  assert.deepEqual(bench.ends, []);
  await bench.wire.close(GRACE);
});

Deno.test("a message beyond the limit is dropped, with its ends told", async () => {
  const server = new Played();
  const bench = new Bench(server.connect, { maxLineLength: 500 });
  await settle();
  void server.transport.send({ id: 1, text: "x".repeat(500) });
  void server.transport.send({ id: 2 });
  await settle();
  assert.deepEqual(bench.lines, ['{"id":2}']);
  const [{ head, tail }] = bench.oversize as { head: string; tail: string }[];
  assert.deepEqual([head.length, tail.length], [200, 200]);
  assert.ok(head.startsWith('{"id":1,') && tail.endsWith('xx"}'));
  await bench.wire.close(GRACE);
});

Deno.test("every built-in server answers in process", async () => {
  for (const name of BUILTIN_NAMES) {
    const bench = new Bench(
      connectBuiltin(name, { configFile: "/nowhere/config.json", roots: [] }),
      { maxOwed: 100_000 },
    );
    const params = {
      protocolVersion: "2025-11-25",
      capabilities: {},
      clientInfo: { name: "test", version: "1" },
    };
    const messages = [
      { jsonrpc: "2.0", id: 1, method: "initialize", params },
      { jsonrpc: "2.0", method: "notifications/initialized" },
      { jsonrpc: "2.0", id: 2, method: "tools/list" },
    ];
    for (const message of messages) assert.ok(bench.wire.send(JSON.stringify(message)));
    const [first, second] = (await bench.read(2)).map((line) => JSON.parse(line));
    assert.deepEqual([first.id, first.result.serverInfo.name], [1, name]);
    assert.equal(second.id, 2);
    assert.ok(second.result.tools.length > 0);
    await bench.wire.close(GRACE);
    assert.equal(bench.ends.length, 1);
  }
});

// A message is any JSON; what it is for is told by its method.
// deno-lint-ignore no-explicit-any
type Json = any;

/** Behaves as `tests/fixtures/servers/remote_suite_server.ts`, in this process. */
const connectSuiteServer: ConnectInProcess = async (transport) => {
  const cancelled: unknown[] = [];
  const asked = new Map<string, (answer: Json) => void>();
  let onCancelled = () => {};
  transport.onmessage = async ({ id, method, params = {}, result }) => {
    const answer = (result: Json) => transport.send({ jsonrpc: "2.0", id, result });
    switch (method) {
      case undefined:
        return asked.get(id)?.(result);
      case "initialize":
        return answer({ protocolVersion: "2025-11-25", capabilities: {}, serverInfo: {} });
      case "notifications/cancelled":
        cancelled.push(params.requestId);
        return onCancelled();
      case "echo":
        return answer({ text: params.text });
      case "notify":
        for (const step of [1, 2]) {
          transport.send({ jsonrpc: "2.0", method: "note", params: { step } });
        }
        return answer({});
      case "ask": {
        const question = crypto.randomUUID();
        const heard = new Promise<Json>((resolve) => asked.set(question, resolve));
        transport.send({ jsonrpc: "2.0", id: question, method: "question", params: {} });
        return answer({ heard: await heard });
      }
      case "big":
        return answer({ text: "x".repeat(params.length) });
      case "stray":
        transport.send({ jsonrpc: "2.0", id: 999_999, result: {} });
        return answer({});
      case "cancelled":
        if (cancelled.length > 0) return answer({ cancelled });
        onCancelled = () => answer({ cancelled });
        return;
      case "die":
        return transport.close();
    }
  };
  await transport.start();
  return { close: () => Promise.resolve() };
};

testWireKind({
  name: "in process",
  start: () =>
    Promise.resolve({
      open: (events, bounds) =>
        openInProcessWire({
          connect: connectSuiteServer,
          onError: (message) => assert.fail(message),
          ...bounds,
        }, events),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
});
