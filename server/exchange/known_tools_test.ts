import assert from "node:assert/strict";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import { Endpoints } from "../../tests/fixtures/endpoints.ts";
import { InstanceBench } from "../../tests/fixtures/instances.ts";
import { ModernClient } from "../../tests/fixtures/modern_client.ts";
import { KnownTools } from "./known_tools.ts";

async function newBench() {
  const bench = await new InstanceBench().start();
  const { instance, clock, log } = bench;
  bench.wires.last.take();
  return { clock, wire: bench.wires.last, tools: new KnownTools({ instance, clock, log }) };
}

Deno.test("the tools of a server are read once, for all who ask, until they are forgotten", async () => {
  const { wire, tools } = await newBench();
  const readers = [tools.read(), tools.read()];
  assert.equal(tools.known, undefined);
  await settle();
  const [{ id, method }, ...more] = wire.take();
  assert.deepEqual([method, more], ["tools/list", []]);
  wire.answer(id, { tools: [{ name: "a" }, { name: "b" }] });
  for (const read of await Promise.all(readers)) assert.deepEqual([...read.keys()], ["a", "b"]);
  assert.deepEqual(await tools.read(), tools.known);
  assert.deepEqual(wire.take(), []);
  tools.forget();
  assert.equal(tools.known, undefined);
  tools.read();
  await settle();
  assert.equal(wire.take().length, 1);
});

Deno.test("a list that changes while it is read serves those who waited, and is read again", async () => {
  const { wire, tools } = await newBench();
  const read = tools.read();
  await settle();
  const [{ id }] = wire.take();
  tools.forget();
  wire.answer(id, { tools: [{ name: "a" }] });
  assert.deepEqual([...(await read).keys()], ["a"]);
  assert.equal(tools.known, undefined);
});

Deno.test("a server that is slow with its list, or refuses it, is called without", async () => {
  const { wire, tools, clock } = await newBench();
  const slow = tools.read();
  await settle();
  const [{ id }] = wire.take();
  clock.advance(10_000);
  assert.equal((await slow).size, 0);
  wire.answer(id, { tools: [{ name: "a" }] });
  await settle();
  assert.deepEqual([...tools.known!.keys()], ["a"], "it is known from then on");
  tools.forget();
  const refused = tools.read();
  await settle();
  wire.line({ jsonrpc: "2.0", id: wire.take()[0].id, error: { code: -32601, message: "no" } });
  assert.equal((await refused).size, 0);
  assert.equal(tools.known, undefined);
});

Deno.test("a modern call over HTTP is compared with its headers before the server has it", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint();
  const client = new ModernClient(all, endpoint, { capabilities: {} });
  const call = (region: string, header?: string) =>
    client.call("tools/call", { name: "x", arguments: { region } }, {
      paramHeaders: new Map(header === undefined ? [] : [["region", header]]),
    });
  const replies = [call("a", "a"), call("a", "b")];
  await settle();
  all.wire().initialize();
  await settle();
  const [list] = all.wire().take();
  assert.equal(list.method, "tools/list");
  const inputSchema = { properties: { region: { type: "string", "x-mcp-header": "Region" } } };
  all.wire().answer(list.id, { tools: [{ name: "x", inputSchema }] });
  await settle();
  assert.deepEqual(all.wire().take().map(({ params }) => params.arguments), [{ region: "a" }]);
  assert.deepEqual(replies.map(({ outcome }) => outcome), [undefined, "header_mismatch"]);
  assert.equal(call("a").outcome, "header_mismatch", "what is known is compared at once");
  assert.deepEqual(all.wire().take(), []);
  all.wire().line({ jsonrpc: "2.0", method: "notifications/tools/list_changed" });
  call("a");
  await settle();
  assert.equal(all.wire().take()[0].method, "tools/list");
  const other = new ModernClient(all, endpoint, { capabilities: {} });
  other.call("tools/call", { name: "x", arguments: { region: "a" } });
  await settle();
  assert.equal(all.wire().take()[0].method, "tools/call", "other transports have no headers");
});
