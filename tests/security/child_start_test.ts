/**
 * What a server is started with: nothing of the daemon's secrets, and no shell in between.
 */

import assert from "node:assert/strict";
import { errorOf, McpSession, textOf } from "../e2e/support/mcp_session.ts";
import { misbehaving } from "../e2e/support/servers.ts";
import { daemonTest } from "../fixtures/daemon.ts";

daemonTest("a server sees the variables of its entry and none of the user's secrets", {
  config: {
    mcpServers: {
      misbehaving: { ...misbehaving(), env: { GIVEN: "by the entry", NAMED: "${NAMED_SECRET}" } },
      other: misbehaving(),
    },
  },
  env: {
    AICHAKU_TOKEN: "the-daemons-own-token-0123456789abcdef",
    DATABASE_PASSWORD: "hunter2",
    NAMED_SECRET: "for this one",
    BASH_FUNC_x: "() { echo; }",
  },
}, async (daemon) => {
  const environmentOf = async (server: string): Promise<Record<string, string>> => {
    const session = await McpSession.begin({ url: daemon.url, server });
    return JSON.parse(textOf(await session.call(1, "environment")));
  };
  const environment = await environmentOf("misbehaving");
  assert.equal(environment.GIVEN, "by the entry");
  assert.equal(environment.NAMED, "for this one");
  assert.equal(environment.PATH, daemon.env.PATH);
  assert.equal(environment.AICHAKU_INSTANCE, daemon.instanceId);
  for (
    const name of [
      "DATABASE_PASSWORD",
      "NAMED_SECRET",
      "AICHAKU_TOKEN",
      "AICHAKU_HOME",
      "BASH_FUNC_x",
    ]
  ) {
    assert.equal(environment[name], undefined, name);
  }
  assert.ok(!Object.values(environment).includes(daemon.token));
  const other = await environmentOf("other");
  assert.deepEqual([other.GIVEN, other.NAMED], [undefined, undefined]);
});

const TRICKS = "$(touch pwned) `touch pwned` ; touch pwned && touch pwned | touch pwned > pwned";

daemonTest("a server's arguments are its own: no shell reads them", {
  config: {
    mcpServers: {
      tricky: { ...misbehaving({ name: TRICKS }), cwd: "${AICHAKU_HOME}" },
      "no-command": { command: "touch pwned; true", args: [], cwd: "${AICHAKU_HOME}" },
    },
  },
}, async ({ url, home }) => {
  const session = await McpSession.begin({ url, server: "tricky" });
  const { answer } = await session.request(1, "ping");
  assert.deepEqual(answer.result, {});
  const refused = await fetch(`${url}/rpc/no-command`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
  });
  assert.equal(errorOf({ answer: await refused.json() }).reason, "upstream_unavailable");
  await assert.rejects(Deno.stat(`${home}/pwned`), Deno.errors.NotFound);
});

daemonTest("what a client sends stays in the message: no header of its goes to the server", {
  config: { mcpServers: { misbehaving: misbehaving() } },
}, async ({ url }) => {
  const session = await McpSession.begin({ url, server: "misbehaving" });
  const secret = "Bearer of-the-client";
  const outcome = await session.call(1, "message", {}, { headers: { authorization: secret } });
  const seen = textOf(outcome);
  assert.ok(seen.includes('"name":"message"'), seen);
  assert.ok(!seen.includes("of-the-client"), seen);
});
