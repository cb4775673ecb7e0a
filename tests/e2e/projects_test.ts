/**
 * A server that works on projects: one entry of the configuration, one process for each folder, and no
 * folder that the user did not allow.
 */

import assert from "node:assert/strict";
import { join, toFileUrl } from "@std/path";
import { DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { askedClient, together } from "./support/asked_client.ts";
import { serverReport } from "./support/control_plane.ts";
import {
  errorOf,
  initialize,
  McpSession,
  postJson,
  textOf,
  tryBegin,
} from "./support/mcp_session.ts";
import { isAlive } from "./support/processes.ts";
import { asking, readJournal } from "./support/servers.ts";
import { eventually } from "./support/within.ts";

/** Folders of a test, and a daemon that may work in `work`. */
interface Place {
  daemon: DaemonFixture;
  /** The allowed folder, without symbolic links. */
  work: string;
  /** A folder beside it. */
  outside: string;
  journal: string;
}

/** A test with a server like Serena: its project is an argument, a variable, and its folder. */
function projectTest(
  name: string,
  body: (place: Place) => Promise<void>,
  { entry = {}, server = {} }: { entry?: object; server?: object } = {},
): void {
  Deno.test(name, async () => {
    const base = await Deno.realPath(await Deno.makeTempDir({ prefix: "aichaku-projects-" }));
    const [work, outside] = [join(base, "work"), join(base, "outside")];
    const journal = join(base, "journal");
    try {
      for (const folder of [work, outside, join(base, "work2")]) await Deno.mkdir(folder);
      await using daemon = await DaemonFixture.start({
        config: {
          server: { projectRoots: [work], ...server },
          mcpServers: {
            serena: {
              ...asking({ args: ["--project", "${project}"], journal }),
              env: { PROJECT: "${project}" },
              ...entry,
            },
          },
        },
      });
      try {
        await body({ daemon, work, outside, journal });
      } catch (error) {
        console.error(`--- log of the daemon\n${daemon.log()}\n---`);
        throw error;
      }
    } finally {
      await Deno.remove(base, { recursive: true });
    }
  });
}

async function projects(work: string, count: number): Promise<string[]> {
  const folders = Array.from({ length: count }, (_, index) => join(work, `project ${index} é`));
  for (const folder of folders) await Deno.mkdir(folder);
  return folders;
}

const begin = ({ daemon }: Place, project: string) =>
  McpSession.begin({ url: daemon.url, server: "serena", project });

/** The folder that the server behind a session works on, as it was told in three ways. */
async function projectOf(session: { tell(name: string): Promise<string> }): Promise<string> {
  const { args, project, cwd } = JSON.parse(await session.tell("about"));
  assert.deepEqual([args.at(-1), cwd], [project, project]);
  return project;
}

projectTest(
  "one entry serves ten projects: each started on first use, shared within, ended when idle",
  async (place) => {
    const { daemon, work, journal } = place;
    const folders = await projects(work, 10);
    assert.equal((await readJournal(journal)).starts, 0);
    const pids: number[] = [];
    for (const [index, folder] of folders.entries()) {
      const sessions = [await begin(place, folder), await begin(place, folder)];
      const [one, other] = await Promise.all(sessions.map((session) => session.tell("pid")));
      assert.equal(one, other, "two clients share their project's");
      assert.equal(await projectOf(sessions[1]), folder);
      pids.push(Number(one));
      assert.equal((await readJournal(journal)).starts, index + 1);
    }
    const { instances, clients } = await serverReport(daemon, "serena");
    assert.deepEqual(new Set(instances.map(({ project }) => project)), new Set(folders));
    assert.equal(clients, 20);
    await eventually(async () => {
      const alive = await Promise.all(pids.map(isAlive));
      return alive.every((one) => !one);
    }, "the end of ten processes that nobody uses");
    const again = await begin(place, folders[0]);
    assert.equal(await projectOf(again), folders[0]);
  },
  { entry: { idleTimeout: "5s" } },
);

projectTest(
  "a client that declares roots needs no ?project=: it is asked on its first call",
  async (place) => {
    const { daemon, work } = place;
    const folders = await projects(work, 2);
    const clients = await Promise.all((["v1", "v2"] as const).map((line, index) =>
      askedClient({
        line,
        url: `${daemon.url}/mcp/serena`,
        name: line,
        roots: [toFileUrl(folders[index]).href],
      })
    ));
    await using _ = together(clients);
    for (const [index, client] of clients.entries()) {
      assert.equal(client.rootsAsked, 0, "not before it calls");
      for (let again = 0; again < 2; again++) {
        const { project } = JSON.parse(await client.call("about"));
        assert.equal(project, folders[index]);
      }
      assert.equal(client.rootsAsked, 1);
    }
    // Its root is another one now.
    const [first] = clients;
    first.roots = [toFileUrl(folders[1]).href];
    await first.sayRootsChanged();
    const moved = await eventually(async () => {
      const { project, pid } = JSON.parse(await first.call("about"));
      return project === folders[1] ? pid : undefined;
    }, "its other project");
    assert.equal(
      moved,
      JSON.parse(await clients[1].call("about")).pid,
      "shared with whoever is there",
    );
  },
);

projectTest(
  "two roots, none, or one that may not be used: a clear error, and no guess",
  async (place) => {
    const { daemon, work, outside, journal } = place;
    const folders = await projects(work, 2);
    const cases: [roots: string[], why: RegExp][] = [
      [folders, /its client has 2 root folders, not one.*\?project=/],
      [[], /its client has 0 root folders/],
      [[outside], /outside of the folders that projects may be in/],
    ];
    for (const [roots, why] of cases) {
      for (const line of ["v1", "v2"] as const) {
        await using client = await askedClient({
          line,
          url: `${daemon.url}/mcp/serena`,
          name: line,
          roots: roots.map((path) => toFileUrl(path).href),
        });
        await assert.rejects(client.call("about"), why);
        // It may have it put right, and call again.
        client.roots = [toFileUrl(folders[0]).href];
        assert.equal(JSON.parse(await client.call("about")).project, folders[0]);
      }
    }
    assert.equal((await readJournal(journal)).starts, 1);
    const without = await tryBegin({ url: daemon.url, server: "serena" });
    assert.match(
      without.answer.error.message,
      /works on a project, and this client named none; .*--project DIR/,
    );
  },
);

projectTest(
  "a folder that may not be used is refused, with the value and the reason",
  async (place) => {
    const { daemon, work, outside, journal } = place;
    const [project] = await projects(work, 1);
    await Deno.writeTextFile(join(work, "a file"), "");
    await Deno.symlink(outside, join(work, "link out"));
    await Deno.symlink(project, join(work, "link in"));
    const cases: [project: string, code: number, reason: string, why: RegExp][] = [
      [outside, -32017, "not_permitted", /outside of the folders/],
      ["/", -32017, "not_permitted", /outside of the folders/],
      [`${work}2`, -32017, "not_permitted", /outside of the folders/],
      [join(work, "link out"), -32017, "not_permitted", /outside of the folders/],
      [`${project}/../../outside`, -32017, "not_permitted", /outside of the folders/],
      [`${outside}/not there`, -32017, "not_permitted", /outside of the folders/],
      ["project 0", -32602, "invalid_params", /not absolute/],
      ["./project 0", -32602, "invalid_params", /not absolute/],
      ["..", -32602, "invalid_params", /not absolute/],
      [join(work, "not there"), -32602, "invalid_params", /no such folder/],
      [join(work, "a file"), -32602, "invalid_params", /not a folder/],
      [`${project}\0`, -32602, "invalid_params", /NUL/],
      ["https://example.com/x", -32602, "invalid_params", /not absolute/],
      ["$(touch /tmp/x)", -32602, "invalid_params", /not absolute/],
    ];
    for (const [named, code, reason, why] of cases) {
      const outcome = await tryBegin({ url: daemon.url, server: "serena", project: named });
      assert.deepEqual([named, outcome.answer.error?.code], [named, code]);
      assert.match(outcome.answer.error.message, why);
      assert.equal(outcome.headers.get("mcp-session-id"), null);
      const byRpc = await daemon.rpc("serena", { jsonrpc: "2.0", id: 1, method: "tools/list" }, {
        "x-aichaku-project": encodeURIComponent(named),
      });
      assert.deepEqual([named, errorOf({ answer: byRpc.body }).reason], [named, reason]);
      assert.equal(byRpc.status, reason === "not_permitted" ? 403 : 400);
    }
    assert.equal((await readJournal(journal)).starts, 0, "nothing was started for any of them");

    // The same folder under any name is one project.
    const names = [project, `${project}/`, join(work, "link in"), `${work}/./x/../project 0 é`];
    await Deno.mkdir(join(work, "x"));
    for (const named of names) assert.equal(await projectOf(await begin(place, named)), project);
    assert.equal((await readJournal(journal)).starts, 1);
  },
);

projectTest(
  "the project is named by the header as well, percent-encoded; the address counts more",
  async (place) => {
    const { daemon, work } = place;
    const [one, other] = await projects(work, 2);
    const about = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "about" } };
    const byHeader = await daemon.rpc("serena", about, {
      "x-aichaku-project": encodeURIComponent(one),
    });
    assert.equal(JSON.parse(textOf({ answer: byHeader.body })).project, one);
    const both = await tryBegin({
      url: daemon.url,
      server: "serena",
      project: other,
      headers: { "x-aichaku-project": encodeURIComponent(one) },
    });
    assert.ok(both.answer.result);
    const { instances } = await serverReport(daemon, "serena");
    assert.deepEqual(new Set(instances.map(({ project }) => project)), new Set([one, other]));
    const raw = await daemon.rpc("serena", about, { "x-aichaku-project": "%E0%A4%A" });
    assert.match(raw.body.error.message, /not percent-encoded/);

    // A session keeps its project.
    const session = await begin(place, one);
    const elsewhere = await postJson(
      `${daemon.url}/mcp/serena?project=${encodeURIComponent(other)}`,
      { jsonrpc: "2.0", id: 1, method: "ping" },
      { headers: session.headers },
    );
    assert.match(elsewhere.answer.error.message, /This session works on the project/);
  },
);

