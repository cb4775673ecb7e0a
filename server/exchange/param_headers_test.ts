import assert from "node:assert/strict";
import type { JsonObject } from "../../protocol/json.ts";
import { checkParamHeaders } from "./param_headers.ts";

const SCHEMA = {
  type: "object",
  properties: {
    region: { type: "string", "x-mcp-header": "Region" },
    level: { type: "integer", "x-mcp-header": "Level" },
    dry: { type: "boolean", "x-mcp-header": "Dry-Run" },
    deep: { type: "object", properties: { er: { type: "string", "x-mcp-header": "Deep" } } },
    plain: { type: "string" },
  },
};

/** Whether arguments and headers are found to say the same. */
function agree(args: unknown, headers: Record<string, string>, inputSchema: unknown = SCHEMA) {
  const fault = checkParamHeaders({
    params: { name: "x", arguments: args },
    paramHeaders: () => new Map(Object.entries(headers)),
  }, new Map([["x", { name: "x", inputSchema } as JsonObject]]));
  assert.equal(fault?.code, fault === undefined ? undefined : -32020);
  return fault === undefined;
}

Deno.test("a header says the same as its argument", () => {
  const same: [JsonObject, Record<string, string>][] = [
    [{ region: "us-west1" }, { region: "us-west1" }],
    [{ region: "" }, { region: "" }],
    [{ region: "Grüße" }, { region: "=?base64?R3LDvMOfZQ==?=" }],
    [{ region: "=?base64?SGVsbG8=" }, { region: "=?base64?SGVsbG8=" }],
    [{ region: "SGVsbG8=" }, { region: "SGVsbG8=" }],
    [{ level: 42 }, { level: "42" }],
    [{ level: 42 }, { level: "42.0" }],
    [{ level: -7 }, { level: "-7" }],
    [{ dry: true }, { "dry-run": "true" }],
    [{ deep: { er: "a" } }, { deep: "a" }],
  ];
  for (const [args, headers] of same) assert.ok(agree(args, headers), JSON.stringify(args));
});

Deno.test("a header that says something else, nothing, or what nobody can read, is a mismatch", () => {
  const different: [JsonObject, Record<string, string>][] = [
    [{ region: "us-west1" }, { region: "us-east1" }],
    [{ region: "us-west1" }, { region: "US-WEST1" }],
    [{ region: "us-west1" }, {}],
    [{ region: "Hello" }, { region: "=?base64?SGVsbG8?=" }],
    [{ region: "Hello" }, { region: "=?base64?SGVs!!!bG8=?=" }],
    [{ region: "Hello" }, { region: "=?base64?//79?=" }],
    [{ region: "42" }, { region: "42.0" }],
    [{ level: 42 }, { level: "0x2a" }],
    [{ level: 42 }, { level: "43" }],
    [{ level: 42 }, { level: "" }],
    [{ dry: true }, { "dry-run": "True" }],
    [{ deep: { er: "a" } }, { deep: "b" }],
  ];
  for (const [args, headers] of different) assert.ok(!agree(args, headers), JSON.stringify(args));
});

Deno.test("no header is expected for what is not there, or cannot stand in one", () => {
  for (const args of [undefined, {}, { region: null }, { region: ["a"] }, { deep: "a" }, 7, null]) {
    assert.ok(agree(args, {}), JSON.stringify(args));
  }
  assert.ok(agree({ plain: "a" }, { plain: "b" }), "nobody asked for this one");
  assert.ok(agree({ __proto__: { region: "a" } }, {}));
});

Deno.test("a schema that says it wrongly says nothing", () => {
  const twice = {
    properties: {
      a: { type: "string", "x-mcp-header": "Same" },
      b: { type: "string", "x-mcp-header": "same" },
    },
  };
  for (
    const schema of [
      twice,
      { properties: { a: { type: "string", "x-mcp-header": "" } } },
      undefined,
      7,
    ]
  ) assert.ok(agree({ a: "1", b: "2" }, {}, schema), JSON.stringify(schema));
});

Deno.test("what is not known cannot be compared", () => {
  const call = (params: JsonObject | undefined, paramHeaders?: Map<string, string>) =>
    checkParamHeaders(
      { params, paramHeaders: paramHeaders && (() => paramHeaders) },
      new Map([["x", { inputSchema: SCHEMA } as JsonObject]]),
    );
  assert.equal(call({ name: "unknown", arguments: { region: "a" } }, new Map()), undefined);
  assert.equal(call(undefined, new Map()), undefined);
  assert.equal(call({ name: "x", arguments: { region: "a" } }), undefined, "no headers there");
});
