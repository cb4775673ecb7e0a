import assert from "node:assert/strict";
import { formatResult } from "./print.ts";

Deno.test("a result: text as it is, structured content as JSON, the rest with its size", () => {
  const content = [
    { type: "text", text: "one\ntwo" },
    { type: "image", mimeType: "image/png", data: "AAAA" },
    { type: "audio", mimeType: "audio/wav", data: "A".repeat(4 * 1024) },
    { type: "resource", resource: { uri: "file:///a", text: "inside" } },
    { type: "resource", resource: { uri: "file:///b", mimeType: "x/y", blob: "AA==" } },
    { type: "resource_link", uri: "file:///c", name: "c" },
    { type: "future" },
  ];
  assert.equal(
    formatResult({ content }, false),
    [
      "one",
      "two",
      "[image image/png, 3 B]",
      "[audio audio/wav, 3.0 KiB]",
      "inside",
      "[resource file:///b, x/y, 1 B]",
      "[resource file:///c, c]",
      "[future]",
      "",
    ].join("\n"),
  );
  assert.equal(
    formatResult(
      { content: [{ type: "text", text: '{"a":1}' }], structuredContent: { a: 1 } },
      false,
    ),
    '{\n  "a": 1\n}\n',
  );
  assert.equal(formatResult({ content: [] }, false), "");
});

Deno.test("a result: on a terminal nothing moves the cursor; in a pipe it is the server's text", () => {
  const result = { content: [{ type: "text", text: "\x1b[2Jhi\tyou\n" }] };
  assert.equal(formatResult(result, true), "\\u{1b}[2Jhi\tyou\n");
  assert.equal(formatResult(result, false), "\x1b[2Jhi\tyou\n");
});
