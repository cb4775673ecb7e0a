/**
 * What every way to reach a server does: one suite, run by the test of each kind of wire.
 *
 * @module
 */

import assert from "node:assert/strict";
import { salvageAnswerIds } from "../../protocol/answer.ts";
import { settlesWithin } from "../../protocol/deadline.ts";
import type { Fault } from "../../protocol/errors.ts";
import type { LineEnds } from "../../protocol/ndjson.ts";
import type { Wire, WireEnd, WireEvents } from "./wire.ts";

// What comes over a wire is what a test looks at: any JSON.
// deno-lint-ignore no-explicit-any
type Json = any;

/** Bounds that a wire is opened with. */
export interface WireBounds {
  /** Longest message from the server, characters. */
  maxLineLength: number;
  /** Most that may wait for the server, characters. */
  maxOwed: number;
}

/** A server that behaves as `tests/fixtures/servers/remote_suite_server.ts`. */
export interface SuiteServer extends AsyncDisposable {
  open(events: WireEvents, bounds: WireBounds): Wire;
}

/** One kind of wire. */
export interface WireKind {
  /** For the names of the tests. */
  name: string;
  /** Starts a server of its own for each test. */
  start(): Promise<SuiteServer>;
  /** Whether the connection survives its server. Default false: its end is the end of the wire. */
  outlivesServer?: boolean;
}

/** Milliseconds that are plenty even for a busy machine: a bound, never a measure. */
const PLENTY_MS = 20_000;
const GRACE = { eofMs: 2000, termMs: 2000 };
const BOUNDS: WireBounds = { maxLineLength: 10 << 20, maxOwed: 1 << 20 };

/** A wire and all it has told. */
export class WireBench {
  readonly lines: Json[] = [];
  readonly oversize: LineEnds[] = [];
  readonly lost = new Map<number, Fault>();
  readonly ends: WireEnd[] = [];
  /** How often it was told that there is room again. */
  rooms = 0;
  readonly wire: Wire;
  #lastId = 0;
  #wake = Promise.withResolvers<void>();

  constructor(open: (events: WireEvents) => Wire) {
    const tell = (action: () => void) => {
      assert.deepEqual(this.ends, [], "something was told after the end");
      action();
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    };
    let isOpen = false;
    this.wire = open({
      onLine: (line) =>
        tell(() => {
          assert.ok(isOpen, "a line before the wire was there");
          assert.doesNotMatch(line, /[\r\n]/);
          this.lines.push(JSON.parse(line));
        }),
      onOversizeLine: (ends) => tell(() => this.oversize.push(ends)),
      onLost: (id, fault) => tell(() => this.lost.set(id, fault)),
      onRoom: () =>
        tell(() => {
          assert.ok(this.wire.room > 0, "told of room that is not there");
          this.rooms++;
        }),
      onEnd: (end) => tell(() => this.ends.push(end)),
    });
    isOpen = true;
  }

  /** Waits until `condition` holds; looked at after everything the wire tells. */
  async until(condition: () => boolean, what: string): Promise<void> {
    const all = async () => {
      while (!condition()) await this.#wake.promise;
    };
    await within(all(), `${what}; told were ${JSON.stringify(this.lines).slice(0, 500)}`);
  }

  /** Sends a request. @returns its id. */
  request(method: string, params: Json = {}): number {
    const id = ++this.#lastId;
    assert.ok(this.wire.send(JSON.stringify({ jsonrpc: "2.0", id, method, params })), method);
    return id;
  }

  /** The result of the request `id`. */
  async result(id: number): Promise<Json> {
    const isIt = (line: Json) => line.id === id && line.method === undefined;
    await this.until(() => this.lines.some(isIt) || this.lost.has(id), `answer to ${id}`);
    assert.equal(this.lost.get(id), undefined);
    return this.lines.find(isIt).result;
  }

  call(method: string, params: Json = {}): Promise<Json> {
    return this.result(this.request(method, params));
  }

  notify(method: string, params: Json = {}): void {
    assert.ok(this.wire.send(JSON.stringify({ jsonrpc: "2.0", method, params })));
  }

  /** The handshake. */
  async initialize(): Promise<void> {
    const { protocolVersion } = await this.call("initialize", { protocolVersion: "2025-11-25" });
    this.wire.agreed?.(protocolVersion);
    this.notify("notifications/initialized");
  }

