/**
 * Inputs that are almost right: JSON-RPC of both eras with pieces missing, doubled or strange, and HTTP
 * requests whose headers are so.
 *
 * @module
 */

import fc from "fast-check";

const META = '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",' +
  '"io.modelcontextprotocol/clientInfo":{"name":"f","version":"1"},' +
  '"io.modelcontextprotocol/clientCapabilities":{"elicitation":{},"sampling":{}}';

/** Messages that are right. */
const RIGHT = [
  ...[
    '"id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"x"}}',
    '"id":"a","method":"tools/list","params":{"cursor":"1"}',
    '"id":2,"method":"initialize","params":{"protocolVersion":"2025-03-26","capabilities":{}}',
    '"id":3,"method":"resources/subscribe","params":{"uri":"file:///x"}',
    '"id":12345678901234567890,"method":"ping"',
    '"method":"notifications/cancelled","params":{"requestId":1,"reason":"r"}',
    '"id":"q","result":{"roots":[]}',
    `"id":4,"method":"server/discover","params":{${META}}}`,
    `"id":5,"method":"tools/list","params":{${META}}}`,
    `"id":6,"method":"tools/call","params":{"name":"echo","arguments":{"text":"x"},${META},"progressToken":1}}`,
    `"id":7,"method":"tools/call","params":{"name":"elicit","arguments":{"text":"x"},${META}}}`,
    `"id":8,"method":"tools/call","params":{"name":"elicit","inputResponses":{"question":{"action":"accept"}},"requestState":"${
      "s".repeat(72)
    }",${META}}}`,
    `"id":9,"method":"resources/read","params":{"uri":"matrix://one",${META},"io.modelcontextprotocol/logLevel":"debug"}}`,
    `"method":"notifications/cancelled","params":{"requestId":6,${META}}}`,
  ].map((inner) => `{"jsonrpc":"2.0",${inner}}`),
  '[{"jsonrpc":"2.0","id":4,"method":"ping"},{"jsonrpc":"2.0","id":4,"method":"ping"}]',
];

/** A subscription: only where the end of its stream is the end of it. */
export const LISTEN =
  `{"jsonrpc":"2.0","id":10,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true,"resourceSubscriptions":["matrix://one"]},${META}}}}`;

/** Pieces that parsers stumble over. */
const PIECES = [
  ...['"', "\\", "{", "}", "[", "]", ",", ":", "null", "true", "-0", "1e400", "\u0000", "\u2028"],
  ...['"id":null,', '"id":{},', '"method":7,', '"jsonrpc":"1.0",', "\\ud800", "[".repeat(5000)],
  ...[
    '{"__proto__":{}}',
    '"params":[],',
    "\ufeff",
    "\r",
    "\t",
    "🦉",
    "x".repeat(3000),
    "2026",
    "}}",
  ],
];

const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  remove: fc.nat(12),
  insert: fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 6 }), fc.constant("")),
});

function mutated(texts: readonly string[]): fc.Arbitrary<string> {
  return fc.tuple(fc.constantFrom(...texts), fc.array(mutation, { maxLength: 3 }))
    .map(([seed, mutations]) =>
      mutations.reduce((text, { at, remove, insert }) => {
        const place = Math.floor(at * text.length);
        return text.slice(0, place) + insert + text.slice(place + remove);
      }, seed)
    );
}

/** One message, almost right. Without line ends: where messages are lines, it is one. */
export const message = mutated(RIGHT).map((text) => text.replaceAll(/[\r\n]/g, " "));

/** An HTTP request. */
export interface FuzzedRequest {
  path: string;
  method: string;
  headers: Record<string, string>;
  body: string | undefined;
}

const PATHS = [
  ...["/mcp", "/mcp/legacy", "/mcp/modern", "/mcp/nobody", "/", "/rpc", "/rpc/modern", "/session"],
  ...["/sse", "/mcp/legacy/sse", "/ws", "/mcp/modern/ws", "/messages", "/mcp/legacy/messages"],
  ...[
    "/mcp/v1/init",
    "/mcp/v1/message",
    "/mcp/v1/stream/x",
    "/health",
    "/mcp/servers",
    "/%00",
    "//",
  ],
];

/** Values that headers are given, right ones among them. */
const VALUES = [
  ...["", "2026-07-28", "2025-11-25", "2025-03-26", "2024-11-05", "2099-01-01", "tools/list"],
  ...["tools/call", "echo", "=?base64?ZWNobw==?=", "=?base64?%%%?=", "=?base64?", "x".repeat(5000)],
  ...["application/json", "text/event-stream", "application/json, text/event-stream", "*/*"],
  ...["text/plain", "application/json; charset=utf-16", "null", "-1", "1e9", "/tmp", "%2Ftmp", "%"],
  ...["../../etc", "0-0", "1", "local-5", "00000000-0000-0000-0000-000000000000", "Bearer x"],
];

const NAMES = [
  ...["mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name", "mcp-param-key"],
  ...["last-event-id", "accept", "content-type", "x-session-id", "x-aichaku-client"],
  ...["x-aichaku-project", "authorization", "origin", "content-encoding", "sec-fetch-site"],
];

/** Characters that a header may carry. */
const headerText = fc.oneof(
  fc.constantFrom(...VALUES),
  fc.string({
    unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  }),
);

/** A request, almost right. @param values Values of headers that mean something: ids that are known. */
export function httpRequest(values: readonly string[]): fc.Arbitrary<FuzzedRequest> {
  // What no header can carry is the client's own affair.
  const printable = (text: string) => text.replaceAll(/[^\x20-\x7e]/g, "");
  const value = fc.oneof(headerText, fc.constantFrom(...values), mutated(values).map(printable));
  return fc.record({
    path: fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(...PATHS) },
      fc.tuple(fc.constantFrom(...PATHS), fc.string({ maxLength: 12 })).map(([path, more]) =>
        `${path}?client=${encodeURIComponent(more)}&project=${encodeURIComponent(more)}`
      ),
      fc.constantFrom(...values).map((id) => `/messages?sessionId=${encodeURIComponent(id)}`),
    ),
    method: fc.constantFrom("POST", "POST", "POST", "GET", "DELETE", "PUT", "OPTIONS", "HEAD"),
    headers: fc.tuple(
      fc.boolean(),
      fc.dictionary(fc.constantFrom(...NAMES), value, { maxKeys: 4 }),
    ).map(([isUsual, odd]): Record<string, string> => ({
      ...(isUsual
        ? { "content-type": "application/json", accept: "application/json, text/event-stream" }
        : {}),
      ...odd,
    })),
    body: fc.oneof(message, mutated([LISTEN])),
  }).map((request) => ({ ...request, body: bodyFor(request) }));
}

function bodyFor({ path, method, body }: FuzzedRequest): string | undefined {
  if (method === "GET" || method === "HEAD") return undefined;
  // `/rpc` has nothing to say to one who listens, and says so only when ten seconds were silent.
  return path.startsWith("/rpc") && body?.includes("subscriptions/") ? RIGHT[0] : body;
}
