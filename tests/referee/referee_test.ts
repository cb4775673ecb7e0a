import assert from "node:assert/strict";
import type { Conversation } from "./conversation.ts";
import { judge } from "./referee.ts";

// deno-lint-ignore no-explicit-any -- messages of every shape
type Json = any;

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "c", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};

const initialize = (protocolVersion: string): { client: Json; server: Json } => ({
  client: {
    jsonrpc: "2.0",
    id: 0,
    method: "initialize",
    params: { protocolVersion, capabilities: {}, clientInfo: { name: "c", version: "1" } },
  },
  server: {
    jsonrpc: "2.0",
    id: 0,
    result: { protocolVersion, capabilities: {}, serverInfo: { name: "s", version: "1" } },
  },
});

function why(conversation: Partial<Conversation>): string[] {
  return judge({ name: "w", fromClient: [], fromServer: [], ...conversation })
    .violations.map(({ from, why }) => `${from}: ${why}`);
}

function legacy(version: string, client: Json[], server: Json[]): string[] {
  const begin = initialize(version);
  return why({ fromClient: [begin.client, ...client], fromServer: [begin.server, ...server] });
}

const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };
const tools = { tools: [{ name: "t", inputSchema: { type: "object" } }] };

Deno.test("the referee finds nothing wrong with what is right, in every revision", () => {
  for (const version of ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]) {
    const call = { jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "t" } };
    assert.deepEqual(
      legacy(version, [list, call], [
        { jsonrpc: "2.0", id: 1, result: tools },
        { jsonrpc: "2.0", method: "notifications/tools/list_changed" },
        { jsonrpc: "2.0", id: 2, error: { code: -32602, message: "no" } },
      ]),
      [],
    );
  }
  const cached = { ...tools, resultType: "complete", ttlMs: 0, cacheScope: "private" };
  assert.deepEqual(
    why({
      fromClient: [{ ...list, params: { _meta: META } }],
      fromServer: [{ jsonrpc: "2.0", id: 1, result: cached }],
    }),
    [],
  );
});

Deno.test("the referee sees results, params and errors of the wrong shape", () => {
  const wrong = { tools: [{ name: "t" }] };
  assert.match(
    legacy("2025-11-25", [list], [{ jsonrpc: "2.0", id: 1, result: wrong }])[0],
    /inputSchema/,
  );
  assert.match(legacy("2025-06-18", [{ ...list, params: { cursor: 7 } }], [])[0], /cursor/);
  const error = { jsonrpc: "2.0", id: 1, error: { code: "x", message: "m" } };
  assert.match(legacy("2025-03-26", [list], [error])[0], /code/);
  const nameless = { ...list, params: { _meta: {} } };
  assert.match(why({ fromClient: [nameless], revision: "2026-07-28" })[0], /_meta/);
  const bare = { jsonrpc: "2.0", id: 1, result: tools };
  const modern = { ...list, params: { _meta: META } };
  assert.match(why({ fromClient: [modern], fromServer: [bare] })[0], /ListToolsResult/);
});

Deno.test("the referee sees what belongs to another revision or era", () => {
  const elicit = {
    jsonrpc: "2.0",
    id: "q",
    method: "elicitation/create",
    params: { message: "m", requestedSchema: { type: "object", properties: {} } },
  };
  assert.deepEqual(legacy("2025-06-18", [], [elicit]), []);
  assert.match(legacy("2025-03-26", [], [elicit])[0], /no elicitation\/create in this revision/);
  const modern = { ...list, params: { _meta: META } };
  assert.match(
    why({ fromClient: [modern], fromServer: [elicit] }).join(),
    /asks nothing by itself/,
  );
  const leaked = { jsonrpc: "2.0", id: 1, result: { ...tools, resultType: "complete" } };
  assert.match(legacy("2025-11-25", [list], [leaked])[0], /resultType belongs to another era/);
});

Deno.test("the referee sees what is answered twice or unasked", () => {
  const answer = { jsonrpc: "2.0", id: 1, result: tools };
  assert.match(legacy("2025-11-25", [list], [answer, answer])[0], /answered before/);
  assert.match(legacy("2025-11-25", [], [answer])[0], /answers nothing/);
  assert.match(legacy("2025-11-25", [list, list], [answer])[0], /used before/);
});
