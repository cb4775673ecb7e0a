import assert from "node:assert/strict";
import fc from "fast-check";
import { exactNumberText, isObject, parseJson, stringifyJson } from "./json.ts";

const EXACT_NUMBERS = [
  "12345678901234567890",
  "-12345678901234567890",
  "9007199254740993",
  "1234567890.123456789", // 19 digits, and no 16 of them in a row
  "0.1234567890123456789",
  "1e400",
  "-1E+400",
  "1.5e-400",
  "123.4E22",
  "-0",
  "-0.0",
  "-0.000",
  "1" + "0".repeat(400),
];

for (const text of EXACT_NUMBERS) {
  Deno.test(`the number ${text.slice(0, 24)} keeps its text wherever it stands`, () => {
    assert.equal(stringifyJson(parseJson(text)), text);
    assert.equal(stringifyJson(parseJson(`{"a":[${text}]}`)), `{"a":[${text}]}`);
    assert.equal(exactNumberText(parseJson(text)), text);
  });
}

Deno.test("numbers that a double holds stay numbers, also beside one that it does not", () => {
  assert.deepEqual(parseJson("[1,1.5,-0.5,123456789012345]"), [1, 1.5, -0.5, 123456789012345]);
  const [one, half, , big] = parseJson("[1,-0.5,-0.05,12345678901234567890]") as unknown[];
  assert.deepEqual([one, half, typeof big], [1, -0.5, "object"]);
  assert.equal(isObject(big), false);
});

Deno.test("an object is one however it was made, and nothing else is", () => {
  const objects = [
    {},
    parseJson('{"__proto__":null}'),
    parseJson('{"__proto__":[],"a":12345678901234567890}'),
    { ...parseJson('{"__proto__":1}') as object },
    Object.fromEntries([["__proto__", 1]]),
    Object.create(null),
    Object.create({}),
    new Map(),
  ];
  for (const value of objects) assert.equal(isObject(value), true);
  const others = [undefined, null, true, 0, "", "{}", [], [{}], () => {}, Symbol.iterator];
  for (const value of others) assert.equal(isObject(value), false);
  for (const text of EXACT_NUMBERS) assert.equal(isObject(parseJson(text)), false);
});

Deno.test("numbers keep their text in long texts as well, whatever strings stand around them", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '"',
      "\\",
      '\\"',
      "1e400",
      "-0",
      "12345678901234567890",
      "é😀",
      "\n",
      ",",
      ":",
      "{",
    ),
    fc.string({ maxLength: 10 }),
    fc.constantFrom("x".repeat(600), '"'.repeat(300), "\\".repeat(301)),
  );
  const words = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
  const part = fc.oneof(
    words.map((text) => JSON.stringify(text)),
    fc.constantFrom(...EXACT_NUMBERS, "1", "0.5", "true", "null", "[]"),
  );
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 40 }), words, (parts, key) => {
      const text = `{"padding":"${"x".repeat(1000)}",${JSON.stringify(`k${key}`)}:[${
        parts.join(",")
      }]}`;
      assert.equal(stringifyJson(parseJson(text)), text);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a key is never taken for one of an object that was parsed before", () => {
  const ends = ["\n", "\\", '"', "\t", "\u0001", "/", "a"];
  for (const number of ["1", "12345678901234567890"]) {
    for (const before of ends) {
      for (const after of ends) {
        for (const end of [before, after]) {
          const key = JSON.stringify(`k${end}`);
          const text = `{"list":[{},{"a{":"{"},{"p":[${number}],${key}:{${key}:1}}]}`;
          assert.equal(stringifyJson(parseJson(text)), text);
        }
      }
    }
  }
});

Deno.test("digits inside strings are left alone", () => {
  const text = '{"a":"12345678901234567890","12345678901234567890":"1e400 -0"}';
  assert.equal(stringifyJson(parseJson(text)), text);
});

