/**
 * All servers behind one address, with real clients and real servers.
 */

import assert from "node:assert/strict";
import { daemonTest } from "../fixtures/daemon.ts";
import { connectPeer } from "../fixtures/peers.ts";
import { errorOf, McpSession, textOf } from "./support/mcp_session.ts";
import { everything, filesystem, memory, misbehaving } from "./support/servers.ts";
import { within } from "./support/within.ts";

const real = {
  mcpServers: {
    everything: everything(),
    memory: memory("${AICHAKU_HOME}/memory.jsonl"),
    files: filesystem("${AICHAKU_HOME}"),
  },
};

for (const line of ["v1", "v2"] as const) {
  daemonTest(
    `a ${line} client uses three real servers through /mcp`,
    { config: real },
    async ({ url, home }) => {
      // The first time they are fetched from the registry: a list would not wait that long.
      for (const server of Object.keys(real.mcpServers)) {
        await using _ = await connectPeer({ line, url: `${url}/mcp/${server}` });
      }
      await using peer = await connectPeer({ line, url: `${url}/mcp` });
      const { tools } = await within(peer.listTools(), "the tools of all servers");
      const names = tools.map(({ name }) => name);
      for (const name of ["everything__echo", "memory__create_entities", "files__read_text_file"]) {
        assert.ok(names.includes(name), `${name} is not among ${names.join(", ")}`);
      }
      assert.equal(new Set(names).size, names.length);
      assert.equal(names.find((name) => !name.includes("__")), undefined);

      assert.equal(await peer.callTool("everything__echo", { message: "hello" }), "Echo: hello");
      await Deno.writeTextFile(`${home}/note.txt`, "read me");
      const path = await Deno.realPath(`${home}/note.txt`);
      assert.equal(await peer.callTool("files__read_text_file", { path }), "read me");
      const entity = { name: "aichaku", entityType: "program", observations: ["shares servers"] };
      await peer.callTool("memory__create_entities", { entities: [entity] });
      const graph = JSON.parse(await peer.callTool("memory__read_graph"));
      assert.deepEqual(graph.entities, [entity]);
      await assert.rejects(peer.callTool("nobody__echo"), /tools are named server__tool/);
    },
  );
}

const two = {
  mcpServers: { one: misbehaving({ name: "one" }), "two.b_c": misbehaving({ name: "two" }) },
};

daemonTest("a tool is called at the server its name begins with, under its own name", {
  config: two,
}, async ({ url }) => {
  const session = await McpSession.begin({ url });
  const pids = await Promise.all(
    ["one__pid", "two.b_c__pid"].map(async (name) => textOf(await session.call(name, name))),
  );
  assert.notEqual(pids[0], pids[1]);
  // The very same process as at the server's own address.
  const alone = await McpSession.begin({ url, server: "one" });
  assert.equal(textOf(await alone.call(1, "pid")), pids[0]);
  const progress = await session.call(5, "one__progress", { steps: 2, text: "p" }, {
    progressToken: "mine",
  });
  assert.deepEqual(
    progress.notifications.map(({ params }) => [params.progressToken, params.progress]),
    [["mine", 1], ["mine", 2]],
  );
});

daemonTest(
  "a tool that no server has is refused with the names there are",
  { referee: { judges: "only ours", because: "one call names no tool" }, config: two },
  async ({ url }) => {
    const session = await McpSession.begin({ url });
    for (const name of ["echo", "three__echo", "__echo", "one", "one_echo", "__proto__", ""]) {
      const outcome = await session.call(name, name);
      assert.deepEqual([name, errorOf(outcome).code], [name, -32602]);
      assert.match(outcome.answer.error.message, /the servers are one, two\.b_c/);
    }
    // The server is right, and says itself that it has no such tool.
    const unknown = await session.call(1, "one__nothing");
    assert.deepEqual(unknown.answer.error, { code: -32602, message: "no tool nothing" });
    const nameless = await session.request(2, "tools/call", {});
    assert.equal(errorOf(nameless).code, -32602);
  },
);

daemonTest(
  "whoever lists all tools hears when those of one server change",
  { config: two },
  async ({ url }) => {
    const session = await McpSession.begin({ url });
    await using stream = await session.openStream();
    const alone = await McpSession.begin({ url, server: "one" });
    await alone.tell("change");
    assert.deepEqual(await stream.nextMessage(), {
      jsonrpc: "2.0",
      method: "notifications/tools/list_changed",
    });
  },
);

daemonTest(
  "what a server logs for one client of /mcp reaches no other",
  { config: two },
  async ({ url }) => {
    const [session, other] = [await McpSession.begin({ url }), await McpSession.begin({ url })];
    const alone = await McpSession.begin({ url, server: "one" });
    await using stream = await other.openStream();
    await using aloneStream = await alone.openStream();
    const outcome = await session.call(1, "one__log", { text: "mine" });
    assert.equal(textOf(outcome), "mine");
    await session.tell("one__change");
    for (const elsewhere of [stream, aloneStream]) {
      assert.equal((await elsewhere.nextMessage()).method, "notifications/tools/list_changed");
    }
  },
);

daemonTest("one server's crash is told to its own callers, the other's calls go on", {
  config: two,
}, async ({ url }) => {
  const session = await McpSession.begin({ url });
  const held = session.call("held", "two.b_c__hold", { key: "k", text: "untouched" });
  await session.tell("two.b_c__waiting", { key: "k", count: 1 });
  const died = await session.call(1, "one__exit");
  assert.deepEqual(errorOf(died), { code: -32010, reason: "upstream_exited" });
  assert.equal(died.answer.error.data.server, "one");
  await session.tell("two.b_c__release", { key: "k" });
  assert.equal(textOf(await held), "untouched");
});
