import assert from "node:assert/strict";
import fc from "fast-check";
import { readHeaderValue } from "../../../protocol/header_value.ts";
import { notificationText, requestText } from "../../../protocol/message.ts";
import { metadataHeaders, readOutgoing } from "./outgoing.ts";

const META = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };

Deno.test("messages are told apart by what a wire does with them", () => {
  assert.deepEqual(readOutgoing(requestText("7", "tools/call", { name: "a", _meta: META })), {
    kind: "request",
    id: 7,
    method: "tools/call",
    modern: "2026-07-28",
    subject: "a",
  });
  assert.deepEqual(readOutgoing(requestText("8", "tools/list", undefined)), {
    kind: "request",
    id: 8,
    method: "tools/list",
    modern: undefined,
    subject: undefined,
  });
  assert.deepEqual(readOutgoing(notificationText("notifications/cancelled", { requestId: 7 })), {
    kind: "cancelled",
    id: 7,
  });
  assert.deepEqual(readOutgoing(notificationText("notifications/initialized")), {
    kind: "notification",
    method: "notifications/initialized",
  });
  assert.deepEqual(readOutgoing('{"jsonrpc":"2.0","id":"x","result":{}}'), { kind: "response" });
});

Deno.test("only methods about one thing name it, and only when it has a name", () => {
  const subject = (method: string, params: Record<string, unknown>) => {
    const message = readOutgoing(requestText("1", method, params));
    return message.kind === "request" ? message.subject : assert.fail();
  };
  assert.equal(subject("prompts/get", { name: "p", uri: "u" }), "p");
  assert.equal(subject("resources/read", { name: "p", uri: "u" }), "u");
  assert.equal(subject("resources/subscribe", { uri: "u" }), undefined);
  assert.equal(subject("constructor", { name: "p" }), undefined);
  assert.equal(subject("tools/call", { name: 7 }), undefined);
});

Deno.test("any value can be sent, and read back as it was", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (value) => {
    const headers = new Headers(
      metadataHeaders({ method: "tools/call", modern: "2026-07-28", subject: value }),
    );
    const read = readHeaderValue(headers.get("mcp-name")!);
    assert.equal(read, value.toWellFormed());
  }));
});
