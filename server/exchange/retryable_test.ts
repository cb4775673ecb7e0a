/**
 * What `retryable` says of a call, for every way in which it fails before or at a server: true only where
 * the server certainly has not had it. See docs/decisions/0008-retryable.md.
 */

import assert from "node:assert/strict";
import type { Reason } from "../../protocol/errors.ts";
import { Client, Endpoints, stdioEntry } from "../../tests/fixtures/endpoints.ts";
import { newSession, type NotedReply } from "../../tests/fixtures/exchange.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import type { FakeWire } from "../../tests/fixtures/fake_wire.ts";
import { ModernClient } from "../../tests/fixtures/modern_client.ts";
import { OWN } from "../../tests/fixtures/served_endpoints.ts";

/** The tool that all this is about; what else is called only prepares the moment. */
const IT = { name: "it" };

/** A server that starts and answers nothing else, and a client whose session outlives a process. */
class Bench {
  readonly all = new Endpoints();
  readonly endpoint;
  readonly client: Client;
  /** Tools that the server was asked for. */
  readonly heard: string[] = [];
  /** What it called the last of those. */
  lastId = 0;
  /** Whether it does not even start. */
  isMute = false;

  constructor(entry = stdioEntry("fake")) {
    this.endpoint = this.all.endpoint(entry);
    const { endpoint, all: { clock, exchange } } = this;
    this.client = new Client(newSession("a", { endpoint, kind: "light", clock }), exchange);
  }

  get wire(): FakeWire {
    return this.all.wire();
  }

  /** Lets what was sent arrive. */
  async flow(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      await settle();
      for (const wire of this.all.opened.flatMap(({ wires }) => wires.opened)) {
        if (!this.isMute) this.#hear(wire);
      }
    }
  }

  #hear(wire: FakeWire): void {
    for (const { id, method, params } of wire.take()) {
      if (method === "initialize") {
        const serverInfo = { name: "fake", version: "1" };
        wire.answer(id, { protocolVersion: "2025-11-25", capabilities: {}, serverInfo });
      } else if (method === "tools/call") {
        this.heard.push(params.name);
        this.lastId = id;
      }
    }
  }

  /** Calls the tool; the server has it, if it takes it. */
  async call(params = IT): Promise<NotedReply> {
    const reply = this.client.call("tools/call", params);
    await this.flow();
    return reply;
  }

  /** Another call is made and answered: the server runs. */
  async start(): Promise<this> {
    await this.call({ name: "before" });
    this.wire.answer(this.lastId);
    return this;
  }

  /** The server runs and reads nothing more. */
  async stall(): Promise<this> {
    await this.start();
    this.wire.room = 0;
    return this;
  }

  async pass(ms: number): Promise<void> {
    this.all.clock.advance(ms);
    await this.flow();
  }
}

