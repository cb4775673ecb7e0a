import assert from "node:assert/strict";
import { META } from "../../protocol/modern.ts";
import { Endpoints, stdioEntry } from "../../tests/fixtures/endpoints.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import type { FakeWire, Json } from "../../tests/fixtures/fake_wire.ts";
import { ModernClient, type ModernReply } from "../../tests/fixtures/modern_client.ts";

/** A legacy server that logs, played by the test, and clients that have no name. */
class Bench {
  readonly all = new Endpoints();
  readonly endpoint = this.all.endpoint();
  readonly client = new ModernClient(this.all, this.endpoint, { capabilities: {} });
  #started = false;

  get wire(): FakeWire {
    return this.all.wire();
  }

  /** A client calls, and wants to hear everything. @returns what came of it, and its id at the server. */
  async call(): Promise<{ reply: ModernReply; id: number }> {
    const reply = this.client.call("tools/call", { name: "x" }, {
      meta: { [META.logLevel]: "debug" },
    });
    await settle();
    if (!this.#started) this.wire.initialize({ capabilities: { tools: {}, logging: {} } });
    this.#started = true;
    let id: number | undefined;
    // The daemon's own questions, and a call may wait for their answers.
    for (let round = 0; round < 3; round++) {
      await settle();
      for (const sent of this.wire.take()) {
        if (sent.method === "tools/call") id = sent.id;
        else if (sent.id !== undefined) this.wire.answer(sent.id);
      }
    }
    assert.ok(id !== undefined, "the server has the call");
    return { reply, id };
  }

  log(data: string): void {
    this.wire.line({
      jsonrpc: "2.0",
      method: "notifications/message",
      params: { level: "info", data },
    });
  }
}

const heard = ({ notified }: ModernReply) => notified.map(({ params }: Json) => params.data);

Deno.test("each of them hears what is logged for its own call", async () => {
  const bench = new Bench();
  for (const data of ["one", "two", "three"]) {
    const { reply, id } = await bench.call();
    bench.log(data);
    bench.wire.answer(id);
    assert.deepEqual(heard(reply), [data]);
  }
});

Deno.test("what a server goes on to say for one that left is not told to the next one", async () => {
  const bench = new Bench();
  const first = await bench.call();
  first.reply.leave();
  const second = await bench.call();
  bench.log("of the first");
  assert.deepEqual([heard(first.reply), heard(second.reply)], [[], []]);
});

Deno.test("what a server says of its own accord is told to none of them", async () => {
  const bench = new Bench();
  const first = await bench.call();
  bench.wire.answer(first.id);
  bench.log("a timer of the first");
  const second = await bench.call();
  bench.log("the same timer");
  assert.deepEqual([heard(first.reply), heard(second.reply)], [[], []]);
});

Deno.test("the last words of a process that worked for several are told to none of them", async () => {
  const bench = new Bench();
  const first = await bench.call();
  bench.wire.answer(first.id);
  const second = await bench.call();
  bench.wire.end("was ended by SIGKILL", "the first one's secret");
  assert.equal(second.reply.outcome, "upstream_exited");
  assert.doesNotMatch(second.reply.texts.join(), /secret/);
});

Deno.test("many of them delay the call of a client with a session by one place", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint(
    stdioEntry("fake", { sharing: { mode: "serial", from: "config" } }),
  );
  const legacy = all.client("legacy", endpoint);
  const initialized = endpoint.initialize(legacy.session, {});
  await settle();
  all.wire().initialize();
  await initialized;
  const nameless = new ModernClient(all, endpoint, { capabilities: {} });
  for (let n = 0; n < 100; n++) nameless.call("tools/call", { name: "nameless" });
  legacy.call("tools/call", { name: "legacy" });
  nameless.call("tools/call", { name: "nameless" });
  const names: string[] = [];
  for (let n = 0; n < 3; n++) {
    const [{ id, params }] = all.wire().take();
    names.push(params.name);
    all.wire().answer(id);
  }
  assert.deepEqual(names, ["nameless", "nameless", "legacy"]);
});
