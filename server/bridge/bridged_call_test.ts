import assert from "node:assert/strict";
import { Endpoints } from "../../tests/fixtures/endpoints.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import type { FakeWire } from "../../tests/fixtures/fake_wire.ts";
import { ModernClient } from "../../tests/fixtures/modern_client.ts";

const TOOL = { name: "x" };

/** A legacy server that runs, played by the test, and a modern client without a name. */
class Bench {
  readonly all = new Endpoints();
  readonly endpoint = this.all.endpoint();
  readonly client = new ModernClient(this.all, this.endpoint);

  /** The connection opened last; it is initialized if it was not. */
  async wire(): Promise<FakeWire> {
    await settle();
    const wire = this.all.wire();
    if (!this.#initialized.has(wire)) wire.initialize({ capabilities: { tools: {}, logging: {} } });
    this.#initialized.add(wire);
    await settle();
    return wire;
  }

  readonly #initialized = new Set<FakeWire>();

  /** The id of the one call that the server was given. */
  async given(): Promise<number> {
    const [call, ...more] = (await this.wire()).take();
    assert.deepEqual([call.method, more], ["tools/call", []]);
    return call.id;
  }

  /** Long enough for questions to be collected. */
  async collect(): Promise<void> {
    await settle();
    this.all.clock.advance(15);
    await settle();
  }
}

Deno.test("an answer that is no JSON is told, and nobody waits for it for ever", async () => {
  const deep = `${"[".repeat(50_000)}12345678901234567890${"]".repeat(50_000)}`;
  for (const result of ['{"value":NaN}', `{"value":${deep}}`]) {
    const bench = new Bench();
    const reply = bench.client.call("tools/call", TOOL);
    const id = await bench.given();
    bench.all.wire().line(`{"jsonrpc":"2.0","id":${id},"result":${result}}`);
    assert.equal(reply.outcome, "upstream_invalid");
    assert.deepEqual(bench.all.log.errors, []);
  }
});
