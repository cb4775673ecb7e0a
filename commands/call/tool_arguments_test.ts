import assert from "node:assert/strict";
import {
  checkArguments,
  describeType,
  readJson,
  readPairs,
  WrongArguments,
} from "./tool_arguments.ts";
import type { JsonObject } from "../../protocol/json.ts";

const schema = {
  $schema: "http://json-schema.org/draft-07/schema#",
  type: "object",
  properties: {
    text: { type: "string" },
    count: { type: "integer" },
    ratio: { type: "number" },
    on: { type: "boolean" },
    mode: { enum: ["fast", "slow"] },
    tags: { type: "array", items: { type: "string" } },
    sizes: { type: "array", items: { type: "integer" } },
    options: { type: "object", properties: { deep: { type: "boolean" } }, required: ["deep"] },
    maybe: { anyOf: [{ type: "number" }, { type: "null" }] },
    either: { type: ["string", "number"] },
    any: {},
  },
  required: ["text"],
  additionalProperties: false,
};

function wrong(pattern: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof WrongArguments);
    assert.match(error.message, pattern);
    return true;
  };
}

Deno.test("pairs: values are what the schema types them", () => {
  const cases: [string[], JsonObject][] = [
    [["text=1", "count=2", "ratio=0.5", "on=true"], { text: "1", count: 2, ratio: 0.5, on: true }],
    [["text=a=b "], { text: "a=b " }],
    [["text="], { text: "" }],
    [["mode=fast"], { mode: "fast" }],
    [["tags=a"], { tags: ["a"] }],
    [["tags=a", "tags=b"], { tags: ["a", "b"] }],
    [['tags=["a","b"]'], { tags: ["a", "b"] }],
    [["sizes=1", "sizes=2"], { sizes: [1, 2] }],
    [['options={"deep":true}'], { options: { deep: true } }],
    [["maybe=null"], { maybe: null }],
    [["either=7", "text=x"], { either: 7, text: "x" }],
    [["either=seven"], { either: "seven" }],
    [["any=word"], { any: "word" }],
    [["any=[1]"], { any: [1] }],
  ];
  for (const [words, expected] of cases) assert.deepEqual(readPairs(words, schema), expected);
});

Deno.test("pairs: what the schema does not have is named, with what was meant", () => {
  const cases: [string[], RegExp][] = [
    [["txet=1"], /^unknown key "txet": did you mean text\?$/],
    [["zzzzzzzz=1"], /^unknown key "zzzzzzzz": known are text, count, /],
    [["count=many"], /^key "count" must be integer, and is "many"$/],
    [["count=1.5"], /^key "count" must be integer, and is "1.5"$/],
    [["on=yes"], /^key "on" must be boolean, and is "yes"$/],
    [["sizes=1", "sizes=x"], /^key "sizes" must be integer, and is "x"$/],
    [["text=a", "text=b"], /^key "text" is given 2 times and is no list$/],
    [["word"], /^"word" is not of the form key=value$/],
    [["=x"], /^"=x" is not of the form key=value$/],
    [["__proto__=x"], /^unknown key "__proto__"/],
  ];
  for (const [words, message] of cases) {
    assert.throws(() => readPairs(words, schema), wrong(message), words.join(" "));
  }
  // A schema that says nothing takes everything.
  assert.deepEqual(readPairs(["a=1", "b=x"], { type: "object" }), { a: 1, b: "x" });
});

Deno.test("arguments: every missing, unknown and wrong key is named before the call", async () => {
  const cases: [JsonObject, RegExp][] = [
    [{}, /^missing key "text" \(string\)$/],
    [{ text: 7 }, /^key "text" must be string, and is 7$/],
    [{ text: "a", txt: 1 }, /^unknown key "txt": did you mean text\?$/],
    [{ text: "a", mode: "medium" }, /^key "mode" must be one of "fast", "slow", and is "medium"$/],
    [{ text: "a", tags: ["a", 1] }, /^key "tags\.1" must be string, and is 1$/],
    [{ text: "a", options: {} }, /^missing key "options\.deep" \(boolean\)$/],
    [{ count: "x" }, /missing key "text" \(string\).*key "count" must be integer, and is "x"/],
  ];
  for (const [args, message] of cases) {
    await assert.rejects(checkArguments(args, schema), wrong(message));
  }
  await checkArguments({ text: "a", maybe: null }, schema);
  // What is no schema checks nothing: the server decides.
  await checkArguments({ a: 1 }, { type: "nonsense" });
});

Deno.test("arguments: JSON that is no object is told with its source", () => {
  assert.deepEqual(readJson('{"a":1}', "--args"), { a: 1 });
  assert.throws(
    () => readJson("[1]", "--args"),
    wrong(/^--args must be a JSON object, and is \[1\]/),
  );
  assert.throws(() => readJson("{", "standard input"), wrong(/^standard input is not JSON \(/));
});

Deno.test("types are told in words", () => {
  assert.deepEqual(
    Object.values(schema.properties).map(describeType),
    [
      "string",
      "integer",
      "number",
      "boolean",
      'one of "fast", "slow"',
      "list of string",
      "list of integer",
      "object",
      "number or null",
      "string or number",
      "any value",
    ],
  );
});
