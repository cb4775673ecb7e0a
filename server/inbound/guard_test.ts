import assert from "node:assert/strict";
import type { Fault } from "../../protocol/errors.ts";
import {
  type Access,
  checkAccess,
  checkOrigin,
  corsHeaders,
  type GuardOptions,
  hasToken,
  preflight,
} from "./guard.ts";

const TOKEN = "0123456789abcdef";
const GUARD: GuardOptions = {
  token: TOKEN,
  settings: {
    allowedHosts: ["mcp.example", "192.168.1.5"],
    allowedOrigins: ["https://app.example", "http://localhost:3000"],
    requireToken: false,
  },
};

function isLetIn(headers: Record<string, string>): boolean {
  try {
    checkOrigin(new Headers(headers), GUARD);
    return true;
  } catch (fault) {
    assert.deepEqual(
      [(fault as Fault).reason, (fault as Fault).httpStatus],
      ["not_permitted", 403],
    );
    return false;
  }
}

const HOSTS: [host: string, letIn: boolean][] = [
  ["127.0.0.1", true],
  ["127.0.0.1:7182", true],
  ["127.0.0.1:", true],
  ["127.8.9.10:1", true],
  ["localhost", true],
  ["LocalHost:7182", true],
  ["[::1]", true],
  ["[::1]:7182", true],
  // Names of the configuration, in any case; the port is not compared (SSH tunnels).
  ["mcp.example", true],
  ["MCP.Example:8443", true],
  ["192.168.1.5:7182", true],
  // A page that was rebound to this machine comes under its own name.
  ["evil.example", false],
  ["evil.example:7182", false],
  ["localhost.evil.example", false],
  ["127.0.0.1.evil.example", false],
  ["evil-127.0.0.1", false],
  ["a127.0.0.1", false],
  ["127.0.0.1.", false],
  ["localhost.", false],
  ["xmcp.example", false],
  ["mcp.example.evil", false],
  ["127.0.0.1:7182:80", false],
  ["127.0.0.1 evil.example", false],
  ["evil.example, 127.0.0.1", false],
  ["127.0.0.1@evil.example", false],
  ["0.0.0.0:7182", false],
  ["127.1", false],
  ["2130706433", false],
  ["0x7f000001", false],
  ["::1", false],
  ["[::ffff:127.0.0.1]", false],
  ["[::]", false],
  [":7182", false],
  ["", false],
];

for (const [host, letIn] of HOSTS) {
  Deno.test(`host ${JSON.stringify(host)} is ${letIn ? "let in" : "refused"}`, () => {
    assert.equal(isLetIn({ host }), letIn);
  });
}

Deno.test("a request without a host is refused", () => assert.equal(isLetIn({}), false));

const ORIGINS: [origin: string, letIn: boolean][] = [
  ["https://app.example", true],
  ["http://localhost:3000", true],
  // The daemon's own pages.
  ["http://127.0.0.1:7182", true],
  ["null", false],
  ["", false],
  ["https://evil.example", false],
  ["http://app.example", false],
  ["https://app.example:444", false],
  ["https://app.example.evil", false],
  ["https://app.example/", false],
  ["https://APP.example", false],
  ["http://localhost:3001", false],
  ["http://localhost", false],
  ["http://localhost:7182", false],
  ["http://127.0.0.1", false],
  ["http://127.0.0.1:7183", false],
  ["https://127.0.0.1:7182", false],
  ["file://", false],
  ["chrome-extension://abcdef", false],
];

for (const [origin, letIn] of ORIGINS) {
  Deno.test(`origin ${JSON.stringify(origin)} is ${letIn ? "let in" : "refused"}`, () => {
    assert.equal(isLetIn({ host: "127.0.0.1:7182", origin }), letIn);
    assert.equal(isLetIn({ host: "evil.example", origin }), false, "never under another host");
  });
}

const SITES: [site: string, origin: string | undefined, letIn: boolean][] = [
  ["none", undefined, true],
  ["same-origin", undefined, true],
  ["same-site", undefined, false],
  ["cross-site", undefined, false],
  ["cross-site", "https://app.example", true],
  ["cross-site", "https://evil.example", false],
  ["same-origin", "https://evil.example", false],
];

for (const [site, origin, letIn] of SITES) {
  Deno.test(`a browser's request from ${site}, origin ${origin}, is ${letIn ? "let in" : "refused"}`, () => {
    const headers = { host: "127.0.0.1:7182", "sec-fetch-site": site };
    assert.equal(isLetIn(origin === undefined ? headers : { ...headers, origin }), letIn);
  });
}

const AUTHORIZATIONS: [header: string | undefined, right: boolean][] = [
  [`Bearer ${TOKEN}`, true],
  [`bearer  ${TOKEN}`, true],
  [undefined, false],
  ["", false],
  ["Bearer", false],
  ["Bearer ", false],
  [TOKEN, false],
  [`Basic ${TOKEN}`, false],
  [`Bearer ${TOKEN}x`, false],
  [`Bearer ${TOKEN.slice(0, -1)}`, false],
  [`Bearer ${TOKEN.toUpperCase()}`, false],
  [`Bearer ${TOKEN}${TOKEN}`, false],
  [`Bearer ${TOKEN} ${TOKEN}`, false],
  [`Bearer x, Bearer ${TOKEN}`, false],
];

for (const [authorization, right] of AUTHORIZATIONS) {
  Deno.test(`authorization ${JSON.stringify(authorization)} is ${right ? "right" : "wrong"}`, () => {
    const headers = new Headers(authorization === undefined ? {} : { authorization });
    assert.equal(hasToken(headers, TOKEN), right);
  });
}

const NEEDS: [access: Access, requireToken: boolean, needed: boolean][] = [
  ["open", false, false],
  ["open", true, false],
  ["data", false, false],
  ["data", true, true],
  ["control", false, true],
  ["control", true, true],
];

for (const [access, requireToken, needed] of NEEDS) {
  Deno.test(`${access} with requireToken ${requireToken} ${needed ? "needs" : "needs no"} token`, () => {
    const options = { ...GUARD, settings: { ...GUARD.settings, requireToken } };
    const check = (headers: Record<string, string>) => () =>
      checkAccess(new Headers(headers), access, options);
    check({ authorization: `Bearer ${TOKEN}` })();
    const wrong = check({ authorization: "Bearer wrong" });
    if (!needed) return wrong();
    assert.throws(wrong, (fault) => {
      assert.ok(!(fault as Fault).message.includes(TOKEN));
      return (fault as Fault).httpStatus === 401;
    });
  });
}

Deno.test("a page that was let in may read the answer, and the caches are told; others are not", () => {
  const headers = corsHeaders(new Headers({ origin: "https://app.example" }));
  assert.equal(headers["access-control-allow-origin"], "https://app.example");
  assert.equal(headers.vary, "origin");
  assert.match(headers["access-control-expose-headers"], /mcp-session-id/);
  assert.deepEqual(corsHeaders(new Headers()), {});
});

Deno.test("a preflight allows what the page asks for, and no credentials", () => {
  const response = preflight(
    new Headers({
      origin: "https://app.example",
      "access-control-request-headers": "content-type, mcp-session-id",
    }),
  );
  assert.equal(response.status, 204);
  const header = (name: string) => response.headers.get(`access-control-allow-${name}`);
  assert.equal(header("origin"), "https://app.example");
  assert.equal(header("headers"), "content-type, mcp-session-id");
  assert.match(header("methods")!, /DELETE/);
  assert.equal(header("credentials"), null);
});
