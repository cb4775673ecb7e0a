/**
 * The configuration is changed while the daemon serves: what did not change goes on as if nothing had
 * happened, what did is replaced, and a file that cannot be used changes nothing.
 */

import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import { fromFileUrl, join } from "@std/path";
import { processStartTime } from "../../platform/process.ts";
import type { ConfigurationStatus } from "../../server/daemon/app.ts";
import { DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { McpSession, textOf } from "./support/mcp_session.ts";
import { eventually, within } from "./support/within.ts";

const PATIENT = fromFileUrl(new URL("../fixtures/servers/patient.ts", import.meta.url));

/** An entry for `tests/fixtures/servers/patient.ts`. */
function patient(name: string, rest: object = {}): object {
  const flags = ["run", "-A", "--no-check", "--no-config", "--no-lock"];
  return { command: Deno.execPath(), args: [...flags, PATIENT, name], ...rest };
}

/** Writes the configuration as most editors do: a new file, renamed over the old one. */
function save(
  daemon: DaemonFixture,
  config: object | string,
  file = daemon.paths.configFile,
): void {
  const text = typeof config === "string" ? config : JSON.stringify(config);
  Deno.writeTextFileSync(`${file}.new`, text);
  Deno.renameSync(`${file}.new`, file);
}

/** `POST /reload`. */
async function reload(
  { url, token }: DaemonFixture,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await within(
    fetch(`${url}/reload`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    }),
    "an answer to POST /reload",
  );
  return { status: response.status, body: await response.json() };
}

async function who(session: McpSession): Promise<{ name: string; pid: number }> {
  return JSON.parse(await session.tell("who"));
}

/** Names of all servers, as everybody sees them. */
async function servers({ url }: DaemonFixture): Promise<string[]> {
  const { servers } = await (await fetch(`${url}/mcp/servers`)).json();
  return servers.map(({ name }: { name: string }) => name);
}

/** How the configuration stands, as whoever has the token sees it. */
async function configuration({ url, token }: DaemonFixture): Promise<ConfigurationStatus> {
  const headers = { authorization: `Bearer ${token}` };
  return (await (await fetch(`${url}/mcp/servers`, { headers })).json()).configuration;
}

/** How often the log tells this. */
function told(daemon: DaemonFixture, what: RegExp): number {
  return daemon.log().split("\n").filter((line) => what.test(line)).length;
}

const begin = (daemon: DaemonFixture, server?: string) =>
  McpSession.begin({ url: daemon.url, server });

daemonTest(
  "a server that did not change keeps its process and its sessions; one that did gets a new process, and calls in flight end where they are",
  { config: { mcpServers: { kept: patient("kept"), changed: patient("old") } } },
  async (daemon) => {
    const kept = await begin(daemon, "kept");
    const changed = await begin(daemon, "changed");
    const [before, old] = [await who(kept), await who(changed)];
    const [begun, until] = ["begun", "until"].map((name) => join(daemon.home, name));
    const waiting = changed.call("slow", "wait", { begun, until });
    const keptWaiting = kept.call("slow", "wait", { begun: `${begun}2`, until });
    await eventually(() => exists(begun) && exists(`${begun}2`), "both calls to begin");

    save(daemon, {
      mcpServers: { changed: patient("new"), kept: patient("kept", { startTimeout: "60s" }) },
    });
    const { status, body } = await reload(daemon);
    deepEqual([status, body], [200, {
      status: "reloaded",
      added: [],
      removed: [],
      changed: ["changed"],
      unchanged: ["kept", "reviewer"],
      restart: [],
    }]);

    deepEqual(await who(kept), before);
    const next = await who(changed);
    equal(next.name, "new");
    notEqual(next.pid, old.pid);
    notEqual(processStartTime(old.pid), null, "it was ended with a call in flight");
    Deno.writeTextFileSync(until, "");
    equal(textOf(await within(waiting, "the call in flight of the old process")), "old");
    equal(textOf(await within(keptWaiting, "the call in flight of the kept process")), "kept");
    await eventually(() => processStartTime(old.pid) === null, "the end of the old process");
    deepEqual(await who(changed), next);
    deepEqual(await who(kept), before);
  },
);

