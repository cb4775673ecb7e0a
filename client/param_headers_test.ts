import assert from "node:assert/strict";

import { META } from "../protocol/modern.ts";
import type { JsonObject } from "./jsonrpc.ts";
import { ParamHeaders } from "./param_headers.ts";

const _meta = { [META.protocolVersion]: "2026-07-28" };

function tool(name: string, properties: JsonObject): JsonObject {
  return { name, inputSchema: { type: "object", properties } };
}

Deno.test("param headers: the method, its subject and the revision stand in the headers", () => {
  const headers = new ParamHeaders("tester");
  assert.deepEqual(headers.of("prompts/get", { name: "a b", _meta }), {
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "prompts/get",
    "mcp-name": "a b",
  });
  assert.deepEqual(headers.of("tools/list", { name: "nothing of it", _meta }), {
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/list",
  });
});

Deno.test("param headers: arguments of a listed tool are repeated, and only those that are there", () => {
  const headers = new ParamHeaders("tester");
  const region = { type: "string", "x-mcp-header": "Region" };
  const dry = { type: "boolean", "x-mcp-header": "Dry" };
  headers.learn({ tools: [tool("query", { region, dry })] });
  const of = (args: JsonObject) =>
    headers.of("tools/call", { name: "query", arguments: args, _meta });
  assert.equal(of({ region: "zürich" })["mcp-param-region"], "=?base64?esO8cmljaA==?=");
  assert.equal(of({ dry: false })["mcp-param-dry"], "false");
  assert.ok(!("mcp-param-region" in of({ region: null })));
  // A tool that has changed its mind.
  headers.learn({ tools: [tool("query", { region: { type: "string" } })] });
  assert.ok(!("mcp-param-region" in of({ region: "eu" })));
});

Deno.test("param headers: a tool that wants impossible headers is left out, and named once", () => {
  const warnings: string[] = [];
  const headers = new ParamHeaders("tester", { warn: (message) => warnings.push(message) });
  const good = tool("good", {});
  const bad = tool("bad", { a: { type: "string", "x-mcp-header": "not a token" } });
  for (let times = 0; times < 2; times++) {
    assert.deepEqual(headers.learn({ tools: [good, bad], nextCursor: "x" }), {
      tools: [good],
      nextCursor: "x",
    });
  }
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /The tool "bad" of server "tester" is left out.*not a token/);
});
