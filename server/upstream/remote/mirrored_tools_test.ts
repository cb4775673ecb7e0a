import assert from "node:assert/strict";
import { FakeLog } from "../../../tests/fixtures/instances.ts";
import { MirroredTools } from "./mirrored_tools.ts";

const list = (...tools: unknown[]) => JSON.stringify({ jsonrpc: "2.0", id: 1, result: { tools } });
const tool = (name: string, properties: Record<string, unknown>) => ({
  name,
  inputSchema: { type: "object", properties },
});
const REGION = { region: { type: "string", "x-mcp-header": "Region" } };

Deno.test("what a list says of a tool is in the headers of its calls", () => {
  const tools = new MirroredTools({ server: "fake", log: new FakeLog() });
  const text = list(tool("a", REGION), tool("b", {}));
  assert.equal(tools.onList(text), text);
  const args = { region: "Grüße" };
  assert.deepEqual(tools.headersFor("a", args), { "mcp-param-region": "=?base64?R3LDvMOfZQ==?=" });
  for (const none of [{}, { region: null }, undefined]) {
    assert.deepEqual(tools.headersFor("a", none), {});
  }
  for (const other of ["b", "c", undefined]) assert.deepEqual(tools.headersFor(other, args), {});
  tools.onList(list(tool("a", {})));
  assert.deepEqual(tools.headersFor("a", args), {}, "it is another tool now");
});

Deno.test("a tool whose schema says it wrongly is left out, alone, and that is logged once", () => {
  const log = new FakeLog();
  const tools = new MirroredTools({ server: "fake", log });
  const bad = tool("bad", { a: { type: "number", "x-mcp-header": "A" } });
  for (let time = 0; time < 2; time++) {
    const { result, id } = JSON.parse(tools.onList(list(tool("a", REGION), bad)));
    assert.deepEqual([id, result.tools], [1, [tool("a", REGION)]]);
  }
  assert.deepEqual(log.lines.map(({ level, fields }) => [level, fields.tool]), [["warn", "bad"]]);
});

Deno.test("what is no list passes as it is", () => {
  const tools = new MirroredTools({ server: "fake", log: new FakeLog() });
  tools.onList(list(tool("a", REGION)));
  for (
    const text of [
      "{",
      '{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"x-mcp-header"}}',
      '{"jsonrpc":"2.0","id":1,"result":{"tools":"x-mcp-header"}}',
      list("x-mcp-header", { name: 7 }),
    ]
  ) assert.equal(tools.onList(text), text);
});
