import assert from "node:assert/strict";
import fc from "fast-check";
import { answerIdsIn, findAnswerId, replaceAnswerId, salvageAnswerIds } from "./answer.ts";

/** The line with another id; undefined when it is left to the parser. */
function withId(text: string, id = '"new"'): string | undefined {
  const found = findAnswerId(text);
  return found === undefined ? undefined : replaceAnswerId(text, found, id);
}

const FORMS: [name: string, text: string, id: number, replaced: string][] = [
  [
    "result, id at the head",
    '{"jsonrpc":"2.0","id":5,"result":{"a":1}}',
    5,
    '{"jsonrpc":"2.0","id":"new","result":{"a":1}}',
  ],
  [
    "error, id at the head",
    '{"jsonrpc":"2.0","id":123456789012345,"error":{"code":-1,"message":"no"}}',
    123456789012345,
    '{"jsonrpc":"2.0","id":"new","error":{"code":-1,"message":"no"}}',
  ],
  [
    "version, result, id",
    '{"jsonrpc":"2.0","result":{"a":1},"id":0}',
    0,
    '{"jsonrpc":"2.0","result":{"a":1},"id":"new"}',
  ],
  [
    "version, error, id",
    '{"jsonrpc":"2.0","error":{"code":1},"id":77}',
    77,
    '{"jsonrpc":"2.0","error":{"code":1},"id":"new"}',
  ],
  [
    "result, version, id",
    '{"result":"x","jsonrpc":"2.0","id":12}',
    12,
    '{"result":"x","jsonrpc":"2.0","id":"new"}',
  ],
  [
    "result, id, version",
    '{"result":[],"id":12,"jsonrpc":"2.0"}',
    12,
    '{"result":[],"id":"new","jsonrpc":"2.0"}',
  ],
  [
    "error, id, version",
    '{"error":{"code":1},"id":12,"jsonrpc":"2.0"}',
    12,
    '{"error":{"code":1},"id":"new","jsonrpc":"2.0"}',
  ],
  [
    "an id within the payload",
    '{"jsonrpc":"2.0","id":5,"result":{"x":1,"id":7}}',
    5,
    '{"jsonrpc":"2.0","id":"new","result":{"x":1,"id":7}}',
  ],
  [
    "an id within the payload, and the own one at the end",
    '{"jsonrpc":"2.0","result":{"x":1,"id":7},"id":5}',
    5,
    '{"jsonrpc":"2.0","result":{"x":1,"id":7},"id":"new"}',
  ],
  [
    "a message as text within the payload",
    '{"jsonrpc":"2.0","id":5,"result":"{\\"jsonrpc\\":\\"2.0\\",\\"id\\":7}"}',
    5,
    '{"jsonrpc":"2.0","id":"new","result":"{\\"jsonrpc\\":\\"2.0\\",\\"id\\":7}"}',
  ],
];

for (const [name, text, id, replaced] of FORMS) {
  Deno.test(`the short way takes ${name}`, () => {
    assert.equal(findAnswerId(text)?.id, id);
    assert.equal(withId(text), replaced);
  });
}