Deno.test("a key named __proto__ is a key like any other", () => {
  for (const value of ["1", "12345678901234567890", '{"x":1}']) {
    const parsed = parseJson(`{"__proto__":${value}}`) as object;
    assert.equal(Object.getPrototypeOf(parsed), Object.prototype);
    assert.equal(stringifyJson(parsed), `{"__proto__":${value}}`);
    assert.equal(stringifyJson({ ...parsed }), `{"__proto__":${value}}`);
  }
});

Deno.test("of equal keys the last one wins, also among exact numbers", () => {
  const cases = [
    ['{"id":12345678901234567890,"id":1}', '{"id":1}'],
    ['{"id":1,"id":12345678901234567890}', '{"id":12345678901234567890}'],
    ['{"id":12345678901234567890,"id":{"x":1}}', '{"id":{"x":1}}'],
    ['{"id":{"x":1e400},"id":12345678901234567891}', '{"id":12345678901234567891}'],
  ];
  for (const [text, expected] of cases) assert.equal(stringifyJson(parseJson(text)), expected);
});

Deno.test("nesting that is too deep is a RangeError, not a crash", () => {
  const deep = "[".repeat(200_000) + "]".repeat(200_000);
  assert.throws(() => parseJson(`[12345678901234567890,${deep}]`), RangeError);
  // An index as key takes the engine off its iterative path.
  assert.throws(() => stringifyJson(parseJson(`{"0":${deep}}`)), RangeError);
});

Deno.test("the look for exact numbers is linear in what a peer sends", () => {
  // With a quadratic pattern each of these takes more than an hour.
  const size = 2 ** 22;
  for (const unit of ["1.", "1.1e", "-0.", "-0.0", "9"]) {
    const text = JSON.stringify(unit.repeat(size / unit.length));
    assert.equal(parseJson(text), JSON.parse(text));
  }
});

Deno.test("what is not JSON is a SyntaxError, with exact numbers and without", () => {
  for (const text of ["", "{", "01", "1.", "[1,]", "12345678901234567890,", "NaN", "{'a':1}"]) {
    assert.throws(() => parseJson(text), SyntaxError, text);
  }
});

/** JSON text of any number, in any of the ways a number can be written. */
const numberText = fc.tuple(
  fc.constantFrom("", "-"),
  fc.oneof(fc.constant("0"), fc.stringMatching(/^[1-9][0-9]{0,24}$/)),
  fc.oneof(fc.constant(""), fc.stringMatching(/^\.[0-9]{1,24}$/)),
  fc.oneof(fc.constant(""), fc.stringMatching(/^[eE][+-]?[0-9]{1,3}$/)),
).map((parts) => parts.join(""));

/** JSON text of any value. */
const { text: jsonText } = fc.letrec<{ text: string }>((tie) => ({
  text: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(
      numberText,
      fc.string({ unit: "binary" }).map((value) => JSON.stringify(value)),
      fc.constantFrom("true", "false", "null"),
    ),
    fc.array(tie("text"), { maxLength: 4 }).map((items) => `[${items.join(", ")}]`),
    fc.array(fc.tuple(fc.string(), tie("text")), { maxLength: 4 }).map((members) =>
      `{${members.map(([key, value]) => `${JSON.stringify(key)}: ${value}`).join(",")}}`
    ),
  ),
}));

/** A value in which every number stands as the exact decimal it was written as. */
function withDecimals(text: string): unknown {
  const parse = JSON.parse as unknown as (
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ) => unknown;
  return parse(
    text,
    (_key, value, { source }) => typeof value === "number" ? { decimal: decimal(source!) } : value,
  );
}

/** Sign, digits without zeros at either end, and the power of ten of the last digit. */
function decimal(text: string): string {
  const [, sign, whole, fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)!;
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return `${sign}0`;
  const zeros = digits.length - significant.length;
  return `${sign}${significant}e${Number(exponent) - fraction.length + zeros}`;
}

Deno.test("any JSON comes out meaning exactly what went in", () => {
  fc.assert(
    fc.property(jsonText, (text) => {
      assert.deepEqual(withDecimals(stringifyJson(parseJson(text))), withDecimals(text));
    }),
    { numRuns: 2000 },
  );
});
