/**
 * What all servers together offer, to real clients in both lines of the SDK, by real servers: lists,
 * prompts, resources, completion, subscriptions; and that nothing is started for what is known.
 */

import assert from "node:assert/strict";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as TransportV1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from "@modelcontextprotocol/client";
import { fromFileUrl, join } from "@std/path";
import { daemonTest } from "../fixtures/daemon.ts";
import type { Offer } from "../fixtures/servers/catalog_server.ts";
import { McpSession } from "./support/mcp_session.ts";
import { childrenOf } from "./support/processes.ts";
import { type Entry, everything, filesystem, memory, misbehaving } from "./support/servers.ts";
import { eventually, within } from "./support/within.ts";

/** What the tests use of a client; both lines have it. */
interface Client {
  connect(transport: unknown): Promise<void>;
  close(): Promise<void>;
  fallbackNotificationHandler?: (notification: Heard) => Promise<void>;
  getInstructions(): string | undefined;
  listTools(params?: { cursor?: string }): Promise<{ tools: Named[]; nextCursor?: string }>;
  listPrompts(): Promise<{ prompts: Named[] }>;
  listResources(): Promise<{ resources: { uri: string }[] }>;
  listResourceTemplates(): Promise<{ resourceTemplates: { uriTemplate: string }[] }>;
  callTool(params: { name: string; arguments: object }): Promise<{ content: { text: string }[] }>;
  getPrompt(params: { name: string; arguments: object }): Promise<{ messages: unknown[] }>;
  readResource(params: { uri: string }): Promise<{ contents: { uri: string; text: string }[] }>;
  complete(params: object): Promise<{ completion: { values: string[] } }>;
  setLoggingLevel(level: string): Promise<unknown>;
  subscribeResource(params: { uri: string }): Promise<unknown>;
  unsubscribeResource(params: { uri: string }): Promise<unknown>;
}

interface Named {
  name: string;
}

interface Heard {
  method: string;
  params?: Record<string, unknown>;
}

/** A client of either line, and the notifications it was sent. */
interface Connected extends AsyncDisposable {
  client: Client;
  heard: Heard[];
}

async function connect(line: "v1" | "v2", url: string): Promise<Connected> {
  const info = { name: `catalog-${line}`, version: "1" };
  const heard: Heard[] = [];
  const address = new URL(`${url}/mcp`);
  const transport = line === "v1" ? new TransportV1(address) : new TransportV2(address);
  const made: unknown = line === "v1" ? new ClientV1(info) : new ClientV2(info);
  const client = made as Client;
  client.fallbackNotificationHandler = (notification) => {
    heard.push(notification);
    return Promise.resolve();
  };
  await within(client.connect(transport), "a client being connected");
  return {
    client,
    heard,
    async [Symbol.asyncDispose]() {
      await transport.terminateSession();
      await client.close();
    },
  };
}

/** An entry of the server that offers what it is told. */
function offering(offer: Offer, more: Partial<Entry> = {}): Entry {
  const path = fromFileUrl(new URL("../fixtures/servers/catalog_server.ts", import.meta.url));
  const flags = ["-A", "--no-check", "--no-config", "--no-lock"];
  return {
    command: Deno.execPath(),
    args: ["run", ...flags, path, JSON.stringify(offer)],
    ...more,
  };
}

/** Without the built-in server's. */
const names = ({ tools }: { tools: Named[] }) =>
  tools.map(({ name }) => name).filter((name) => !name.startsWith("reviewer__"));

const real = {
  mcpServers: {
    everything: everything(),
    memory: memory("${AICHAKU_HOME}/memory.jsonl"),
    files: filesystem("${AICHAKU_HOME}"),
  },
};