/** How a call fails: why, whether it may be made again, and what happens. */
const CASES: [
  name: string,
  expected: [reason: Reason, retryable: boolean],
  failed: () => Promise<[Bench, NotedReply]>,
][] = [
  ["its server dies", ["upstream_exited", false], async () => {
    const bench = new Bench();
    const reply = await bench.call();
    bench.wire.end();
    return [bench, reply];
  }],
  ["the process that its client had for itself dies", ["upstream_exited", false], async () => {
    const bench = new Bench(OWN);
    const reply = await bench.call();
    bench.wire.end();
    return [bench, reply];
  }],
  ["such a process dies while the call waits for its turn", ["upstream_exited", true], async () => {
    const bench = await new Bench(OWN).stall();
    const reply = await bench.call();
    bench.wire.end();
    return [bench, reply];
  }],
  ["such a process dies, and the call only reads", ["upstream_exited", true], async () => {
    const bench = await new Bench(OWN).start();
    const reply = bench.client.call("tools/list");
    await bench.flow();
    bench.wire.end();
    return [bench, reply];
  }],
  ["such a process died before the call", ["upstream_exited", true], async () => {
    const bench = await new Bench(OWN).start();
    bench.wire.end();
    return [bench, await bench.call()];
  }],
  ["its server is silent for too long", ["upstream_timeout", false], async () => {
    const bench = new Bench();
    const reply = await bench.call();
    await bench.pass(700_000);
    return [bench, reply];
  }],
  ["it waits for its turn for too long", ["upstream_timeout", true], async () => {
    const bench = await new Bench().stall();
    const reply = await bench.call();
    await bench.pass(700_000);
    return [bench, reply];
  }],
  ["its server takes too long to start", ["upstream_timeout", true], async () => {
    const bench = new Bench();
    bench.isMute = true;
    const reply = await bench.call();
    await bench.pass(60_000);
    return [bench, reply];
  }],
  ["its server ends before it is ready", ["upstream_unavailable", true], async () => {
    const bench = new Bench();
    bench.isMute = true;
    const reply = await bench.call();
    bench.wire.end();
    return [bench, reply];
  }],
  ["its server keeps failing", ["upstream_unavailable", true], async () => {
    const bench = new Bench();
    bench.isMute = true;
    for (let start = 0; start < 3; start++) {
      await bench.call({ name: "before" });
      await bench.pass(10_000);
      bench.wire.end();
    }
    return [bench, await bench.call()];
  }],
  ["its server is stopped by hand", ["draining", false], async () => {
    const bench = new Bench();
    const reply = await bench.call();
    await bench.endpoint.stop();
    return [bench, reply];
  }],
  ["its server is stopped by hand while it waits for its turn", ["draining", true], async () => {
    const bench = await new Bench().stall();
    const reply = await bench.call();
    await bench.endpoint.stop();
    return [bench, reply];
  }],
  // Nothing helps but to start it.
  ["its server was stopped by hand before", ["upstream_unavailable", false], async () => {
    const bench = await new Bench().start();
    await bench.endpoint.stop();
    return [bench, await bench.call()];
  }],
  ["its server is configured anew, and it takes long", ["draining", false], async () => {
    const bench = new Bench();
    const reply = await bench.call();
    bench.endpoint.update(stdioEntry("fake", { args: ["new"] }));
    for (let second = 0; second < 61; second++) await bench.pass(1_000);
    return [bench, reply];
  }],
  ["the answer is no JSON", ["upstream_invalid", false], async () => {
    const bench = new Bench();
    const reply = await bench.call();
    bench.wire.line(`{"jsonrpc":"2.0","id":${bench.lastId},"result":{"half":`);
    return [bench, reply];
  }],
  ["its client has too many calls in flight", ["overloaded", true], async () => {
    const bench = new Bench();
    for (let call = 0; call < 5; call++) await bench.call({ name: "before" });
    return [bench, await bench.call()];
  }],
  ["its client cancels it", ["cancelled", false], async () => {
    const bench = new Bench();
    const reply = await bench.call();
    bench.client.cancel(1);
    return [bench, reply];
  }],
  ["its client has no name where it needs one", ["isolation_required", false], async () => {
    const bench = new Bench(OWN);
    const reply = new ModernClient(bench.all, bench.endpoint).call("tools/call", IT);
    await bench.flow();
    return [bench, reply];
  }],
  ["the daemon is stopping", ["draining", true], async () => {
    const bench = await new Bench().start();
    bench.all.exchange.drain("SIGTERM");
    return [bench, await bench.call()];
  }],
];

for (const [name, expected, failed] of CASES) {
  Deno.test(`whether a call may be made again: ${name}`, async () => {
    const [{ heard, all }, { answers }] = await failed();
    assert.equal(answers.length, 1);
    const { message, data: { reason, retryable } } = answers[0].error;
    assert.deepEqual([reason, retryable], expected);
    const wasGiven = heard.includes(IT.name);
    assert.ok(!(retryable && wasGiven), "the server has had it");
    const isCutOff = wasGiven && (reason === "draining" || reason === "upstream_exited");
    if (isCutOff) assert.match(message, /whether (?:the call|it) took effect is not known/);
    assert.deepEqual(all.log.errors, []);
  });
}
