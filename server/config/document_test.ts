import assert from "node:assert/strict";
import {
  ConfigDocument,
  ConfigError,
  duplicateKeys,
  nodeAt,
  propertiesOf,
  toData,
} from "./document.ts";

function problemOf(text: string): string {
  try {
    new ConfigDocument("c.json", text);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.message, error.problems.join("\n"));
    return error.message;
  }
  throw new assert.AssertionError({ message: "the text was taken" });
}

Deno.test("comments, trailing commas and a byte order mark are welcome", () => {
  const { root } = new ConfigDocument(
    "c.json",
    '\uFEFF{ // a\n "b": [1, 2,], /* c */ "d": null, }',
  );
  assert.deepEqual(toData(root), new Map<string, unknown>([["b", [1, 2]], ["d", null]]));
});

Deno.test("places are told in lines and columns, whatever ends the lines", () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    const document = new ConfigDocument(
      "c.json",
      ["{", '  "a": {', '    "b": [1, 22]', "}}"].join(end),
    );
    assert.equal(document.at(document.root), "c.json:1:1");
    assert.equal(document.at(nodeAt(document.root, ["a", "b", 1])), "c.json:3:14");
    assert.equal(document.lineOf(nodeAt(document.root, ["a"])), 2);
  }
  const marked = new ConfigDocument("c.json", '\uFEFF{"a":1}');
  assert.equal(marked.at(nodeAt(marked.root, ["a"])), "c.json:1:6");
});

Deno.test("a path that leads nowhere ends at the deepest place on it", () => {
  const document = new ConfigDocument("c.json", '{\n"a": [true]}');
  assert.equal(document.at(nodeAt(document.root, ["a", 5, "x"])), "c.json:2:6");
  assert.equal(document.at(nodeAt(document.root, ["none"])), "c.json:1:1");
});

Deno.test("broken JSON is told with its place and what is missing", () => {
  const cases: [string, RegExp][] = [
    ['{\n  "a": 1\n  "b": 2\n}', /^c\.json:3:3: Invalid JSON: a "," is missing/],
    ['{ "a" 1 }', /^c\.json:1:7: Invalid JSON: a ":" is missing/],
    ['{ "a": }', /^c\.json:1:8: Invalid JSON: a value is missing/],
    ["{ 'a': 1 }", /^c\.json:1:3: Invalid JSON: .*double quotes/],
    ['{ "a": 1', /^c\.json:1:9: Invalid JSON: a closing "}"/],
    ['{ "a": "C:\\Users" }', /^c\.json:1:8: Invalid JSON: .*Windows paths/],
    ['{} {"a":1}', /^c\.json:1:4: Invalid JSON: more text after the end/],
  ];
  for (const [text, pattern] of cases) assert.match(problemOf(text), pattern, text);
});

Deno.test("several brackets that are not closed are one line, not one for each", () => {
  assert.equal(
    problemOf('{ "a": { "b": {'),
    'c.json:1:16: Invalid JSON: a closing "}" is missing.',
  );
});

Deno.test("broken JSON is told without the text around it, which may be a secret", () => {
  for (const text of ['{ "KEY": s3cr3t }', '{ "KEY": "s3cr3t }', '{ s3cr3t: "x" }']) {
    assert.ok(!problemOf(text).includes("s3cr3t"), text);
  }
});

Deno.test("an empty file and a file without an object are told as such", () => {
  for (const text of ["", " \n", "\uFEFF"]) assert.match(problemOf(text), /is empty: write \{\}/);
  assert.match(problemOf("[1]"), /^c\.json:1:1: The file holds an array; it must be an object/);
  assert.match(problemOf("// only a comment"), /^c\.json:1:18: Invalid JSON: a value is missing/);
});

Deno.test("nesting without end is refused, not followed", () => {
  assert.match(problemOf('{"a":'.repeat(200_000)), /^c\.json:1:501: .*deeper than 100/);
  assert.match(problemOf("[".repeat(200_000)), /deeper than 100/);
});

Deno.test("a key such as __proto__ is a key like any other", () => {
  const { root } = new ConfigDocument("c.json", '{"__proto__": {"a": 1}, "constructor": 2}');
  const properties = propertiesOf(root);
  assert.deepEqual([...properties.keys()], ["__proto__", "constructor"]);
  assert.deepEqual(properties.get("__proto__")!.value, new Map([["a", 1]]));
  assert.equal(properties.has("toString"), false);
});

Deno.test("of a key given twice the last counts, and all of its places are known", () => {
  const document = new ConfigDocument("c.json", '{"a": 1,\n"b": {"x": 1,\n"x": 2},\n"a": 3}');
  assert.deepEqual(
    toData(document.root),
    new Map<string, unknown>([["b", new Map([["x", 2]])], ["a", 3]]),
  );
  assert.deepEqual([...propertiesOf(document.root).keys()], ["b", "a"]);
  assert.equal(document.at(nodeAt(document.root, ["b", "x"])), "c.json:3:6");
  const places = duplicateKeys(document.root).map((keys) => keys.map((key) => document.at(key)));
  assert.deepEqual(places.toSorted(), [
    ["c.json:1:2", "c.json:4:1"],
    ["c.json:2:7", "c.json:3:1"],
  ]);
});

Deno.test("a very long file is no trouble", () => {
  const text = `{"a": [${"1,".repeat(300_000)}]}`;
  const { root } = new ConfigDocument("c.json", text);
  assert.equal(nodeAt(root, ["a"]).children?.length, 300_000);
  assert.deepEqual(duplicateKeys(root), []);
});
