import assert from "node:assert/strict";
import { META } from "../../protocol/modern.ts";
import { newSession, NotedReply, request } from "../../tests/fixtures/exchange.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import { InstanceBench } from "../../tests/fixtures/instances.ts";
import { Call } from "../exchange/call.ts";
import type { ClientCall } from "./client_call.ts";
import { LegacyServer } from "./modern_on_legacy.ts";

/** A legacy server that takes one call at a time, and modern clients. */
class Bench {
  readonly on = new InstanceBench({ maxCalls: 1 });
  readonly server = new LegacyServer({ instance: this.on.instance, clock: this.on.clock });
  #last = 0;

  /** A call of a client that has no name. */
  call(principal = "local") {
    const name = `tool ${++this.#last}`;
    const session = newSession(`request-${this.#last}`, { kind: "request", principal });
    const reply = new NotedReply();
    const _meta = { [META.protocolVersion]: "2026-07-28", [META.clientCapabilities]: {} };
    const call = new Call(session, request("tools/call", { params: { name, _meta } }), reply);
    this.server.request(call);
    return { call, reply, name };
  }

  /** Answers whatever the server is given. @returns the tools that were called. */
  run(): string[] {
    const called: string[] = [];
    for (
      let given = this.on.wires.last.take();
      given.length > 0;
      given = this.on.wires.last.take()
    ) {
      for (const { id, params } of given) {
        called.push(params?.name ?? "daemon's own");
        this.on.wires.last.answer(id, { content: [] });
      }
    }
    return called;
  }
}

const ANY = () => true;

Deno.test("what the server has is not taken back, and what waits is taken back once, in its order", async () => {
  const bench = new Bench();
  await bench.on.start();
  const [given, ...waiting] = [bench.call(), bench.call(), bench.call(), bench.call()];
  const taken = bench.server.withdrawWaiting(ANY);
  assert.deepEqual(taken, waiting.map(({ call }) => call));
  assert.deepEqual(bench.server.withdrawWaiting(ANY), []);
  assert.deepEqual(bench.run(), [given.name]);
  assert.deepEqual(waiting.map(({ reply }) => reply.outcome), [undefined, undefined, undefined]);
  assert.equal(given.reply.outcome, "answered");
  for (const call of taken) bench.server.request(call);
  assert.deepEqual(bench.run(), waiting.map(({ name }) => name));
  for (const { reply } of waiting) assert.equal(reply.answers.length, 1);
});

Deno.test("only what is meant is taken back; calls that are no modern client's are nobody's to take", async () => {
  const bench = new Bench();
  await bench.on.start();
  bench.call();
  const legacy = bench.on.call("legacy", { params: { name: "legacy" } });
  const [ada, ben] = [bench.call("ada"), bench.call("ben")];
  const isAdas = ({ principal }: ClientCall) => principal === "ada";
  assert.deepEqual(bench.server.withdrawWaiting(isAdas), [ada.call]);
  assert.deepEqual(bench.run(), ["tool 1", "legacy", ben.name]);
  assert.deepEqual([legacy.outcome, ben.reply.outcome], ["answered", "answered"]);
  assert.equal(ada.reply.outcome, undefined);
});

Deno.test("what waits for the server to start is taken back as well", async () => {
  const bench = new Bench();
  const waiting = [bench.call(), bench.call()];
  await settle();
  assert.deepEqual(bench.server.withdrawWaiting(ANY), waiting.map(({ call }) => call));
  bench.on.wires.last.initialize();
  await settle();
  assert.deepEqual(bench.run(), []);
});

Deno.test("a call that was taken back and is cancelled then disturbs nobody", async () => {
  const bench = new Bench();
  await bench.on.start();
  const given = bench.call();
  const waiting = bench.call();
  bench.server.withdrawWaiting(ANY);
  waiting.call.cancel("the client left");
  assert.equal(waiting.reply.outcome, "cancelled");
  assert.deepEqual(bench.run(), [given.name]);
  assert.deepEqual([given.reply.outcome, bench.on.instance.callsQueued], ["answered", 0]);
});