daemonTest(
  "a server that is removed: its sessions are told, and its process ends; the others never notice",
  { config: { mcpServers: { kept: patient("kept"), gone: patient("gone") } } },
  async (daemon) => {
    const kept = await begin(daemon, "kept");
    const gone = await begin(daemon, "gone");
    const all = await begin(daemon);
    const [before, { pid }] = [await who(kept), await who(gone)];
    await using stream = await gone.openStream();
    const listed = await all.request(1, "tools/list");
    match(JSON.stringify(listed.answer.result), /gone__who/);
    await using news = await all.openStream();

    save(daemon, { mcpServers: { kept: patient("kept") } });
    deepEqual((await reload(daemon)).body.removed, ["gone"]);
    await stream.rest();
    await eventually(() => processStartTime(pid) === null, "the end of its process");
    equal((await gone.request(2, "tools/call", { name: "who" })).status, 404);
    deepEqual(await servers(daemon), ["kept", "reviewer"]);

    const changed = await news.nextMessage("the news for those at all servers");
    equal(changed.method, "notifications/tools/list_changed");
    const again = JSON.stringify((await all.request(2, "tools/list")).answer.result);
    match(again, /kept__who/);
    equal(/gone__who/.test(again), false);
    deepEqual(await who(kept), before);
  },
);

daemonTest(
  "a file that cannot be used changes nothing, and everybody who looks is told why",
  { config: { mcpServers: { kept: patient("kept") } } },
  async (daemon) => {
    const kept = await begin(daemon, "kept");
    const before = await who(kept);
    for (
      const [text, problem] of [
        ['{ "mcpServers": { "other": {', /config\.json:1:\d+: /],
        ['{ "mcpServers": { "other": { "command": 1 } } }', /config\.json:1:\d+: .*"command"/],
        ['{ "server": { "port": "many" } }', /config\.json:1:\d+: .*"port"/],
      ] as const
    ) {
      save(daemon, text);
      const { status, body } = await reload(daemon);
      equal(status, 422);
      equal(body.status, "kept");
      match(String(body.problem), problem);
      match(daemon.log(), /configuration not reloaded: what runs stays as it is/);
      match((await configuration(daemon)).problem ?? "", problem);
    }
    const { stdout: status } = await daemon.cli("mcp", "--server-status");
    match(
      status,
      /\n {3}Configuration: what runs is older than the file, which has a problem: .*port/,
    );
    const json = JSON.parse((await daemon.cli("mcp", "--server-status", "--json")).stdout);
    match(json.configuration.problem, /config\.json:1:\d+: .*"port"/);
    const doctor = await daemon.cli("doctor");
    equal(doctor.code, 1);
    match(doctor.stdout, /daemon.*what it runs is older than .*config\.json/);
    Deno.removeSync(daemon.paths.configFile);
    match(String((await reload(daemon)).body.problem), /There is no such configuration file/);
    deepEqual(await servers(daemon), ["kept", "reviewer"]);
    deepEqual(await who(kept), before);

    save(daemon, { mcpServers: { kept: patient("kept"), added: patient("added") } });
    await eventually(async () => (await servers(daemon)).includes("added"), "the mended file");
    equal((await configuration(daemon)).problem, undefined);
    deepEqual(await who(kept), before);
  },
);

daemonTest(
  "saving the file is enough; SIGHUP and POST /reload do not wait for that",
  { config: { mcpServers: {} } },
  async (daemon) => {
    save(daemon, { mcpServers: { one: patient("one") } });
    await eventually(async () => (await servers(daemon)).includes("one"), "the saved file");
    equal(told(daemon, /configuration reloaded reason=".*config\.json changed"/), 1);

    save(daemon, { mcpServers: { two: patient("two") } });
    Deno.kill(daemon.pid, "SIGHUP");
    await eventually(async () => (await servers(daemon)).includes("two"), "the reload at SIGHUP");
    equal((await servers(daemon)).includes("one"), false);
    await eventually(
      () => told(daemon, /configuration reloaded reason="SIGHUP"/) === 1,
      "its line",
    );

    save(daemon, { mcpServers: { three: patient("three") } });
    equal((await reload(daemon)).status, 200);
    deepEqual(await servers(daemon), ["three", "reviewer"]);
    equal((await who(await begin(daemon, "three"))).name, "three");
  },
);

