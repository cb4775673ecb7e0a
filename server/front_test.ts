import assert from "node:assert/strict";
import { routesBench, TOKEN } from "../tests/fixtures/routes.ts";
import { createFront } from "./front.ts";
import { createRoutes } from "./routes.ts";

const JSON_TYPE = { "content-type": "application/json" };
const BOTH = { ...JSON_TYPE, accept: "application/json, text/event-stream" };
const ping = '{"jsonrpc":"2.0","method":"notifications/nothing"}';

/** Requests that the way in may take itself, and such as look alike. */
const REQUESTS: readonly [path: string, headers: Record<string, string>, body: string][] = [
  ["/mcp/one", BOTH, ping],
  ["/mcp", BOTH, ping],
  ["/mcp/", BOTH, ping],
  ["/mcp?project=/tmp", BOTH, ping],
  ["/mcp/one?client=me", BOTH, ping],
  ["/mcp/one/", BOTH, ping],
  ["/mcp/one/command", BOTH, ping],
  ["/mcp/none", BOTH, ping],
  ["/mcp/off", BOTH, ping],
  ["/mcp/o%6Ee", BOTH, ping],
  ["/mcp/..%2Fshutdown", BOTH, ping],
  ["/mcp/one%00", BOTH, ping],
  ["/mcp/../shutdown", BOTH, ping],
  ["//mcp/one", BOTH, ping],
  ["/mcpone", BOTH, ping],
  ["/mcp/one#part", BOTH, ping],
  ["/mcp/one", { ...BOTH, host: "evil.example" }, ping],
  ["/mcp/one", { ...BOTH, host: "127.0.0.1:7182/mcp/one" }, ping],
  ["/mcp/one", { ...BOTH, origin: "https://evil.example" }, ping],
  ["/mcp/one", { ...BOTH, origin: "https://app.example" }, ping],
  ["/mcp/one", { ...BOTH, "sec-fetch-site": "cross-site" }, ping],
  ["/mcp/one", { ...BOTH, "content-type": "text/plain" }, ping],
  ["/mcp/one", JSON_TYPE, ping],
  ["/mcp/one", { ...BOTH, accept: "text/html" }, ping],
  ["/mcp/one", BOTH, "{"],
  ["/mcp/one", BOTH, "[]"],
  ["/mcp/one", BOTH, '{"jsonrpc":"2.0","id":1,"result":{}}'],
  ["/mcp/one", { ...BOTH, "mcp-session-id": "unknown" }, ping],
  ["/mcp/one", { ...BOTH, "mcp-protocol-version": "1999-01-01" }, ping],
];

async function seen(response: Response) {
  return {
    status: response.status,
    headers: [...response.headers],
    body: await response.text(),
  };
}

for (const requireToken of [false, true]) {
  const suffix = requireToken ? ", where the token is needed" : "";
  Deno.test(`the way in answers exactly as the router does${suffix}`, async () => {
    const [a, b] = [routesBench(), routesBench()];
    for (const { options } of [a, b]) options.guard.settings.requireToken = requireToken;
    const front = createFront(a.options);
    const routes = createRoutes(b.options);
    const id = crypto.randomUUID();
    for (const { sessions, endpoint } of [a, b]) {
      sessions.create({ kind: "mcp", endpoint, id, protocolVersion: "2025-11-25" });
    }
    const answered = new Set<number>();
    for (const method of ["POST", "PUT", "OPTIONS"]) {
      for (const authorization of [undefined, `Bearer ${TOKEN}`, "Bearer wrong"]) {
        for (const [path, headers, body] of REQUESTS) {
          for (const known of [false, true]) {
            const make = () =>
              new Request(`http://127.0.0.1:7182${path}`, {
                method,
                headers: {
                  host: "127.0.0.1:7182",
                  ...(authorization === undefined ? {} : { authorization }),
                  ...(known ? { "mcp-session-id": id } : {}),
                  ...headers,
                },
                ...(method === "OPTIONS" ? {} : { body }),
              });
            const [through, past] = await Promise.all([
              front(make()),
              routes.fetch(make()),
            ]);
            const what = `${method} ${path} ${
              JSON.stringify({ ...headers, authorization, known })
            }`;
            answered.add(through.status);
            assert.deepEqual(await seen(through), await seen(past), what);
          }
        }
      }
    }
    assert.ok(answered.has(202) && answered.has(403) && answered.has(404), [...answered].join());
  });
}
