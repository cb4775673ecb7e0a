/**
 * The referee listens on every wire of every daemon that a test starts: a message that the schemas do not
 * allow fails that test, whoever said it and however it came.
 */

import assert from "node:assert/strict";
import { DaemonFixture } from "../fixtures/daemon.ts";
import { InboundClient, TRANSPORTS } from "../e2e/support/inbound_clients.ts";
import { RemoteProcess } from "../e2e/support/remote.ts";
import { misbehaving } from "../e2e/support/servers.ts";
import type { Leniency } from "./verdict.ts";

const config = { server: { tcpPort: 0 }, mcpServers: { misbehaving: misbehaving() } };
/** Everything about it is right but one thing. */
const WRONG = { jsonrpc: "2.0", id: "wrong", method: "tools/list", params: { cursor: 7 } };

/** What the end of a fixture says. */
async function endOf(daemon: DaemonFixture): Promise<string> {
  return await daemon[Symbol.asyncDispose]().then(() => "fine", (error: Error) => error.message);
}

for (const transport of TRANSPORTS) {
  Deno.test(`${transport.name}: a client that says something wrong fails its test`, async () => {
    const daemon = await DaemonFixture.start({ config });
    const client = await InboundClient.begin(transport, daemon);
    await client.ask(WRONG);
    await client.cut();
    const said = await endOf(daemon);
    assert.match(said, /from the client: ListToolsRequest\/params\/cursor must be string/);
  });
}

Deno.test("a child that says something wrong fails its test, unless the test allows for it", async () => {
  const play = async (referee?: Leniency) => {
    const daemon = await DaemonFixture.start({ config, referee });
    await daemon.rpc("misbehaving", {
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name: "garbage", arguments: { text: "x" } },
    });
    return await endOf(daemon);
  };
  assert.match(await play(), /child \d+: from the server: it is not JSON/);
  assert.equal(await play({ judges: "only ours", because: "the child is hostile" }), "fine");
});

for (const kind of ["http", "sse", "ws"] as const) {
  Deno.test(`what is said to a remote server over ${kind}, and what it says, is judged`, async () => {
    await using remote = await RemoteProcess.start(kind);
    await using daemon = await DaemonFixture.start({
      config: { mcpServers: { remote: remote.entry } },
    });
    const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };
    const { body } = await daemon.rpc("remote", list);
    assert.ok(Array.isArray(body.result.tools));
    const { judged, violations, wires } = await daemon.verdict();
    assert.deepEqual(violations, []);
    // The handshake and the list, each asked and answered, on the server's side as well.
    const messages = Object.values(judged).reduce((sum, count) => sum + count, 0);
    assert.ok(messages >= 6, `${messages} messages`);
    assert.ok(wires.some((name) => name.startsWith(kind === "ws" ? "websocket" : "remote")));
  });
}
