import assert from "node:assert/strict";
import { readHeaderValue, writeHeaderValue } from "./header_value.ts";

Deno.test("values as headers carry them: the specification's examples", () => {
  const examples: [string, string][] = [
    ["us-west1", "us-west1"],
    ["Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="],
    [" padded ", "=?base64?IHBhZGRlZCA=?="],
    ["line1\nline2", "=?base64?bGluZTEKbGluZTI=?="],
    ["=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="],
    ["\ufeffmarked", "=?base64?77u/bWFya2Vk?="],
    ["in the\tmiddle", "in the\tmiddle"],
    ["", ""],
  ];
  for (const [value, expected] of examples) {
    assert.equal(writeHeaderValue(value), expected);
    assert.equal(readHeaderValue(expected), value);
  }
});

Deno.test("what claims to be encoded and is not has no value", () => {
  for (
    const written of ["=?base64?a?=", "=?base64?YQ= =?=", "=?base64?/w==?=", "=?base64?-_8=?="]
  ) {
    assert.equal(readHeaderValue(written), undefined, written);
  }
});
