import assert from "node:assert/strict";
import { withMembers } from "./result_text.ts";

const MEMBERS = { id: "7", members: '"resultType":"complete","_meta":{"a":1}' };

Deno.test("a result gets more members, wherever the id of the response stands", () => {
  const members = { resultType: "complete", _meta: { a: 1 } };
  for (
    const result of ["{}", '{"content":[]}', '{"text":"say \\"_meta\\" and \\"resultType\\""}']
  ) {
    for (
      const text of [
        `{"jsonrpc":"2.0","id":7,"result":${result}}`,
        `{"result":${result},"jsonrpc":"2.0","id":7}`,
        `{"jsonrpc":"2.0","result":${result},"id":7}`,
      ]
    ) {
      assert.deepEqual(JSON.parse(withMembers(text, MEMBERS)!), {
        jsonrpc: "2.0",
        id: 7,
        result: { ...members, ...JSON.parse(result) },
      });
    }
  }
});

Deno.test("what takes reading is left to be read", () => {
  for (
    const text of [
      '{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"no"}}',
      '{"jsonrpc":"2.0","id":7,"result":[]}',
      '{"jsonrpc":"2.0","id":7,"result":null}',
      '{"jsonrpc":"2.0","id":8,"result":{}}',
      '{"jsonrpc":"2.0","id":77,"result":{}}',
      '{"jsonrpc":"2.0","id":"7","result":{}}',
      '{"jsonrpc":"2.0","id":7',
      '{"jsonrpc":"2.0","id":',
      '{"jsonrpc": "2.0","id":7,"result":{}}',
      '{"jsonrpc":"2.0","id":7,"result":{"resultType":"other"}}',
      '{"jsonrpc":"2.0","id":7,"result":{"content":[],"_meta":{"b":2}}}',
      '{"jsonrpc":"2.0","id":7,"result":{"content":[{"_meta":{}}]}}',
      '{"jsonrpc":"2.0","id":7,"result":{"\\u005fmeta":{}}}',
      '{"jsonrpc":"2.0","id":7,"result":{ }}',
      '{"jsonrpc":"2.0","id":7,"result":{\t"content":[]}}',
      '{"result":{\r},"jsonrpc":"2.0","id":7}',
    ]
  ) assert.equal(withMembers(text, MEMBERS), undefined, text);
});

Deno.test("a response is known by its whole id, whatever that is and begins with", () => {
  const ids = ["1", "12", "123", '""', '"1"', '"12"', '"\\",\\"result\\":{"', "1.5", "-1"];
  for (const id of ids) {
    for (const other of ids) {
      const text = `{"jsonrpc":"2.0","id":${other},"result":{"a":1}}`;
      const expected = id === other
        ? `{"jsonrpc":"2.0","id":${id},"result":{"b":2,"a":1}}`
        : undefined;
      assert.equal(withMembers(text, { id, members: '"b":2' }), expected);
    }
  }
});
