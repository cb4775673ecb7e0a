import assert from "node:assert/strict";
import fc from "fast-check";
import {
  describe,
  type Message,
  MessageFault,
  notificationText,
  parseMessage,
  requestText,
  resultText,
} from "./message.ts";

function faultOf(text: string): MessageFault {
  try {
    parseMessage(text);
  } catch (error) {
    assert.ok(
      error instanceof MessageFault,
      `a ${(error as Error).name} instead of a MessageFault`,
    );
    return error;
  }
  throw new assert.AssertionError({ message: `accepted: ${text}` });
}

const IDS: [name: string, written: string, id: string][] = [
  ["a number", "1", "1"],
  ["zero", "0", "0"],
  ["a negative number", "-7", "-7"],
  ["a fraction", "1.5", "1.5"],
  ["a number beyond a double", "12345678901234567890", "12345678901234567890"],
  ["a number with an exponent", "1e400", "1e400"],
  ["a string", '"a"', '"a"'],
  ["a string of digits", '"1"', '"1"'],
  ["an empty string", '""', '""'],
  ["a string with quotes, backslash and emoji", '"\\"\\\\😀"', '"\\"\\\\😀"'],
  ["a string with an escape that means the same", '"\\u0061"', '"a"'],
  ["a string with a line end", '"\\n"', '"\\n"'],
];

for (const [name, written, id] of IDS) {
  Deno.test(`an id that is ${name} is echoed as it is`, () => {
    assert.deepEqual(parseMessage(`{"jsonrpc":"2.0","id":${written},"method":"m"}`), {
      kind: "request",
      id,
      method: "m",
      params: undefined,
    });
    const response = parseMessage(`{"jsonrpc":"2.0","id":${written},"result":{}}`);
    assert.equal(response.kind === "response" && response.id, id);
    assert.equal(resultText(id, 1), `{"jsonrpc":"2.0","id":${id},"result":1}`);
  });
}

Deno.test("a number and the same digits as a string are two ids", () => {
  const id = (written: string) => {
    const message = parseMessage(`{"jsonrpc":"2.0","id":${written},"method":"m"}`);
    return message.kind === "request" && message.id;
  };
  assert.notEqual(id("1"), id('"1"'));
});

for (const written of ["null", "true", "false", "{}", "[]", "[1]", '{"id":1}']) {
  Deno.test(`a request with the id ${written} is refused, and not taken for a notification`, () => {
    const fault = faultOf(`{"jsonrpc":"2.0","id":${written},"method":"m"}`);
    assert.deepEqual([fault.reason, fault.id], ["invalid_request", "null"]);
  });
}

const MESSAGES: [name: string, text: string, message: Message][] = [
  [
    "a request with params",
    '{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1}}',
    { kind: "request", id: "1", method: "m", params: { a: 1 } },
  ],
  [
    "a notification",
    '{"jsonrpc":"2.0","method":"m"}',
    { kind: "notification", method: "m", params: undefined },
  ],
  [
    "a response with an empty result",
    '{"jsonrpc":"2.0","id":1,"result":null}',
    { kind: "response", id: "1", result: null },
  ],
  [
    "an error",
    '{"jsonrpc":"2.0","id":"x","error":{"code":1}}',
    { kind: "response", id: '"x"', error: { code: 1 } },
  ],
  [
    "an error to what could not be read",
    '{"jsonrpc":"2.0","id":null,"error":{"code":1}}',
    { kind: "response", id: "null", error: { code: 1 } },
  ],
  [
    "keys in another order, white space, unknown keys",
    '\r\n { "x": 1, "params": {}, "method": "m", "id": 1, "jsonrpc": "2.0" } ',
    { kind: "request", id: "1", method: "m", params: {} },
  ],
  [
    "an empty method",
    '{"jsonrpc":"2.0","id":1,"method":""}',
    { kind: "request", id: "1", method: "", params: undefined },
  ],
];

for (const [name, text, message] of MESSAGES) {
  Deno.test(`${name} is read`, () => assert.deepEqual(parseMessage(text), message));
}

