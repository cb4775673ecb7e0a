import assert from "node:assert/strict";
import { META } from "../../protocol/modern.ts";
import { legacyResult, modernError, modernResult, readRequiredUrls } from "./shapes.ts";

const INFO = { name: "fake", version: "1" };

Deno.test("a legacy result is complete, names its server, and may not be kept", () => {
  assert.deepEqual(modernResult("tools/call", { content: [], _meta: { a: 1 } }, INFO), {
    resultType: "complete",
    content: [],
    _meta: { a: 1, [META.serverInfo]: INFO },
  });
  for (
    const method of [
      "server/discover",
      "tools/list",
      "prompts/list",
      "resources/list",
      "resources/templates/list",
      "resources/read",
    ]
  ) {
    assert.deepEqual(modernResult(method, {}), {
      resultType: "complete",
      ttlMs: 0,
      cacheScope: "private",
    });
  }
  for (const method of ["tools/call", "prompts/get", "completion/complete"]) {
    assert.deepEqual(modernResult(method, {}), { resultType: "complete" });
  }
});

Deno.test("what a result says of itself stays, and what is no object passes", () => {
  const known = { resultType: "complete", ttlMs: 7, cacheScope: "public" };
  assert.deepEqual(modernResult("tools/list", known), known);
  const unfinished = { resultType: "input_required", requestState: "s" };
  assert.deepEqual(modernResult("resources/read", unfinished), unfinished);
  for (const odd of [null, 7, "x", []]) assert.equal(modernResult("tools/list", odd), odd);
});

Deno.test("tools are not said to run as tasks of the legacy era", () => {
  const tools = [
    { name: "a", execution: { taskSupport: "optional" } },
    { name: "b", execution: { taskSupport: "required", other: 1 } },
    { name: "c" },
    "odd",
  ];
  assert.deepEqual((modernResult("tools/list", { tools }) as { tools: unknown }).tools, [
    { name: "a" },
    { name: "b", execution: { other: 1 } },
    { name: "c" },
    "odd",
  ]);
});

Deno.test("codes that the modern era does not use are replaced, others stay", () => {
  for (const [before, after] of [[-32002, -32602], [-32042, -32603], [-32601, -32601], [7, 7]]) {
    assert.deepEqual(modernError({ code: before, message: "m", data: 1 }), {
      code: after,
      message: "m",
      data: 1,
    });
  }
  for (const odd of [undefined, "x", { code: "-32002" }]) assert.equal(modernError(odd), odd);
});

Deno.test("URLs that must be visited first are read from an error, however little it says", () => {
  const elicitations = [{ url: "https://x", elicitationId: "1" }, 7];
  assert.deepEqual(readRequiredUrls({ code: -32042, data: { elicitations } }), [
    { url: "https://x", elicitationId: "1", mode: "url" },
  ]);
  for (
    const none of [
      undefined,
      { code: -32603, data: { elicitations } },
      { code: -32042 },
      { code: -32042, data: { elicitations: [] } },
      { code: -32042, data: 7 },
    ]
  ) assert.equal(readRequiredUrls(none), undefined);
});

Deno.test("a modern result loses what a legacy client does not know", () => {
  const { resultType, ttlMs, cacheScope } = {
    resultType: "complete",
    ttlMs: 5,
    cacheScope: "public",
  };
  assert.deepEqual(
    legacyResult("resources/read", {
      ...{ resultType, ttlMs, cacheScope },
      contents: [],
      _meta: { [META.serverInfo]: INFO },
    }),
    { contents: [] },
  );
  assert.deepEqual(
    legacyResult("prompts/get", { resultType, _meta: { [META.serverInfo]: INFO, a: 1 } }),
    { _meta: { a: 1 } },
  );
  assert.equal(legacyResult("tools/call", null), null);
});

Deno.test("structured content that is no object is put into one, and its schema as well", () => {
  for (const structuredContent of [[1], "x", 7, true, null]) {
    assert.deepEqual(legacyResult("tools/call", { structuredContent, content: [] }), {
      structuredContent: { result: structuredContent },
      content: [{ type: "text", text: JSON.stringify({ result: structuredContent }) }],
    });
  }
  const object = { structuredContent: { a: 1 }, content: [{ type: "text", text: "one" }] };
  assert.deepEqual(legacyResult("tools/call", object), object);
  const tools = [
    { name: "a", outputSchema: { type: "array" } },
    { name: "b", outputSchema: { type: "object" } },
    { name: "c" },
  ];
  assert.deepEqual((legacyResult("tools/list", { tools }) as { tools: unknown }).tools, [
    {
      name: "a",
      outputSchema: {
        type: "object",
        properties: { result: { type: "array" } },
        required: ["result"],
      },
    },
    tools[1],
    tools[2],
  ]);
});