const OTHERS: [name: string, text: string][] = [
  ["an empty text", ""],
  ["a brace", "}"],
  ["a request", '{"jsonrpc":"2.0","id":5,"method":"roots/list","params":{"result":1}}'],
  ["a request whose params come first", '{"jsonrpc":"2.0","id":5,"params":{},"method":"ping"}'],
  ["a notification", '{"jsonrpc":"2.0","method":"x","params":{"a":1,"id":5}}'],
  ["a notification that ends like an answer", '{"jsonrpc":"2.0","method":"x","id":5}'],
  ["two ids, head and end", '{"jsonrpc":"2.0","id":5,"result":{},"id":6}'],
  [
    "two ids, head and before the version",
    '{"jsonrpc":"2.0","id":5,"result":{},"id":6,"jsonrpc":"2.0"}',
  ],
  ["a negative id", '{"jsonrpc":"2.0","id":-5,"result":{}}'],
  ["a negative id at the end", '{"jsonrpc":"2.0","result":{},"id":-5}'],
  ["a fraction", '{"jsonrpc":"2.0","id":5.0,"result":{}}'],
  ["a fraction at the end", '{"jsonrpc":"2.0","result":{},"id":1.5}'],
  ["an exponent", '{"jsonrpc":"2.0","id":5e0,"result":{}}'],
  ["an exponent at the end", '{"jsonrpc":"2.0","result":{},"id":1e5}'],
  ["more digits than were minted", '{"jsonrpc":"2.0","id":1234567890123456,"result":{}}'],
  ["more digits at the end", '{"jsonrpc":"2.0","result":{},"id":1234567890123456}'],
  ["a string as id", '{"jsonrpc":"2.0","id":"5","result":{}}'],
  ["a string at the end", '{"jsonrpc":"2.0","result":{},"id":"5"}'],
  ["null as id", '{"jsonrpc":"2.0","id":null,"error":{}}'],
  ["an id in a string at the end", '{"jsonrpc":"2.0","result":",\\"id\\":5"}'],
  ["an id in a string at the end, unescaped look", '{"jsonrpc":"2.0","result":"x,\\"id\\":5}"}'],
  ["an id only within the payload", '{"jsonrpc":"2.0","result":{"a":1,"id":5}}'],
  ["a key that ends like id", '{"jsonrpc":"2.0","result":{},"x,\\"id":5}'],
  ["another key than id", '{"jsonrpc":"2.0","result":{},"uid":5}'],
  ["an error that is no object", '{"jsonrpc":"2.0","id":5,"error":null}'],
  ["white space", '{"jsonrpc": "2.0", "id": 5, "result": {}}'],
  ["white space at the end", '{"jsonrpc":"2.0","id":5,"result":{}} '],
  ["half a line", '{"jsonrpc":"2.0","id":5,"result":{"a":"'],
  ["no version", '{"result":{},"id":5}'],
  ["another version", '{"jsonrpc":"1.0","result":{},"id":5}'],
  ["nothing after the id", '{"jsonrpc":"2.0","id":5}'],
  ["no digits", '{"jsonrpc":"2.0","id":,"result":{}}'],
  ["a version further down", '{"jsonrpc":"2.0","id":5,"result":{"jsonrpc":"2.0"}}'],
];

for (const [name, text] of OTHERS) {
  Deno.test(`left to the parser: ${name}`, () => assert.equal(findAnswerId(text), undefined));
}

const TWO: [name: string, text: string][] = [
  ["head forms", '{"jsonrpc":"2.0","id":5,"result":"A"}{"jsonrpc":"2.0","id":6,"result":"B"}'],
  [
    "head forms with a blank",
    '{"jsonrpc":"2.0","id":5,"result":"A"} {"jsonrpc":"2.0","id":6,"result":"B"}',
  ],
  [
    "head form cut by another",
    '{"jsonrpc":"2.0","id":5,"result":"AA{"jsonrpc":"2.0","id":6,"result":"B"}',
  ],
  ["tail forms", '{"result":"A","jsonrpc":"2.0","id":5}{"result":"B","jsonrpc":"2.0","id":6}'],
  ["other tail forms", '{"result":"A","id":5,"jsonrpc":"2.0"}{"error":{},"id":6,"jsonrpc":"2.0"}'],
  [
    "head and tail form",
    '{"jsonrpc":"2.0","id":5,"result":"A"}{"result":"B","jsonrpc":"2.0","id":6}',
  ],
];

for (const [name, text] of TWO) {
  Deno.test(`two clients' answers on one line reach neither: ${name}`, () => {
    assert.equal(findAnswerId(text), undefined);
  });
}

/** Objects whose keys and strings look like the envelope, so that the search is led astray. */
const tricky = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<unknown>(
      ',"id":5}',
      '"id":5',
      '{"jsonrpc":"2.0","id":5',
      '"jsonrpc":"2.0"',
      "\\",
      '"',
    ),
    fc.jsonValue({ maxDepth: 1 }),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("id", "jsonrpc", "result", "error", ',"id"', "x"), tie("value"), {
      maxKeys: 3,
    }),
  ),
})).value;

