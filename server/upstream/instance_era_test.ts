import assert from "node:assert/strict";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import { InstanceBench } from "../../tests/fixtures/instances.ts";
import type { KnownEra } from "./handshake.ts";

const VERSION = "io.modelcontextprotocol/protocolVersion";
const DISCOVERED = {
  resultType: "complete",
  supportedVersions: ["2026-07-28"],
  capabilities: { tools: {} },
  _meta: { "io.modelcontextprotocol/serverInfo": { name: "new", version: "2" } },
  instructions: "Be brief.",
};
const INITIALIZED = {
  protocolVersion: "2025-11-25",
  capabilities: { tools: {} },
  serverInfo: { name: "old", version: "1" },
};

/** A server whose era is found out. */
class Bench extends InstanceBench {
  readonly learned: KnownEra[] = [];

  constructor(known?: KnownEra) {
    super({ knownEra: () => known, onEra: (era) => void this.learned.push(era) });
  }

  /** Begins to start; what is asked first. */
  async begin() {
    const ready = this.instance.ready();
    ready.catch(() => {}); // Looked at where it matters.
    await settle();
    return { ready, first: this.next() };
  }

  /** The one message that was sent. */
  next() {
    const [only, ...more] = this.wires.last.take();
    assert.deepEqual(more, []);
    return only;
  }
}

Deno.test("a server that answers the probe is modern, and every call to it says who makes it", async () => {
  const bench = new Bench();
  const { ready, first } = await bench.begin();
  assert.equal(first.method, "server/discover");
  assert.equal(first.params._meta[VERSION], "2026-07-28");
  bench.wires.last.answer(first.id, DISCOVERED);
  assert.deepEqual(await ready, {
    protocolVersion: "2026-07-28",
    capabilities: { tools: {} },
    serverInfo: { name: "new", version: "2" },
    instructions: "Be brief.",
  });
  assert.deepEqual(bench.learned, ["modern"]);
  bench.call("a", { params: { name: "x", _meta: { progressToken: "t", other: 1 } } });
  const { params } = bench.next();
  assert.equal(params._meta[VERSION], "2026-07-28");
  assert.equal(params._meta.other, 1);
  assert.equal(typeof params._meta.progressToken, "number");
});

Deno.test("what a modern client says of itself travels on as it is", async () => {
  const bench = new Bench();
  const { ready, first } = await bench.begin();
  bench.wires.last.answer(first.id, DISCOVERED);
  await ready;
  const meta = { [VERSION]: "2026-07-28", "io.modelcontextprotocol/clientCapabilities": { x: 1 } };
  bench.call("a", { params: { _meta: meta } });
  assert.deepEqual(bench.next().params._meta, meta);
});

Deno.test("any other answer, and silence, mean a legacy server", async () => {
  for (const answer of ["error", "nonsense", "silence"] as const) {
    const bench = new Bench();
    const { ready, first } = await bench.begin();
    const wire = bench.wires.last;
    if (answer === "silence") bench.clock.advance(5000);
    else if (answer === "nonsense") wire.answer(first.id, { tools: [] });
    else wire.line({ jsonrpc: "2.0", id: first.id, error: { code: -32601, message: "?" } });
    const { id, method } = bench.next();
    assert.equal(method, "initialize", answer);
    wire.answer(id, INITIALIZED);
    assert.equal((await ready).serverInfo.name, "old");
    assert.equal(bench.next().method, "notifications/initialized");
    assert.deepEqual(bench.learned, ["legacy"]);
  }
});

Deno.test("a slow modern server that was taken for a legacy one is believed after all", async () => {
  const bench = new Bench();
  const { ready, first } = await bench.begin();
  bench.clock.advance(5000);
  const initialize = bench.next();
  bench.wires.last.answer(first.id, DISCOVERED);
  assert.equal((await ready).protocolVersion, "2026-07-28");
  const late = { jsonrpc: "2.0", id: initialize.id, error: { code: -32601 } };
  bench.wires.last.line(late);
  assert.equal(bench.state(), "ready");
  const warned = () => bench.log.lines.filter(({ message }) => /never asked/.test(message)).length;
  assert.equal(warned(), 0, "it was asked, and nobody waits for the answer");
  bench.wires.last.line(late);
  assert.equal(warned(), 1);
});

Deno.test("a server that knows other revisions is asked for one of those, and never guessed at", async () => {
  const bench = new Bench();
  const { first } = await bench.begin();
  bench.wires.last.line({
    jsonrpc: "2.0",
    id: first.id,
    error: { code: -32022, data: { supported: ["2099-01-01", "2025-06-18"] } },
  });
  const { method, params } = bench.next();
  assert.deepEqual([method, params.protocolVersion], ["initialize", "2025-06-18"]);

  const stranger = new Bench();
  const { ready, first: probe } = await stranger.begin();
  stranger.wires.last.line({
    jsonrpc: "2.0",
    id: probe.id,
    error: { code: -32022, data: { supported: ["2099-01-01"] } },
  });
  await assert.rejects(ready, /speaks no protocol revision known here/);
});

Deno.test("a server that ends at a probe is started again without one, and it is remembered", async () => {
  const bench = new Bench();
  const { ready } = await bench.begin();
  bench.wires.last.end("exited with code 1");
  await settle();
  assert.equal(bench.wires.opened.length, 2);
  const { id, method } = bench.next();
  assert.equal(method, "initialize");
  bench.wires.last.answer(id, INITIALIZED);
  await ready;
  assert.deepEqual(bench.learned, ["silent"]);
});

Deno.test("a server that ends whatever it is told fails like any other", async () => {
  const bench = new Bench();
  const { ready } = await bench.begin();
  bench.wires.last.end("exited with code 1");
  await settle();
  bench.wires.last.end("exited with code 1", "no such module");
  await assert.rejects(ready, /before it was ready/);
  assert.deepEqual(bench.learned, []);
});

Deno.test("what is remembered saves the probe, and is asked again when it is wrong", async () => {
  const known = new Bench("legacy");
  const { ready, first } = await known.begin();
  assert.equal(first.method, "initialize");
  known.wires.last.line({ jsonrpc: "2.0", id: first.id, error: { code: -32601, message: "?" } });
  const probe = known.next();
  assert.equal(probe.method, "server/discover");
  known.wires.last.answer(probe.id, DISCOVERED);
  assert.equal((await ready).protocolVersion, "2026-07-28");
  assert.deepEqual(known.learned, ["modern"]);

  const wrong = new Bench("modern");
  const begun = await wrong.begin();
  wrong.wires.last.line({ jsonrpc: "2.0", id: begun.first.id, error: { code: -32601 } });
  assert.equal(wrong.next().method, "initialize");
});