for (const line of ["v1", "v2"] as const) {
  daemonTest(`a ${line} client uses what three real servers offer beside tools`, {
    config: real,
  }, async ({ url }) => {
    await using connected = await connect(line, url);
    const { client } = connected;
    // Fetched from the registry the first time: then the lists are announced.
    await eventually(async () => names(await client.listTools()).length > 20, "all tools");

    const { prompts } = await client.listPrompts();
    const prompt = prompts.find(({ name }) => name === "everything__args-prompt");
    assert.ok(prompt, JSON.stringify(prompts));
    const got = await client.getPrompt({ name: prompt.name, arguments: { city: "Kyoto" } });
    assert.match(JSON.stringify(got.messages), /Kyoto/);
    const completed = await client.complete({
      ref: { type: "ref/prompt", name: "everything__completable-prompt" },
      argument: { name: "department", value: "E" },
    });
    assert.deepEqual(completed.completion.values, ["Engineering"]);

    const { resources } = await client.listResources();
    assert.ok(resources.length > 0);
    const { uri } = resources[0];
    const { contents } = await client.readResource({ uri });
    assert.equal(contents[0].uri, uri);
    const { resourceTemplates } = await client.listResourceTemplates();
    const template = resourceTemplates.find(({ uriTemplate }) => uriTemplate.includes("text/"));
    assert.ok(template, JSON.stringify(resourceTemplates));
    const dynamic = template.uriTemplate.replace(/\{.*\}/, "7");
    const { contents: [made] } = await client.readResource({ uri: dynamic });
    assert.equal(made.uri, dynamic);
    await assert.rejects(client.readResource({ uri: "demo://nobody/7" }), { code: -32002 });
    await client.setLoggingLevel("warning");

    await client.subscribeResource({ uri });
    await client.callTool({ name: "everything__toggle-subscriber-updates", arguments: {} });
    const updated = await eventually(
      () => connected.heard.find(({ method }) => method === "notifications/resources/updated"),
      "an update",
    );
    assert.equal(updated.params?.uri, uri);
    await client.unsubscribeResource({ uri });
  });
}

const MANY = 1_000;

