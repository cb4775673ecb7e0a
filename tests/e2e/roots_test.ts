/**
 * Roots of clients that share a server: none of them ever widens or moves what the server may touch for
 * the others.
 */

import assert from "node:assert/strict";
import { join, toFileUrl } from "@std/path";
import { DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { type AskedClient, askedClient, together } from "./support/asked_client.ts";
import { serverReport } from "./support/control_plane.ts";
import { type Json, McpSession } from "./support/mcp_session.ts";
import { asking, everything, filesystem } from "./support/servers.ts";
import { eventually } from "./support/within.ts";

const file = (path: string) => toFileUrl(path).href;

/** Clients of both lines of the SDK, each with a root of its own. */
function connect(daemon: DaemonFixture, server: string, folders: readonly string[]) {
  return Promise.all(
    folders.map((folder, index) =>
      askedClient({
        line: index % 2 === 0 ? "v1" : "v2",
        url: `${daemon.url}/mcp/${server}`,
        name: `client ${index}`,
        roots: [file(folder)],
      })
    ),
  );
}

async function assertShared(daemon: DaemonFixture, server: string): Promise<void> {
  const report = await serverReport(daemon, server);
  assert.deepEqual([report.sharing.mode, report.isolated], ["auto", undefined]);
  assert.equal(report.instances.length, 1);
}

Deno.test("server-filesystem: its folders stay those of its entry, whatever roots its clients have", async () => {
  const base = await Deno.realPath(await Deno.makeTempDir({ prefix: "aichaku-roots-" }));
  const [allowed, ...roots] = ["allowed", "one", "two"].map((name) => join(base, name));
  for (const folder of [allowed, ...roots]) {
    await Deno.mkdir(folder);
    await Deno.writeTextFile(join(folder, "note.txt"), `of ${folder}`);
  }
  try {
    await using daemon = await DaemonFixture.start({
      config: { mcpServers: { fs: filesystem(allowed) } },
    });
    const clients = await connect(daemon, "fs", roots);
    await using _ = together(clients);
    const check = async () => {
      for (const client of clients) {
        const listed = await client.call("list_allowed_directories");
        assert.ok(listed.includes(allowed), listed);
        assert.ok(roots.every((root) => !listed.includes(root)), listed);
        assert.match(await read(client, allowed), /of /);
        for (const root of roots) {
          await assert.rejects(read(client, root), /denied|outside/, root);
        }
      }
    };
    await check();
    // A client that says its roots changed moves nothing, either.
    for (const client of clients) await client.sayRootsChanged();
    await check();
    assert.deepEqual(clients.map(({ rootsAsked }) => rootsAsked), [0, 0]);
    await assertShared(daemon, "fs");
  } finally {
    await Deno.remove(base, { recursive: true });
  }
});

Deno.test("server-filesystem in a process of its own: each client works in its own root, from its first call", async () => {
  const base = await Deno.realPath(await Deno.makeTempDir({ prefix: "aichaku-roots-" }));
  const [allowed, ...roots] = ["allowed", "one", "two"].map((name) => join(base, name));
  for (const folder of [allowed, ...roots]) {
    await Deno.mkdir(folder);
    await Deno.writeTextFile(join(folder, "note.txt"), `of ${folder}`);
  }
  try {
    await using daemon = await DaemonFixture.start({
      config: { mcpServers: { fs: { ...filesystem(allowed), sharing: "session" } } },
    });
    const clients = await connect(daemon, "fs", roots);
    await using _ = together(clients);
    for (const [index, client] of clients.entries()) {
      await eventually(
        async () => (await client.call("list_allowed_directories")).includes(roots[index]),
        "its own root",
      );
      assert.match(await read(client, roots[index]), /of /);
      for (const folder of [allowed, roots[1 - index]]) {
        await assert.rejects(read(client, folder), /denied|outside/, folder);
      }
      assert.equal(client.rootsAsked, 1);
    }
  } finally {
    await Deno.remove(base, { recursive: true });
  }
});

function read(client: AskedClient, folder: string): Promise<string> {
  return client.call("read_text_file", { path: join(folder, "note.txt") });
}

daemonTest(
  "server-everything: shared by clients with different roots, asked by each, demoted by nothing",
  {
    config: { mcpServers: { everything: everything() } },
  },
  async (daemon) => {
    const clients = await connect(daemon, "everything", ["/tmp/one", "/tmp/two"]);
    await using _ = together(clients);
    for (let round = 0; round < 2; round++) {
      for (const client of clients) {
        assert.equal(await client.call("echo", { message: client.name }), `Echo: ${client.name}`);
        const sampled = await client.call("trigger-sampling-request", {
          prompt: "?",
          maxTokens: 5,
        });
        assert.match(sampled, new RegExp(client.name));
        await client.call("trigger-elicitation-request");
        await client.sayRootsChanged();
      }
    }
    // It looks for roots 350 ms after its start, when nobody may have called: by then it has.
    await clients[0].call("trigger-long-running-operation", { duration: 1, steps: 1 });
    assert.deepEqual(clients.map(({ rootsAsked }) => rootsAsked), [0, 0]);
    assert.deepEqual(clients.map(({ questions }) => questions.length), [4, 4]);
    await assertShared(daemon, "everything");
  },
);

daemonTest(
  "a server that asks for roots at once: refused where it is shared, the project where it has one",
  {
    config: {
      server: { projectRoots: ["/"] },
      mcpServers: {
        shared: asking({ args: ["--roots-at-start"] }),
        project: asking({ args: ["--roots-at-start", "${project}"] }),
      },
    },
  },
  async (daemon) => {
    const capabilities = { roots: { listChanged: true }, elicitation: {} };
    const ask = async (server: string, project?: string) => {
      const session = await McpSession.begin({ url: daemon.url, server, capabilities, project });
      return await eventually(async () => {
        const about: Json = JSON.parse(await session.tell("about"));
        return about.rootsAtStart === undefined ? undefined : about;
      }, "an answer to what it asked at its start");
    };
    const shared = await ask("shared");
    assert.deepEqual(shared.capabilities.roots, undefined, "it is not told that anybody has roots");
    assert.equal(shared.rootsAtStart.error.code, -32601);
    const folder = await Deno.realPath(daemon.home);
    const own = await ask("project", folder);
    assert.deepEqual(own.capabilities.roots, {});
    assert.deepEqual(own.rootsAtStart.result.roots.map(({ uri }: { uri: string }) => uri), [
      file(folder),
    ]);
    assert.equal((await serverReport(daemon, "shared")).isolated, undefined);
  },
);

daemonTest("in a process of its own, a client is asked for its roots, and again when they change", {
  config: { mcpServers: { own: { ...asking(), sharing: "session" } } },
}, async (daemon) => {
  const clients = await connect(daemon, "own", ["/tmp/one", "/tmp/two"]);
  await using _ = together(clients);
  for (const [index, client] of clients.entries()) {
    for (const folder of [["/tmp/one", "/tmp/two"][index], `/tmp/next ${index}`]) {
      client.roots = [file(folder)];
      const { result } = JSON.parse(await client.call("ask", { method: "roots/list", for: "" }));
      assert.deepEqual(result.roots, [{ uri: file(folder) }]);
    }
    assert.equal(client.rootsAsked, 2);
  }
});
