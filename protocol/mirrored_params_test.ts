import assert from "node:assert/strict";
import { mirroredParams, mirroredValue } from "./mirrored_params.ts";

/** A schema with these properties. */
const object = (properties: Record<string, unknown>) => ({ type: "object", properties });

Deno.test("what a schema wants mirrored is found along its properties", () => {
  const schema = object({
    region: { type: "string", "x-mcp-header": "Region" },
    level: { type: "integer", "x-mcp-header": "Level" },
    deep: object({
      er: object({ est: { type: "boolean", "x-mcp-header": "!#$%&'*+-.^_`|~09Az" } }),
    }),
    plain: { type: "string" },
    "x-mcp-header": { type: "string" },
    properties: { type: "string", "x-mcp-header": "Named-As-A-Keyword" },
  });
  assert.deepEqual(mirroredParams(schema), [
    { header: "Region", path: ["region"], isInteger: false },
    { header: "Level", path: ["level"], isInteger: true },
    { header: "!#$%&'*+-.^_`|~09Az", path: ["deep", "er", "est"], isInteger: false },
    { header: "Named-As-A-Keyword", path: ["properties"], isInteger: false },
  ]);
  for (const none of [undefined, 7, {}, { properties: [] }, object({ a: true })]) {
    assert.deepEqual(mirroredParams(none), []);
  }
});

Deno.test("a schema that says it in a way that it must not is invalid", () => {
  const string = (header: unknown) => ({ type: "string", "x-mcp-header": header });
  const invalid: unknown[] = [
    ...["", "a b", "a:b", "é", "a\n", "\u0001", 7, null, {}].map((name) =>
      object({ a: string(name) })
    ),
    ...["object", "array", "null", "number", undefined, ["string"]].map((type) =>
      object({ a: { type, "x-mcp-header": "A" } })
    ),
    object({ a: string("A"), b: string("A") }),
    object({ a: string("My-Field"), b: object({ c: string("my-field") }) }),
    string("At-The-Root"),
    object({ a: { type: "array", items: string("A") } }),
    object({ a: { type: "object", additionalProperties: string("A") } }),
    { anyOf: [object({ a: string("A") })] },
    { if: object({ a: string("A") }) },
    { not: object({ a: string("A") }) },
    { $defs: { a: object({ a: string("A") }) } },
    object({ a: { oneOf: [string("A")] } }),
    { patternProperties: { "^a": string("A") } },
  ];
  for (const schema of invalid) {
    assert.ok("invalid" in mirroredParams(schema), JSON.stringify(schema));
  }
});

Deno.test("a schema that is too deep or too large is looked into so far and no further", () => {
  let deep: unknown = { type: "string", "x-mcp-header": "Deep" };
  for (let level = 0; level < 10_000; level++) deep = object({ a: deep });
  assert.deepEqual(mirroredParams(deep), []);
  const wide = object(Object.fromEntries(
    Array.from({ length: 200_000 }, (_, index) => [`p${index}`, { type: "string" }]),
  ));
  assert.deepEqual(mirroredParams(wide), []);
});

Deno.test("the value of an argument is what a header can say", () => {
  const at = (...path: string[]) => ({ header: "X", path, isInteger: false });
  const args = { a: "x", b: 42, c: false, d: { e: "" }, f: null, g: [], h: {} };
  assert.deepEqual(
    [at("a"), at("b"), at("c"), at("d", "e")].map((param) => mirroredValue(args, param)),
    ["x", "42", "false", ""],
  );
  for (const param of [at("f"), at("g"), at("h"), at("i"), at("a", "b"), at("constructor")]) {
    assert.equal(mirroredValue(args, param), undefined);
  }
  assert.equal(mirroredValue(undefined, at("a")), undefined);
});