daemonTest("1,000 tools of one server come in pages, behind those of another, none twice", {
  config: {
    mcpServers: {
      few: offering({ tools: ["first", "second"] }),
      many: offering({ tools: MANY, pageSize: 77 }),
    },
  },
}, async ({ url }) => {
  for (const line of ["v1", "v2"] as const) {
    await using connected = await connect(line, url);
    const { client } = connected;
    const all: string[] = [];
    let pages = 0;
    if (line === "v1") {
      let cursor: string | undefined;
      do {
        const page = await client.listTools({ cursor });
        all.push(...names(page));
        pages++;
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      assert.equal(pages, 3);
    } else {
      // Reads on by itself.
      all.push(...names(await client.listTools()));
    }
    assert.deepEqual(all, [
      "few__first",
      "few__second",
      ...Array.from({ length: MANY }, (_, n) => `many__tool_${n}`),
    ]);
    const { content } = await client.callTool({ name: "many__tool_999", arguments: {} });
    assert.match(content[0].text, /^tool_999 of/);
  }
});

const SERVERS = 20;

daemonTest("with what 20 servers offer known, lists start no process, and a call starts one", {
  config: {
    mcpServers: Object.fromEntries(
      Array.from({ length: SERVERS }, (_, n) => [
        `s${n}`,
        offering({ tools: ["echo"], resources: [`x://${n}`], instructions: `I am ${n}` }),
      ]),
    ),
  },
}, async (daemon) => {
  {
    await using connected = await connect("v1", daemon.url);
    const { client } = connected;
    await eventually(
      async () =>
        names(await client.listTools()).length === SERVERS &&
        (await client.listResources()).resources.length === SERVERS,
      "everything being listed",
    );
  }
  assert.equal((await childrenOf(daemon.pid)).length >= SERVERS, true);
  const { code, stderr } = await daemon.cli("mcp", "--restart-server");
  assert.equal(code, 0, stderr);
  const before = (await daemon.childPids()).length;

  for (const line of ["v1", "v2"] as const) {
    await using connected = await connect(line, daemon.url);
    const { client } = connected;
    assert.equal(names(await client.listTools()).length, SERVERS);
    assert.equal((await client.listResources()).resources.length, SERVERS);
    assert.deepEqual((await client.listResourceTemplates()).resourceTemplates, []);
    assert.match(client.getInstructions() ?? "", /I am 19/);
    assert.equal((await daemon.childPids()).length, before, "a list has started something");
  }
  await using connected = await connect("v1", daemon.url);
  const { client } = connected;
  await client.callTool({ name: "s7__echo", arguments: {} });
  assert.equal((await daemon.childPids()).length, before + 1);
  const { contents: [read] } = await client.readResource({ uri: "x://12" });
  assert.equal(read.uri, "x://12");
  assert.equal((await daemon.childPids()).length, before + 2);
  if (Deno.build.os !== "windows") {
    for (const { name } of Deno.readDirSync(join(daemon.paths.cacheDir, "catalogs"))) {
      const { mode } = Deno.statSync(join(daemon.paths.cacheDir, "catalogs", name));
      assert.equal(mode! & 0o777, 0o600, name);
    }
  }
});

daemonTest(
  "a broken server and one that is late leave the others' lists alone; the late one is announced",
  {
    config: {
      mcpServers: {
        broken: misbehaving({ mode: "--exit-at-start" }),
        missing: { command: "/nonexistent/program", args: [] },
        late: offering({ tools: ["late"], gate: "${AICHAKU_HOME}/gate" }, { startTimeout: "2m" }),
        fine: offering({ tools: ["fine"] }),
      },
    },
  },
  async ({ url, home }) => {
    await using connected = await connect("v2", url);
    const { client, heard } = connected;
    const listed = await within(client.listTools(), "a list without the late one", 60_000);
    assert.deepEqual(names(listed), ["fine__fine"]);
    await assert.rejects(client.callTool({ name: "missing__x", arguments: {} }), { code: -32011 });
    await Deno.writeTextFile(join(home, "gate"), "");
    await eventually(
      () => heard.some(({ method }) => method === "notifications/tools/list_changed"),
      "the announcement",
    );
    assert.deepEqual(names(await client.listTools()), ["late__late", "fine__fine"]);
  },
);

daemonTest("the same names and addresses at two servers, and names that mean something elsewhere", {
  config: {
    mcpServers: {
      one: offering({
        tools: ["__proto__", "a__b", "echo"],
        resources: ["x://both", "x://one"],
        templates: ["y://{id}"],
        text: "one",
      }),
      two: offering({
        tools: ["constructor", "echo"],
        resources: ["x://both", "y://two"],
        templates: ["y://{id}"],
        text: "two",
      }),
    },
  },
}, async ({ url }) => {
  for (const line of ["v1", "v2"] as const) {
    await using connected = await connect(line, url);
    const { client } = connected;
    assert.deepEqual(names(await client.listTools()), [
      "one____proto__",
      "one__a__b",
      "one__echo",
      "two__constructor",
      "two__echo",
    ]);
    for (const name of ["__proto__", "a__b"]) {
      const { content } = await client.callTool({ name: `one__${name}`, arguments: {} });
      assert.ok(content[0].text.startsWith(`${name} of `));
    }
    const { resources } = await client.listResources();
    assert.deepEqual(resources.map(({ uri }) => uri), ["x://both", "x://one", "y://two"]);
    const { resourceTemplates } = await client.listResourceTemplates();
    assert.equal(resourceTemplates.length, 1);
    const read = async (uri: string) => {
      const { contents: [content] } = await client.readResource({ uri });
      return content.text;
    };
    assert.deepEqual(
      [await read("x://both"), await read("y://two"), await read("y://other")],
      ["one", "two", "one"],
    );
  }
});

daemonTest("a list that a restart cuts off can be made again", {
  config: { mcpServers: { never: misbehaving({ mode: "--never-initialize" }) } },
}, async (daemon) => {
  const session = await McpSession.begin({ url: daemon.url });
  const list = session.request(1, "tools/list");
  await eventually(async () => (await childrenOf(daemon.pid)).length > 0, "the server");
  const restarted = await daemon.cli("mcp", "--restart-server");
  assert.equal(restarted.code, 0, restarted.stderr);
  const { answer } = await list;
  assert.deepEqual([answer.error?.data.reason, answer.error?.data.retryable], ["draining", true]);
});

daemonTest("a server that offers something else when it is started again is announced", {
  config: { mcpServers: { changing: offering({ toolsFile: "${AICHAKU_HOME}/tools" }) } },
}, async (daemon) => {
  const file = join(daemon.home, "tools");
  await Deno.writeTextFile(file, "one\n");
  {
    await using connected = await connect("v1", daemon.url);
    assert.deepEqual(names(await connected.client.listTools()), ["changing__one"]);
  }
  assert.equal((await daemon.cli("mcp", "--restart-server")).code, 0);
  await Deno.writeTextFile(file, "one\ntwo\n");
  await using connected = await connect("v1", daemon.url);
  const { client } = connected;
  assert.deepEqual(names(await client.listTools()), ["changing__one"]);
  await client.callTool({ name: "changing__one", arguments: {} });
  await eventually(
    () => connected.heard.some(({ method }) => method === "notifications/tools/list_changed"),
    "the announcement",
  );
  assert.deepEqual(names(await client.listTools()), ["changing__one", "changing__two"]);
});
