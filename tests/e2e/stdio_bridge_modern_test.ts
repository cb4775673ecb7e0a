/**
 * `aichaku mcp --stdio` for clients of revision 2026-07-28: no handshake, cancellation by name, what is
 * listened for between the answers; with the daemon coming and going, and legacy requests beside them.
 */

import assert from "node:assert/strict";
import { type DaemonFixture, homeTest } from "../fixtures/daemon.ts";
import { LineBridge } from "./support/line_bridge.ts";
import type { Json } from "./support/mcp_session.ts";
import { asking } from "./support/servers.ts";
import { eventually } from "./support/within.ts";

const config = { mcpServers: { asking: asking() } };

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": { elicitation: { form: {} } },
};
const SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId";

/** A modern client behind a bridge. */
class Modern extends LineBridge {
  #id = 0;

  constructor(home: DaemonFixture, args = ["--server", "asking"]) {
    super(home, args);
  }

  async start(method: string, params: Json = {}, id: Json = ++this.#id): Promise<void> {
    await this.write({ jsonrpc: "2.0", id, method, params: { ...params, _meta: META } });
  }

  async ask(method: string, params: Json = {}, id: Json = `m${++this.#id}`): Promise<Json> {
    await this.start(method, params, id);
    return await this.answerTo(id);
  }

  call(name: string, args: Json = {}, more: Json = {}): Promise<Json> {
    return this.ask("tools/call", { name, arguments: args, ...more });
  }

  async text(name: string, args: Json = {}): Promise<string> {
    const { result, error } = await this.call(name, args);
    assert.equal(error, undefined);
    return result.content[0].text;
  }

  cancel(requestId: Json): Promise<void> {
    return this.write({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId } });
  }

  /** Methods of what was told to the subscription `id`. */
  toldTo(id: Json): string[] {
    return this.messages.filter(({ params }) => params?._meta?.[SUBSCRIPTION] === id)
      .map(({ method }) => method);
  }
}

homeTest("a modern client needs no handshake, and is known again", { config }, async (home) => {
  await using client = new Modern(home);
  const { result } = await client.ask("server/discover");
  assert.ok(result.supportedVersions.includes("2026-07-28"), JSON.stringify(result));
  const { result: list } = await client.ask("tools/list");
  assert.equal(list.resultType, "complete");
  assert.ok(list.tools.some(({ name }: Json) => name === "echo"));
  assert.equal(await client.text("echo", { text: "é\u2028" }), "é\u2028");
  const { sessions } = await home.health();
  assert.equal(sessions, 1, "all of its requests are one client's");
});

homeTest("a question comes as the answer, and its answer with the next request", { config }, async (
  home,
) => {
  await using client = new Modern(home);
  const { result } = await client.call("ask", { for: "me" });
  assert.equal(result.resultType, "input_required", JSON.stringify(result));
  const [key] = Object.keys(result.inputRequests);
  const { requestState } = result;
  const inputResponses = { [key]: { action: "accept", content: { answer: "yes" } } };
  const done = await client.call("ask", { for: "me" }, { requestState, inputResponses });
  assert.match(done.result.content[0].text, /"answer":"yes"/);
});

homeTest("what is cancelled is cancelled at the server, and never spoken of again", {
  config,
}, async (home) => {
  await using client = new Modern(home);
  await client.start("tools/call", { name: "hold", arguments: { key: "k" } }, "held");
  await client.call("waiting", { key: "k", count: 1 });
  await client.cancel("held");
  const about = await client.text("about");
  assert.equal(JSON.parse(about).cancelled.length, 1);
  await client.call("open", { key: "k" });
  assert.equal(client.messages.filter(({ id }) => id === "held").length, 0);
  // Too late, and for nobody: no answer, no harm.
  await client.cancel("held");
  await client.cancel("never");
  assert.equal(await client.text("echo", { text: "on" }), "on");
});

homeTest("an unknown server is told to every call, and none seems to be lost", {
  config,
}, async (home) => {
  await using client = new Modern(home, ["--server", "nobody"]);
  const params = { name: "echo", arguments: { text: "x" }, _meta: META };
  const call = (id: number) => ({ jsonrpc: "2.0", id, method: "tools/call", params });
  await client.write(call(1), call(2), call(3));
  for (const id of [1, 2, 3]) {
    const { error } = await client.answerTo(id);
    assert.match(error.message, /Unknown server "nobody"; configured are: .*\basking\b/);
  }
});

homeTest("both eras on one standard input", { config }, async (home) => {
  await using client = new Modern(home);
  assert.equal(await client.text("echo", { text: "modern" }), "modern");
  await client.write({
    jsonrpc: "2.0",
    id: "i",
    method: "initialize",
    params: {
      protocolVersion: "2025-06-18",
      capabilities: {},
      clientInfo: { name: "bridged", version: "1" },
    },
  }, { jsonrpc: "2.0", method: "notifications/initialized" });
  const params = { name: "echo", arguments: { text: "legacy" } };
  await client.write({ jsonrpc: "2.0", id: "l", method: "tools/call", params });
  const [initialized, legacy, modern] = await Promise.all([
    client.answerTo("i"),
    client.answerTo("l"),
    client.call("echo", { text: "again" }),
  ]);
  assert.equal(initialized.result.protocolVersion, "2025-06-18");
  assert.equal(legacy.result.resultType, undefined);
  assert.equal(modern.result.resultType, "complete");
});

