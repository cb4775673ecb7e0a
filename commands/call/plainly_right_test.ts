import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { isPlainlyRight } from "./plainly_right.ts";

Deno.test("arguments of the usual schemas are seen to be right", () => {
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    type: "object",
    properties: {
      text: { type: "string", description: "What to say", minLength: 1, maxLength: 3 },
      count: { type: "integer", minimum: 1, maximum: 9, default: 1 },
      mode: { enum: ["fast", "slow"] },
      tags: { type: "array", items: { type: "string" } },
      maybe: { anyOf: [{ type: "number" }, { type: "null" }] },
      deep: { type: ["object", "null"], properties: { on: { type: "boolean" } }, required: ["on"] },
    },
    required: ["text"],
    additionalProperties: false,
  };
  const right = [
    { text: "a" },
    { text: "😀😀😀", count: 9, mode: "slow", tags: [], maybe: null, deep: { on: true, x: 1 } },
    { text: "abc", tags: ["a", "b"], maybe: 0.5 },
  ];
  for (const value of right) assert.ok(isPlainlyRight(value, schema), JSON.stringify(value));
  assert.ok(isPlainlyRight({}, { type: "object" }));
  assert.ok(isPlainlyRight({ any: 1 }, { type: "object", additionalProperties: true }));
});

/** Values and schemas that are alike enough to meet. */
const KEY = fc.constantFrom("a", "b", "__proto__", "toString");
const { value: VALUE } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, false, 0, 1, -1, 1.5, 1e300, "", "a", "b", "1", "😀", "ab\ud83d"),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(fc.tuple(KEY, tie("value")), { maxLength: 3 }).map(objectOf),
  ),
}));
const TYPE = fc.constantFrom(
  ...["null", "boolean", "number", "integer", "string", "array", "object", "nonsense", "undefined"],
);
const { schema: SCHEMA } = fc.letrec((tie) => ({
  schema: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({ type: TYPE }),
    fc.record({
      type: fc.oneof(TYPE, fc.uniqueArray(TYPE, { minLength: 1, maxLength: 2 })),
      enum: fc.uniqueArray(fc.constantFrom(null, 0, 1, "a", "b"), { minLength: 1 }),
      minimum: fc.constantFrom(0, 1, -1, "1"),
      maximum: fc.constantFrom(0, 1, 1e300),
      minLength: fc.constantFrom(0, 1, 2),
      maxLength: fc.constantFrom(0, 1, 2, 3),
      anyOf: fc.array(tie("schema"), { minLength: 1, maxLength: 2 }),
      items: tie("schema"),
      required: fc.uniqueArray(KEY, { maxLength: 2 }),
      properties: fc.array(fc.tuple(KEY, tie("schema")), { maxLength: 3 }).map(objectOf),
      additionalProperties: fc.oneof(fc.boolean(), tie("schema")),
      not: tie("schema"),
      format: fc.constant("date"),
    }, { requiredKeys: [] }),
  ),
}));

/** As `JSON.parse` makes it: `__proto__` is a key like any other. */
function objectOf(entries: unknown): unknown {
  return Object.fromEntries(entries as [string, unknown][]);
}

Deno.test("what is seen to be right, the validator takes", () => {
  let agreed = 0;
  fc.assert(
    fc.property(SCHEMA, VALUE, (schema, value) => {
      if (!isPlainlyRight(value, schema)) return;
      agreed++;
      const validator = new Ajv2020({ strict: false, validateFormats: false, logger: false });
      let validate;
      try {
        validate = validator.compile(schema as Record<string, unknown>);
      } catch {
        return; // Malformed: then everything is taken.
      }
      assert.ok(validate(value), JSON.stringify({ schema, value, errors: validate.errors }));
    }),
    { numRuns: 3_000 },
  );
  assert.ok(agreed > 100, `only ${agreed} were right`);
});
