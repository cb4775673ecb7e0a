import assert from "node:assert/strict";
import { META, modernMeta } from "./modern.ts";

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