projectTest(
  "the 17th project is refused while all others are in use, and says what to do",
  async (place) => {
    const { daemon, work } = place;
    const folders = await projects(work, 17);
    const sessions = [];
    for (const folder of folders.slice(0, 16)) {
      const session = await begin(place, folder);
      await session.tell("pid");
      sessions.push(session);
    }
    const refused = await tryBegin({ url: daemon.url, server: "serena", project: folders[16] });
    assert.deepEqual(errorOf(refused), { code: -32013, reason: "overloaded" });
    assert.match(refused.answer.error.message, /has 16 instances already.*maxInstancesPerServer/);
    // Those who have a place keep it; one who leaves makes room.
    assert.equal(await projectOf(sessions[0]), folders[0]);
    assert.equal(await sessions[1].end(), 204);
    assert.equal(await projectOf(await begin(place, folders[16])), folders[16]);
  },
);

projectTest(
  "a project whose process rests makes room for the next one, though its client is still there",
  async (place) => {
    const folders = await projects(place.work, 3);
    const sessions = [];
    for (const folder of folders.slice(0, 2)) {
      const session = await begin(place, folder);
      await session.tell("pid");
      sessions.push(session);
    }
    await eventually(
      async () => (await serverReport(place.daemon, "serena")).state === "idle",
      "the end of both processes",
    );
    assert.equal(await projectOf(await begin(place, folders[2])), folders[2]);
    assert.equal(await projectOf(sessions[0]), folders[0]);
  },
  { entry: { idleTimeout: "300ms" }, server: { limits: { maxInstancesPerServer: 2 } } },
);

