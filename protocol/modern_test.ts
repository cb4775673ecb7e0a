import assert from "node:assert/strict";
import { META, modernMeta, withoutModernMeta } from "./modern.ts";

const client = { protocolVersion: "2026-07-28", capabilities: {} };

Deno.test("a client is named in _meta as it named itself", () => {
  const clientInfo = { name: "c", version: "1", title: "C" };
  assert.deepEqual(modernMeta({ ...client, clientInfo })[META.clientInfo], clientInfo);
});

Deno.test("what is no name of a client is left out, so that no server refuses the request for it", () => {
  for (const clientInfo of [undefined, null, {}, { name: "c" }, { name: 1, version: "1" }, "c"]) {
    assert.ok(!(META.clientInfo in modernMeta({ ...client, clientInfo })));
  }
});

Deno.test("what belongs to one hop is left out of _meta, and everything else is kept as it was", () => {
  const hop = Object.fromEntries(Object.values(META).map((key) => [key, "x"]));
  assert.equal(withoutModernMeta({}), undefined);
  assert.equal(withoutModernMeta(hop), undefined);
  for (const text of ['{"progressToken":1}', '{"0":2,"__proto__":{"a":1}}', '{"b":null}']) {
    const own = JSON.parse(text);
    const meta = { ...hop, ...own };
    for (const all of [own, meta, { ...own, ...hop }]) {
      assert.equal(JSON.stringify(withoutModernMeta(all)), text);
    }
    assert.equal(Object.keys(meta).length, Object.keys({ ...hop, ...own }).length, "untouched");
  }
});