  /** Waits until the server has taken everything; nothing tells when. */
  async untilNothingOwed(): Promise<void> {
    const end = performance.now() + PLENTY_MS;
    while (this.wire.owed > 0) {
      assert.ok(performance.now() < end, `${this.wire.owed} are owed for ever`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async end(): Promise<WireEnd> {
    await this.until(() => this.ends.length > 0, "the end");
    return this.ends[0];
  }
}

/** Declares the suite. */
export function testWireKind(kind: WireKind): void {
  const test = (what: string, body: (bench: WireBench) => Promise<void>) =>
    Deno.test(`${kind.name}: ${what}`, async () => {
      await using server = await kind.start();
      const bench = new WireBench((events) => server.open(events, BOUNDS));
      try {
        await bench.initialize();
        await body(bench);
      } finally {
        await within(bench.wire.close(GRACE), "closing");
      }
      assert.equal(bench.ends.length, 1);
      assert.equal(bench.wire.writable, false);
      assert.equal(bench.wire.send('{"jsonrpc":"2.0","id":1,"method":"echo"}'), false);
    });

  test("what goes in comes out", async (bench) => {
    assert.deepEqual(await bench.call("echo", { text: 'é😀\u2028"\n\r\\' }), {
      text: 'é😀\u2028"\n\r\\',
    });
    await bench.untilNothingOwed();
  });

  test("many requests at once get each its answer", async (bench) => {
    const ids = Array.from({ length: 100 }, (_, i) => bench.request("echo", { text: `${i}` }));
    const texts = await Promise.all(ids.map(async (id) => (await bench.result(id)).text));
    assert.deepEqual(texts, ids.map((_, i) => `${i}`));
    assert.equal(bench.lines.length, 101);
  });

  test("notifications before an answer come before it, in order", async (bench) => {
    const id = bench.request("notify");
    await bench.result(id);
    const told = bench.lines.slice(1).map((line) => line.params?.step ?? line.id);
    assert.deepEqual(told, [1, 2, id]);
  });

  test("a question of the server's reaches the client, and the answer the server", async (bench) => {
    const id = bench.request("ask");
    await bench.until(() => bench.lines.some(({ method }) => method === "question"), "question");
    const question = bench.lines.find(({ method }) => method === "question");
    const answer = { jsonrpc: "2.0", id: question.id, result: { said: "yes" } };
    assert.ok(bench.wire.send(JSON.stringify(answer)));
    assert.deepEqual(await bench.result(id), { heard: { said: "yes" } });
  });

  test("messages of 8 MiB, either way", async (bench) => {
    const text = "y".repeat(8 << 20);
    // More than may wait: with nothing before it, it goes.
    await bench.untilNothingOwed();
    assert.equal((await bench.call("echo", { text })).text.length, text.length);
    assert.equal((await bench.call("big", { length: text.length })).text.length, text.length);
  });

  test("what waits for the server is bounded", async (bench) => {
    await bench.untilNothingOwed();
    const id = bench.request("echo", { text: "z".repeat(8 << 20) });
    const big = { jsonrpc: "2.0", id: 77, method: "echo", params: { text: "z".repeat(2 << 20) } };
    assert.equal(bench.wire.send(JSON.stringify(big)), false);
    await bench.result(id);
    await bench.untilNothingOwed();
    assert.deepEqual(await bench.call("echo", { text: "a" }), { text: "a" });
  });

  test("room that calls wait for is told once, and is there", async (bench) => {
    await bench.untilNothingOwed();
    assert.equal(bench.rooms, 0);
    assert.ok(bench.wire.room > 0);
    const first = bench.request("echo", { text: "z".repeat(8 << 20) });
    assert.ok(bench.wire.room <= 0);
    await bench.until(() => bench.rooms > 0, "room");
    // With room, a message of any length is taken.
    const second = bench.request("echo", { text: "z".repeat(8 << 20) });
    for (const id of [first, second]) {
      assert.equal((await bench.result(id)).text.length, 8 << 20);
    }
    await bench.untilNothingOwed();
    assert.equal(bench.rooms, 2);
  });

  test("an answer to nobody is passed on like any other", async (bench) => {
    await bench.call("stray");
    assert.ok(bench.lines.some(({ id }) => id === 999_999));
  });

  test("a cancellation reaches the server, and nothing is told of the call", async (bench) => {
    const held = bench.request("hold");
    // It has arrived once the one after it has, or at least has a stream of its own.
    await bench.call("notify");
    bench.notify("notifications/cancelled", { requestId: held, reason: "test" });
    assert.deepEqual(await bench.call("cancelled"), { cancelled: [held] });
    assert.equal(bench.lost.has(held), false);
  });

  test("a message beyond the limit loses its own call and no other", async (bench) => {
    const other = bench.request("ask");
    const id = bench.request("big", { length: 12 << 20 });
    await bench.until(() => bench.oversize.length > 0 || bench.lost.size > 0, "news of it");
    const lost = bench.oversize.flatMap(salvageAnswerIds).concat([...bench.lost.keys()]);
    assert.deepEqual(lost, [id]);
    for (const fault of bench.lost.values()) assert.equal(fault.reason, "upstream_invalid");
    await bench.until(() => bench.lines.some(({ method }) => method === "question"), "question");
    const question = bench.lines.find(({ method }) => method === "question").id;
    assert.ok(bench.wire.send(JSON.stringify({ jsonrpc: "2.0", id: question, result: 1 })));
    assert.deepEqual(await bench.result(other), { heard: 1 });
  });

  test("the death of the server is told for every call it has", async (bench) => {
    const held = [bench.request("hold"), bench.request("hold")];
    await bench.call("notify");
    held.push(bench.request("die"));
    if (kind.outlivesServer) {
      await bench.until(() => held.every((id) => bench.lost.has(id)), "the loss of every call");
      for (const fault of bench.lost.values()) {
        assert.equal(fault.reason, "upstream_exited");
        assert.equal(fault.details.retryable, false);
      }
    } else {
      const { how, notExecuted = [] } = await bench.end();
      assert.notEqual(how, "");
      assert.deepEqual(notExecuted, []);
      assert.equal(bench.wire.writable, false);
    }
  });

  test("closing ends it once, with calls in flight, and nothing comes after", async (bench) => {
    bench.request("hold");
    await bench.call("notify");
    await within(Promise.all([bench.wire.close(GRACE), bench.wire.close(GRACE)]), "closing twice");
    await bench.end();
    assert.equal(bench.lost.size, 0);
  });
}

/** `promise`, or a failure that says what did not happen. */
async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  assert.ok(await settlesWithin(promise, PLENTY_MS), `Not within ${PLENTY_MS} ms: ${what}`);
  return await promise;
}