projectTest(
  "the stdio bridge works on its --project; a relative one is wrong usage",
  async ({ daemon, work }) => {
    const [project] = await projects(work, 1);
    const args = ["mcp", "--stdio", "--server", "serena", "--project", project];
    const bridge = daemon.command(args, { stdin: "piped" }).spawn();
    const writer = bridge.stdin.getWriter();
    const messages = [
      initialize("2025-11-25"),
      { jsonrpc: "2.0", method: "notifications/initialized" },
      { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "about" } },
    ];
    for (const message of messages) {
      await writer.write(new TextEncoder().encode(JSON.stringify(message) + "\n"));
    }
    await writer.close();
    // It ends when its input has, and what was asked is answered.
    const lines = new TextDecoder().decode((await bridge.output()).stdout).trim().split("\n");
    const answer = lines.map((line) => JSON.parse(line)).find(({ id }) => id === 1);
    assert.equal(JSON.parse(textOf({ answer })).project, project);
    const wrong = await daemon.cli(
      "mcp",
      "--stdio",
      "--server",
      "serena",
      "--project",
      "project 0",
    );
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /--project must be an absolute path: "project 0"/);
  },
);

projectTest(
  "a client at all servers is asked for its roots where a server needs a project",
  async (place) => {
    const [project] = await projects(place.work, 1);
    for (const line of ["v1", "v2"] as const) {
      await using client = await askedClient({
        line,
        url: `${place.daemon.url}/mcp`,
        name: line,
        roots: [toFileUrl(project).href],
      });
      assert.equal(JSON.parse(await client.call("serena__about")).project, project);
    }
  },
);

daemonTest("a server without projects is none the wiser for one that is named", {
  config: { mcpServers: { plain: asking() } },
}, async (daemon) => {
  const sessions = await Promise.all(
    ["/etc", undefined].map((project) =>
      McpSession.begin({ url: daemon.url, server: "plain", project })
    ),
  );
  const pids = await Promise.all(sessions.map((session) => session.tell("pid")));
  assert.equal(pids[0], pids[1]);
  assert.ok(!(await sessions[0].tell("about")).includes("/etc"));
});

projectTest(
  "what is learned of a server is learned once, however many projects it works on",
  async (place) => {
    const { daemon, work } = place;
    for (const project of await projects(work, 2)) await projectOf(await begin(place, project));
    const verdicts = JSON.parse(
      await Deno.readTextFile(join(daemon.paths.cacheDir, "verdicts.json")),
    );
    assert.equal(Object.keys(verdicts).length, 1);
  },
);