const FAULTS: [name: string, text: string, reason: string, id: string][] = [
  ["an empty text", "", "parse_error", "null"],
  ["half a message", '{"jsonrpc":"2.0","id":1', "parse_error", "null"],
  ["two messages", '{"jsonrpc":"2.0","id":1,"method":"m"}{}', "parse_error", "null"],
  ["a batch", '[{"jsonrpc":"2.0","id":1,"method":"m"}]', "invalid_request", "null"],
  ["an empty batch", "[]", "invalid_request", "null"],
  ["a bare number", "1", "invalid_request", "null"],
  ["a bare exact number", "12345678901234567890", "invalid_request", "null"],
  ["null", "null", "invalid_request", "null"],
  ["no version", '{"id":1,"method":"m"}', "invalid_request", "1"],
  ["version 1.0", '{"jsonrpc":"1.0","id":1,"method":"m"}', "invalid_request", "1"],
  ["a numeric version", '{"jsonrpc":2.0,"id":"x","method":"m"}', "invalid_request", '"x"'],
  ["a method that is no string", '{"jsonrpc":"2.0","id":1,"method":1}', "invalid_request", "1"],
  ["neither", '{"jsonrpc":"2.0","id":1}', "invalid_request", "1"],
  [
    "both result and error",
    '{"jsonrpc":"2.0","id":1,"result":1,"error":{}}',
    "invalid_request",
    "1",
  ],
  ["a result without id", '{"jsonrpc":"2.0","result":1}', "invalid_request", "null"],
  [
    "a result with an object as id",
    '{"jsonrpc":"2.0","id":{},"result":1}',
    "invalid_request",
    "null",
  ],
  ...["[1]", "null", '"x"', "1", "12345678901234567890"].map((params): typeof FAULTS[number] => [
    `params ${params}`,
    `{"jsonrpc":"2.0","id":9,"method":"m","params":${params}}`,
    "invalid_request",
    "9",
  ]),
];

for (const [name, text, reason, id] of FAULTS) {
  Deno.test(`refused with the id that could be read: ${name}`, () => {
    const fault = faultOf(text);
    assert.deepEqual([fault.reason, fault.id], [reason, id]);
  });
}

Deno.test("of equal keys the last one counts, for every key of the envelope", () => {
  assert.deepEqual(
    parseMessage(
      '{"jsonrpc":"1.0","id":1,"method":"a","params":[],' +
        '"jsonrpc":"2.0","id":"2","method":"b","params":{"x":2}}',
    ),
    { kind: "request", id: '"2"', method: "b", params: { x: 2 } },
  );
  assert.equal(faultOf('{"jsonrpc":"2.0","id":1,"method":"a","id":null}').id, "null");
});

Deno.test("keys that JavaScript knows are keys like any other", () => {
  const text =
    '{"jsonrpc":"2.0","id":1,"method":"m","params":{"__proto__":{"a":1},"constructor":2}}';
  const message = parseMessage(text);
  assert.ok(message.kind === "request");
  assert.equal(requestText(message.id, message.method, message.params), text);
  // An envelope is not inherited either.
  assert.equal(faultOf('{"__proto__":{"jsonrpc":"2.0","method":"m"}}').reason, "invalid_request");
});

Deno.test("a nesting too deep to be read is refused, and is not a fault of the daemon's", () => {
  const deep = "[".repeat(200_000) + "]".repeat(200_000);
  const fault = faultOf(
    `{"jsonrpc":"2.0","id":12345678901234567890,"method":"m","params":{"a":${deep}}}`,
  );
  assert.equal(fault.reason, "invalid_request");
});

Deno.test("what is written can be read, whatever the method and params are", () => {
  const params = fc.option(fc.dictionary(fc.string(), fc.jsonValue()), { nil: undefined });
  fc.assert(fc.property(fc.string({ unit: "binary" }), params, (method, params) => {
    const wire = (value: unknown) =>
      value === undefined ? undefined : JSON.parse(JSON.stringify(value));
    assert.deepEqual(parseMessage(requestText('"é"', method, params)), {
      kind: "request",
      id: '"é"',
      method,
      params: wire(params),
    });
    assert.deepEqual(parseMessage(notificationText(method, params)), {
      kind: "notification",
      method,
      params: wire(params),
    });
  }));
});

Deno.test("no text makes reading throw anything but a MessageFault", () => {
  const fragment = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    '"id":',
    '"jsonrpc":"2.0"',
    ",",
    "1",
    '"a"',
    "null",
    '"method":',
    '"result":',
  );
  fc.assert(fc.property(fc.array(fragment), (fragments) => {
    try {
      parseMessage(fragments.join(""));
    } catch (error) {
      assert.ok(error instanceof MessageFault);
    }
  }));
});

Deno.test("a method is shown whole when short, cut when long", () => {
  assert.equal(describe("tools/call"), '"tools/call"');
  assert.equal(describe("x".repeat(1000)), `"${"x".repeat(80)}…"`);
});