homeTest(
  "a restart of the daemon goes unnoticed between calls, and a subscription that ended says so",
  {
    config,
  },
  async (home) => {
    await using client = new Modern(home);
    await client.start("subscriptions/listen", {
      notifications: { resourceSubscriptions: ["test://one"] },
    }, "listen");
    await eventually(() => client.toldTo("listen").length === 1, "the acknowledgement");
    await client.call("update", { uri: "test://one" });
    await eventually(() => client.toldTo("listen").length === 2, "the update");
    assert.equal((await home.cli("mcp", "--restart-server")).code, 0);
    assert.equal(await client.text("echo", { text: "after" }), "after");
    const ended = await client.answerTo("listen");
    assert.equal(ended.result.resultType, "complete");
  },
);

homeTest(
  "a subscription survives the daemon's sudden death, and its client is told to look again",
  {
    config,
  },
  async (home) => {
    await using client = new Modern(home);
    await client.start("subscriptions/listen", {
      notifications: { resourceSubscriptions: ["test://one"] },
    }, "listen");
    await eventually(() => client.toldTo("listen").length === 1, "the acknowledgement");
    await home.kill9();
    const expected = [
      "notifications/subscriptions/acknowledged",
      "notifications/resources/updated",
    ];
    await eventually(() => client.toldTo("listen").length === 2, "that it may have changed");
    assert.deepEqual(
      client.toldTo("listen"),
      expected,
      "the second acknowledgement is the bridge's own",
    );
    await client.call("update", { uri: "test://one" });
    await eventually(() => client.toldTo("listen").length === 3, "an update from the new daemon");
  },
);

homeTest("of what is under way when the daemon dies, calls fail once and the rest is asked again", {
  config,
}, async (home) => {
  await using client = new Modern(home);
  await client.start("tools/call", { name: "hold", arguments: { key: "k" } }, "held");
  await client.call("waiting", { key: "k", count: 1 });
  home.suspend();
  await client.start("tools/list", {}, "list");
  await home.kill9();
  const { error } = await client.answerTo("held");
  assert.deepEqual([error.code, error.data.retryable], [-32014, false]);
  const { result } = await client.answerTo("list");
  assert.ok(result.tools.length > 0);
  assert.equal(client.messages.filter(({ id }) => id === "held").length, 1);
});

homeTest("what is wrong is answered under the id of what was asked", { config }, async (home) => {
  await using nobody = new Modern(home, ["--server", "nobody"]);
  const unknown = await nobody.ask("tools/list");
  assert.match(unknown.error.message, /Unknown server "nobody"; configured are: .*\basking\b/);
  await using client = new Modern(home);
  const big = await client.call("echo", { text: "x".repeat(5 * 1024 * 1024) });
  assert.match(big.error.message, /longer than 4194304 bytes/);
  await client.start("tools/call", { name: "hold", arguments: { key: "k" } }, "twice");
  await client.call("waiting", { key: "k", count: 1 });
  await client.start("tools/list", {}, "twice");
  assert.equal((await client.answerTo("twice")).error.code, -32600);
  await client.call("open", { key: "k", text: "done" });
  await eventually(
    () => client.messages.some(({ id, result }) => id === "twice" && result),
    "both",
  );
});

homeTest("without a Unix socket the daemon is reached all the same, and past any proxy", {
  config: { ...config, server: { requireToken: true } },
  env: { HTTP_PROXY: "http://127.0.0.1:9", http_proxy: "http://127.0.0.1:9" },
}, async (home) => {
  await using first = new Modern(home);
  assert.equal(await first.text("echo", { text: "by the socket" }), "by the socket");
  await hideSocket(home);
  await using client = new Modern(home);
  assert.equal(await client.text("echo", { text: "by the port" }), "by the port");
  await client.start("tools/call", { name: "hold", arguments: { key: "k" } }, "held");
  await client.call("waiting", { key: "k", count: 1 });
  await home.kill9();
  assert.equal((await client.answerTo("held")).error.code, -32014);
  assert.equal(await client.text("echo", { text: "again" }), "again");
});

homeTest("calls that are not answered within five seconds after the end of input do not hold it", {
  config,
}, async (home) => {
  const client = new Modern(home);
  await client.write({
    jsonrpc: "2.0",
    id: "i",
    method: "initialize",
    params: {
      protocolVersion: "2025-06-18",
      capabilities: {},
      clientInfo: { name: "bridged", version: "1" },
    },
  });
  await client.answerTo("i");
  await client.start("tools/call", { name: "hold", arguments: { key: "k" } }, "modern");
  const params = { name: "hold", arguments: { key: "k" } };
  await client.write({ jsonrpc: "2.0", id: "legacy", method: "tools/call", params });
  await client.start("subscriptions/listen", { notifications: {} }, "listen");
  await client.start("tools/call", { name: "echo", arguments: { text: "last" } }, "last");
  assert.equal(await client.end(), 0);
  const outcomes = ["modern", "legacy", "last"].map((name) => {
    const of = client.messages.filter(({ id, method }) => id === name && method === undefined);
    return of.map(({ result, error }) => error?.data.reason ?? result.content[0].text);
  });
  assert.deepEqual(outcomes, [["cancelled"], ["cancelled"], ["last"]]);
});

/** Makes the daemon's announcement say what it says where the system allows no such path. */
async function hideSocket({ paths }: DaemonFixture): Promise<void> {
  const announcement = JSON.parse(await Deno.readTextFile(paths.daemonJson));
  await Deno.writeTextFile(paths.daemonJson, JSON.stringify({ ...announcement, socket: null }));
}