daemonTest(
  "`mcp add` and `mcp remove`: the daemon takes it up by itself, and `mcp list` shows how it is",
  { config: { mcpServers: {} } },
  async (daemon) => {
    const list = async () => (await daemon.cli("mcp", "list")).stdout;
    const { command, args } = patient("one") as { command: string; args: string[] };
    const added = await daemon.cli("mcp", "add", "one", "--", command, ...args);
    deepEqual([added.code, added.stderr], [0, ""]);
    match(added.stdout, /The running daemon takes it up by itself\./);
    await eventually(async () => /^one +.* idle$/m.test(await list()), "the added server");
    equal((await who(await begin(daemon, "one"))).name, "one");
    match(await list(), /^one +.* ready$/m);

    equal((await daemon.cli("mcp", "remove", "one")).code, 0);
    await eventually(
      async () => !(await servers(daemon)).includes("one"),
      "the end of the removed server",
    );
    equal(/^one /m.test(await list()), false);
  },
);

daemonTest(
  "only who has the token reloads",
  { config: { mcpServers: {} } },
  async ({ url }) => {
    for (const authorization of ["", "Bearer of-somebody-else"]) {
      const response = await fetch(`${url}/reload`, {
        method: "POST",
        headers: { authorization, "content-type": "application/json" },
      });
      await response.body?.cancel();
      equal(response.status, 401);
    }
  },
);

daemonTest(
  "what only a restart applies is named, and the rest is applied",
  { config: { mcpServers: {} } },
  async (daemon) => {
    save(daemon, { server: { tcpPort: 0 }, mcpServers: { one: patient("one") } });
    const { body } = await reload(daemon);
    deepEqual([body.restart, body.added], [["server.tcpPort"], ["one"]]);
    deepEqual((await configuration(daemon)).restart, ["server.tcpPort"]);
    match(daemon.log(), /server\.tcpPort: applied by the next restart/);
    const { stdout } = await daemon.cli("doctor");
    match(stdout, /server\.tcpPort: changed, and not yet in effect/);
  },
);

daemonTest(
  "who may call, and how much, counts from the reload on; who needs the token from the restart on",
  { config: { mcpServers: {} } },
  async (daemon) => {
    const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };
    const ask = async (headers: Record<string, string>) =>
      (await daemon.rpc("reviewer", list, headers)).status;
    const page = { origin: "https://app.example" };
    equal(await ask(page), 403);

    const server = {
      allowedOrigins: ["https://app.example"],
      requireToken: true,
      limits: { maxBodyBytes: 60 },
    };
    save(daemon, { server, mcpServers: {} });
    deepEqual((await reload(daemon)).body.restart, ["server.requireToken"]);
    equal(await ask(page), 200);
    const longer = await daemon.rpc("reviewer", { ...list, params: { cursor: "x".repeat(60) } });
    equal(longer.status, 413);

    save(daemon, { mcpServers: {} });
    deepEqual((await reload(daemon)).body.restart, []);
    equal(await ask(page), 403);
  },
);

Deno.test({
  name: "a configuration behind a link: the target is replaced, and the link leads elsewhere",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "aichaku-dotfiles-" }));
    try {
      const [work, leisure, link] = ["work.json", "leisure.json", "mcp.json"].map((name) =>
        join(folder, name)
      );
      Deno.writeTextFileSync(work, `{ "mcpServers": {} }`);
      Deno.symlinkSync("work.json", link);
      await using daemon = await DaemonFixture.start({ args: ["--config", link] });
      const session = await begin(daemon, "reviewer");
      save(daemon, { mcpServers: { one: patient("one") } }, work);
      await eventually(async () => (await servers(daemon)).includes("one"), "the new target");
      save(daemon, { mcpServers: { two: patient("two") } }, leisure);
      Deno.symlinkSync(leisure, `${link}.new`);
      Deno.renameSync(`${link}.new`, link);
      await eventually(async () => (await servers(daemon)).includes("two"), "the other target");
      deepEqual(await servers(daemon), ["two", "reviewer"]);
      equal((await session.request(1, "tools/list")).status, 200);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false; // Not yet.
  }
}