const response = fc.tuple(
  fc.oneof<fc.Arbitrary<unknown>[]>(
    fc.nat(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string(),
    fc.constant(null),
  ),
  fc.oneof(
    tricky.map((value): [string, unknown] => ["result", value]),
    fc.dictionary(fc.constantFrom("code", "message", "id"), tricky).map((
      value,
    ): [string, unknown] => ["error", value]),
  ),
  fc.option(tricky, { nil: undefined }),
).chain(([id, body, extra]) => {
  const members: [string, unknown][] = [["jsonrpc", "2.0"], ["id", id], body];
  if (extra !== undefined) members.push(["extra", extra]);
  return fc.shuffledSubarray(members, { minLength: members.length });
});

Deno.test("a replaced id changes nothing else, whatever the payload and the order of keys", () => {
  let taken = 0;
  fc.assert(
    fc.property(response, (members) => {
      const text = JSON.stringify(Object.fromEntries(members));
      const found = findAnswerId(text);
      if (found === undefined) return;
      taken++;
      const before = JSON.parse(text);
      assert.equal(found.id, before.id);
      const after = JSON.parse(replaceAnswerId(text, found, '"a new id"'));
      assert.deepEqual(after, { ...before, id: "a new id" });
    }),
    { numRuns: 3000 },
  );
  assert.ok(taken > 100, "the short way was hardly ever taken: the test shows nothing");
});

Deno.test("no text, however broken, is taken for an answer that its parse would not give", () => {
  const fragment = fc.constantFrom(
    '{"jsonrpc":"2.0","id":5,"result":',
    '{"result":',
    ',"id":5}',
    ',"id":6',
    ',"jsonrpc":"2.0"}',
    "{}",
    "}",
    '"',
    '","x":"',
    "\\",
    "1",
    '"method":',
    ",",
  );
  fc.assert(
    fc.property(fc.array(fragment, { minLength: 2, maxLength: 6 }), (fragments) => {
      const text = fragments.join("");
      const found = findAnswerId(text);
      if (found === undefined) return;
      let value;
      try {
        value = JSON.parse(text);
      } catch {
        return; // Broken between: nobody's answer but this one's.
      }
      // An id beside the one that was found needs two keys of that name, which no JSON writer makes.
      if (text.split('"id":').length === 2) assert.equal(value.id, found.id);
    }),
    { numRuns: 5000 },
  );
});

const SALVAGED: [name: string, head: string, tail: string, ids: number[]][] = [
  ["an id at the head", '{"jsonrpc":"2.0","id":5,"result":{"a":', "…", [5]],
  ["an error's id", '{"jsonrpc":"2.0","id":5,"error":nonsense', "…", [5]],
  ["an id at the end", '{"result":{"content":', '…"}]},"jsonrpc":"2.0","id":12}', [12]],
  ["two answers on one line", TWO[0][1], TWO[0][1], [5, 6]],
  ["an answer in the middle of another", TWO[2][1], TWO[2][1], [5, 6]],
  ["what Python writes", '{"jsonrpc": "2.0", "id": 5, "result": {"a": NaN}}', "…}}", [5]],
  ["what Python writes last", '{"jsonrpc": "2.0", "result": {"a": NaN', '}, "id": 5}', [5]],
  ["so with the version last", '{"error": {"a": NaN', '}, "id": 5, "jsonrpc": "2.0"}', [5]],
  ["nothing with spaces within", '[{"jsonrpc": "2.0", "id": 5, "result": 1}', "…", []],
  ["nothing of a request with spaces", '{"jsonrpc": "2.0", "id": 5, "method": "x', "…", []],
  ["nothing of a request", '{"jsonrpc":"2.0","id":5,"method":"x', "…", []],
  ["nothing of noise", 'Listening on port 8080,"id":5}', 'Listening,"id":5}', []],
  ["nothing of half a tail", '{"result":{"a":', ',"jsonrpc":"2.0","id":12', []],
];

for (const [name, head, tail, ids] of SALVAGED) {
  Deno.test(`of an unreadable line is salvaged: ${name}`, () => {
    assert.deepEqual(salvageAnswerIds({ head, tail }), ids);
  });
}

const NO_MESSAGES: [name: string, line: string, ids: number[]][] = [
  ["both result and error", '{"id":5,"result":1,"error":null,"jsonrpc":"2.0"}', [5]],
  ["no version", '{"id": 5, "result": 1}', [5]],
  ["neither result nor error", '{"jsonrpc":"2.0","id":5}', [5]],
  ["not JSON", '{"jsonrpc":"2.0","id":5,"result":{"a":nonsense}}', [5]],
  [
    "a question with wrong params",
    '{"jsonrpc":"2.0","id":5,"method":"roots/list","params":[]}',
    [],
  ],
  ["an id of another type", '{"id":"5","result":1}', []],
  ["no id", '{"result":1}', []],
  ["a batch", '[{"jsonrpc":"2.0","id":5,"result":1}]', []],
  ["noise", "Listening on port 8080", []],
  ["a number", "5", []],
];

for (const [name, line, ids] of NO_MESSAGES) {
  Deno.test(`the calls meant by a line that is no message: ${name}`, () => {
    assert.deepEqual(answerIdsIn(line), ids);
  });
}
