/**
 * The table of `docs/lifecycle.md`, row by row: a fault, what the user sees to the letter and the exit
 * code, and what the next start does. The last test compares the two tables.
 */

import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { fromFileUrl, join } from "@std/path";
import { machineId } from "../../platform/machine_id.ts";
import { processesMarked } from "../../platform/marked_processes.ts";
import { homePaths } from "../../platform/paths.ts";
import { processStartTime } from "../../platform/process.ts";
import { VERSION } from "../../protocol/version.ts";
import { readAnnouncement } from "../../server/daemon/announce.ts";
import { isLocked } from "../../server/daemon/lock.ts";
import { type CliResult, DaemonFixture, type DaemonFixtureOptions } from "../fixtures/daemon.ts";
import { clientRounds } from "./support/client_rounds.ts";
import { canMount, Disk } from "./support/disk.ts";
import {
  allGone,
  crowdRounds,
  killRounds,
  startStubborn,
  STUBBORN,
} from "./support/lifecycle_rounds.ts";
import { McpSession } from "./support/mcp_session.ts";
import { asking } from "./support/servers.ts";
import { otherVersion } from "./support/other_version.ts";
import { eventually } from "./support/within.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const onLinux = Deno.build.os === "linux";

/** Names of the rows that have a test. */
const rows: string[] = [];

interface Fault extends DaemonFixtureOptions {
  /** The row of the table: its first column. */
  name: string;
  /** Only where this holds. Default everywhere but on Windows. */
  where?: boolean;
  test(home: DaemonFixture): Promise<void>;
}

/** One row of the table. The log is printed when its test fails. */
function fault({ name, where = Deno.build.os !== "windows", test, ...options }: Fault): void {
  rows.push(name);
  Deno.test({
    name: `lifecycle: ${name}`,
    ignore: !where,
    async fn() {
      await using home = await DaemonFixture.create(options);
      try {
        await test(home);
      } catch (error) {
        console.error(`--- log of the daemon in ${home.home}\n${home.log()}\n---`);
        throw error;
      }
    },
  });
}

/** Fails unless a command ended like this; a text is what is on stderr when `code` is 1, else on stdout. */
function sees(result: CliResult, code: number, text: RegExp | string): void {
  const { stdout, stderr } = result;
  equal(result.code, code, stdout + stderr);
  const said = code === 1 ? stderr : stdout;
  if (typeof text === "string") equal(said, text);
  else match(said, text);
}

const RUNNING = /^✅ MCP HTTP\/SSE Server is running\n/;
const STOPPED = "✅ MCP HTTP/SSE Server stopped\n";
const NOT_RUNNING = "❌ MCP HTTP/SSE Server is not running\n";
const NOTHING_TO_STOP = "MCP HTTP/SSE Server is not running\n";

/** Starts and serves. */
async function startsAsAlways(home: DaemonFixture, ...args: string[]): Promise<void> {
  sees(await home.cli("mcp", "--start-server", ...args), 0, RUNNING);
  await serves(home);
}

async function serves(home: DaemonFixture): Promise<void> {
  const { status, body } = await home.rpc("reviewer", {
    jsonrpc: "2.0",
    id: 1,
    method: "tools/list",
  });
  equal(status, 200);
  ok(body.result.tools.length > 0);
}

/** A process that is no business of ours. */
function stranger(): Deno.ChildProcess & AsyncDisposable {
  const child = new Deno.Command("sleep", { args: ["1000"], stdin: "null" }).spawn();
  return Object.assign(child, {
    async [Symbol.asyncDispose]() {
      if (processStartTime(child.pid) !== null) child.kill("SIGKILL");
      await child.status;
    },
  });
}

/** What `daemon.json` says of a daemon. */
function announced(changes: Record<string, unknown>): string {
  return JSON.stringify({
    url: "http://127.0.0.1:1",
    socket: null,
    pid: 1,
    startTime: 1,
    instanceId: crypto.randomUUID(),
    version: VERSION,
    protocol: { min: 1, max: 1 },
    logPath: "/log",
    ...changes,
  });
}

/** A port that nobody has just now. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

async function inRunFolder(home: DaemonFixture, name: keyof DaemonFixture["paths"], text: string) {
  await Deno.mkdir(home.paths.runDir, { recursive: true, mode: 0o700 });
  await Deno.writeTextFile(home.paths[name], text, { mode: 0o600 });
}

// ---- files that say something else than they should

fault({
  name: "`daemon.json` names a process of somebody else",
  async test(home) {
    await using other = stranger();
    const { pid } = other;
    await inRunFolder(home, "daemonJson", announced({ pid, startTime: processStartTime(pid) }));
    sees(await home.cli("mcp", "--server-status"), 3, NOT_RUNNING);
    sees(await home.cli("mcp", "--stop-server"), 0, NOTHING_TO_STOP);
    sees(await home.cli("mcp", "--stop-server", "--force"), 0, NOTHING_TO_STOP);
    await startsAsAlways(home);
    sees(await home.cli("mcp", "--stop-server"), 0, STOPPED);
    notEqual(processStartTime(pid), null, "somebody else's process was ended");
  },
});

fault({
  name: "the pid file names a process of somebody else, or nothing at all",
  async test(home) {
    await using other = stranger();
    for (const text of [`${other.pid}\n`, "", "-1\n", "not a number"]) {
      await Deno.writeTextFile(home.paths.pidFile, text);
      sees(await home.cli("mcp", "--server-status"), 3, NOT_RUNNING);
      sees(await home.cli("mcp", "--stop-server", "--force"), 0, NOTHING_TO_STOP);
      await startsAsAlways(home);
      equal(await Deno.readTextFile(home.paths.pidFile), `${home.pid}\n`);
      sees(await home.cli("mcp", "--stop-server"), 0, STOPPED);
    }
    notEqual(processStartTime(other.pid), null, "somebody else's process was ended");
  },
});

fault({
  name: "`daemon.json` is empty or damaged, and no daemon runs",
  async test(home) {
    for (const text of ["", "{", "null", '{"url":', announced({ url: "http://example.com/" })]) {
      await inRunFolder(home, "daemonJson", text);
      sees(await home.cli("mcp", "--server-status"), 3, NOT_RUNNING);
      sees(await home.cli("mcp", "--stop-server"), 0, NOTHING_TO_STOP);
    }
    await startsAsAlways(home);
  },
});

fault({
  name: "`daemon.json` or the token is deleted or damaged under a daemon that runs",
  async test(home) {
    await startsAsAlways(home);
    const { pid, token } = home;
    const spoils = [
      () => Deno.remove(home.paths.daemonJson),
      () => Deno.writeTextFile(home.paths.daemonJson, "{"),
      () => Deno.remove(home.paths.tokenFile),
      () => Deno.writeTextFile(home.paths.tokenFile, ""),
    ];
    for (const spoil of spoils) {
      await spoil();
      sees(await home.cli("mcp", "--server-status"), 0, RUNNING);
      deepEqual([home.pid, home.token], [pid, token]);
    }
    sees(await home.cli("mcp", "--start-server"), 0, RUNNING);
    equal(home.pid, pid);
  },
});

fault({
  name: "the token file is empty or damaged, and no daemon runs",
  async test(home) {
    for (const text of ["", "short", "with a space in it"]) {
      await inRunFolder(home, "tokenFile", text);
      await startsAsAlways(home);
      match(home.token, /^[\w-]{43}$/);
      sees(await home.cli("mcp", "--stop-server"), 0, STOPPED);
    }
  },
});

fault({
  name: "`children.json` is empty or damaged",
  where: onLinux,
  config: STUBBORN,
  async test(home) {
    for (const text of ["", "{", '{"instanceId":"x","children":[{"pid":1},{"pid":-1}]}']) {
      await startsAsAlways(home);
      const { instanceId } = home;
      const left = await startStubborn(home);
      await home.kill9();
      const since = performance.now();
      await Deno.writeTextFile(home.paths.childrenJson, text);
      await startsAsAlways(home);
      await allGone(left, { since, instanceId });
    }
  },
});

fault({
  name: "`sessions.db` is empty or damaged",
  async test(home) {
    for (const text of ["", "this is no database ".repeat(1000)]) {
      await inRunFolder(home, "sessionsDb", text);
      await startsAsAlways(home);
      await McpSession.begin({ url: home.url });
      sees(await home.cli("mcp", "--stop-server"), 0, STOPPED);
    }
    match(home.log(), /warn {2}sessions of before are lost/);
    sees(await home.cli("doctor"), 0, /sessions\.db\.damaged was put aside/);
  },
});

// ---- strangers on the port

fault({
  name: "another program has the port, and answers 200 to everything",
  async test(home) {
    const asked: string[] = [];
    const port = freePort();
    const squatter = Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, (request) => {
      asked.push(`${request.method} ${request.headers.get("authorization")}`);
      return Response.json({ status: "ok", sessions: 0 });
    });
    await inRunFolder(home, "daemonJson", announced({ url: `http://127.0.0.1:${port}` }));
    await inRunFolder(home, "tokenFile", "a-token-of-ours-0123456789");
    sees(await home.cli("mcp", "--server-status"), 3, NOT_RUNNING);
    sees(await home.cli("mcp", "--stop-server"), 0, NOTHING_TO_STOP);
    sees(
      await home.cli("mcp", "--start-server", "--port", String(port)),
      1,
      new RegExp(
        `^Cannot listen on 127\\.0\\.0\\.1:${port}: the port is in use by another program\\. ` +
          `Choose another with --port N or "server": \\{"port": N\\} in `,
      ),
    );
    await squatter.shutdown();
    deepEqual([...new Set(asked)], ["GET null"], "only asked for its health, and sent no token");
    await startsAsAlways(home, "--port", String(port));
  },
});

fault({
  name: "another program is announced, and relays to the daemon",
  async test(home) {
    await startsAsAlways(home);
    const real = home.url;
    const text = await Deno.readTextFile(home.paths.daemonJson);
    const relayed: string[] = [];
    const relay = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
      const { pathname, search } = new URL(request.url);
      relayed.push(`${request.method} ${pathname} ${request.headers.get("authorization")}`);
      return fetch(`${real}${pathname}${search}`);
    });
    // The daemon puts its announcement right every two seconds: it must be asked before it does.
    while (relayed.length === 0) {
      const forged = text.replaceAll(real, `http://127.0.0.1:${relay.addr.port}`);
      await Deno.writeTextFile(home.paths.daemonJson, forged);
      const status = await home.cli("mcp", "--server-status");
      sees(status, 0, RUNNING);
      ok(status.stdout.includes(`   URL: ${real}\n`), "the relay was taken for the daemon");
    }
    await relay.shutdown();
    deepEqual([...new Set(relayed)], ["GET /health null"], "the token was sent to the relay");
    sees(await home.cli("mcp", "--start-server"), 0, RUNNING);
  },
});

// ---- the daemon hangs, is killed, or loses its files

fault({
  name: "the daemon hangs (SIGSTOP)",
  where: onLinux,
  config: STUBBORN,
  async test(home) {
    await startsAsAlways(home);
    const { pid, instanceId } = home;
    const left = await startStubborn(home);
    home.suspend();
    const hangs = new RegExp(
      `^The daemon \\(process ${pid}\\) hangs: it holds its lock, but .* did not answer within ` +
        "2000 ms\\. End it with: aichaku mcp --stop-server --force\n$",
    );
    const begun = performance.now();
    const [start, doctor] = await Promise.all([
      home.cli("mcp", "--start-server"),
      home.cli("doctor"),
    ]);
    ok(performance.now() - begun < 10_000, "it took more than 10 s to say so");
    sees(start, 1, hangs);
    equal(doctor.code, 1);
    match(doctor.stdout, new RegExp(`❌ daemon: The daemon \\(process ${pid}\\) hangs`));
    sees(
      await home.cli("mcp", "--stop-server", "--force"),
      0,
      "✅ MCP HTTP/SSE Server stopped (killed: it did not end when asked)\n",
    );
    await allGone(left, { since: performance.now(), instanceId });
    await startsAsAlways(home);
  },
});

fault({
  name: "the daemon is killed (kill -9)",
  where: onLinux,
  config: STUBBORN,
  async test(home) {
    await startsAsAlways(home);
    const { instanceId } = home;
    const left = await startStubborn(home);
    await home.kill9();
    await allGone(left, { since: performance.now(), instanceId });
    sees(await home.cli("mcp", "--server-status"), 3, NOT_RUNNING);
    sees(await home.cli("mcp", "--stop-server"), 0, NOTHING_TO_STOP);
    sees(await home.cli("doctor"), 0, /daemon\.json was left behind by a daemon that was killed/);
    await startsAsAlways(home);
    notEqual(home.instanceId, instanceId);
  },
});

fault({
  name: "the daemon and its reaper are killed (kill -9)",
  where: onLinux,
  config: STUBBORN,
  async test(home) {
    await startsAsAlways(home);
    const { instanceId } = home;
    const left = await startStubborn(home);
    await killReaper(home);
    await home.kill9();
    const doctor = await home.cli("doctor");
    equal(doctor.code, 1);
    match(
      doctor.stdout,
      /❌ processes: process \d+ \(server stubborn\) was left behind by a daemon/,
    );
    const reaped = await home.cli("doctor", "--reap");
    sees(reaped, 0, /^Ended process \d+ \(server stubborn\)\.\n(Ended process \d+\.\n)+Removed /);
    await allGone(left, { since: performance.now(), instanceId });

    await startsAsAlways(home);
    const again = { left: await startStubborn(home), instanceId: home.instanceId };
    await killReaper(home);
    await home.kill9();
    await startsAsAlways(home);
    await allGone(again.left, { since: performance.now(), instanceId: again.instanceId });
  },
});

async function killReaper(home: DaemonFixture): Promise<void> {
  for (const pid of await home.childPids()) {
    const command = await Deno.readTextFile(`/proc/${pid}/cmdline`);
    if (command.includes("aichaku-reaper")) Deno.kill(pid, "SIGKILL");
  }
}

fault({
  name: "the starter is killed (kill -9)",
  where: onLinux,
  async test(home) {
    const starter = home.command(["mcp", "--start-server"]).spawn();
    const output = starter.output();
    await eventually(() => isLocked(home.paths.spawnLock), "a start that is under way");
    starter.kill("SIGKILL");
    await output;
    await startsAsAlways(home);
    equal(isLocked(home.paths.spawnLock), false);
  },
});

fault({
  name: "the run folder is deleted under a daemon that runs",
  async test(home) {
    const port = String(freePort());
    await startsAsAlways(home, "--port", port);
    const { pid, instanceId } = home;
    await Deno.remove(home.paths.runDir, { recursive: true });
    // At once, and at the same address: the old one has it until it notices.
    await startsAsAlways(home, "--port", port);
    notEqual(home.instanceId, instanceId);
    equal(new URL(home.url).port, port);
    await eventually(() => processStartTime(pid) === null, "end of the daemon without a folder");
    match(home.log(), /stopping reason=".*daemon\.lock was deleted or replaced"/);
    await serves(home);
    const next = home.pid;
    await Deno.remove(home.paths.runDir, { recursive: true });
    sees(await home.cli("mcp", "--server-status"), 3, NOT_RUNNING);
    await eventually(() => processStartTime(next) === null, "end of the daemon without a folder");
    await startsAsAlways(home);
  },
});

fault({
  name: "others can enter the run folder",
  async test(home) {
    await startsAsAlways(home);
    const { pid } = home;
    await Deno.chmod(home.paths.runDir, 0o770);
    for (const action of ["--start-server", "--server-status", "--stop-server"]) {
      sees(
        await home.cli("mcp", action),
        1,
        `The folder ${home.paths.runDir} is not safe to use: its mode is 0770, so that other users ` +
          `can enter. Run: chmod 700 '${home.paths.runDir}'\n`,
      );
    }
    await Deno.chmod(home.paths.runDir, 0o700);
    sees(await home.cli("mcp", "--start-server"), 0, RUNNING);
    equal(home.pid, pid);
  },
});

// ---- the disk

fault({
  name: "the log cannot be written (`/dev/full`)",
  where: onLinux,
  async test(home) {
    await Deno.symlink("/dev/full", home.paths.logFile);
    await startsAsAlways(home);
    sees(await home.cli("mcp", "--logs"), 0, "");
    sees(await home.cli("mcp", "--stop-server"), 0, STOPPED);
    await Deno.writeTextFile(home.paths.configFile, "{ broken");
    sees(
      await home.cli("mcp", "--start-server"),
      1,
      `Cannot start the daemon: it ended with code 1. Its log ${home.paths.logFile} does not say ` +
        "why; to see it: aichaku mcp --start-server --foreground\n",
    );
    const doctor = await home.cli("doctor");
    equal(doctor.code, 1);
    match(doctor.stdout, /❌ log: .* is not a file/);
  },
});

fault({
  name: "the path of the Unix socket is too long for the system",
  async test(home) {
    const deep = join(home.home, "x".repeat(100));
    const env = { AICHAKU_HOME: deep };
    const cli = (...args: string[]) => home.command(args, { env }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    try {
      const started = await cli("mcp", "--start-server");
      equal(started.code, 0, text(started.stderr));
      const paths = homePaths(deep, machineId());
      equal(readAnnouncement(paths)!.socket, null);
      const log = text((await cli("mcp", "--logs")).stdout);
      const said = log.split("\n").find((line) => line.includes("no Unix socket"))!;
      const bytes = paths.socket.length;
      ok(said.includes(`no Unix socket: its path ${paths.socket} has ${bytes} bytes`), log);
      match(said, /this system takes 10[37]\. Set AICHAKU_HOME to a shorter path/);
      const stopped = await cli("mcp", "--stop-server");
      equal(text(stopped.stdout), STOPPED);
      equal((await cli("mcp", "--start-server")).code, 0);
    } finally {
      await cli("mcp", "--stop-server");
    }
  },
});

fault({
  name: "the disk is full",
  where: canMount,
  config: STUBBORN,
  async test(home) {
    using disk = Disk.mount(home.home, "2m");
    await Deno.writeTextFile(home.paths.configFile, JSON.stringify(STUBBORN));
    disk.fill();
    sees(
      await home.cli("mcp", "--start-server"),
      1,
      /^Cannot start the daemon: No space left on device .*\. Make room on that disk, or set AICHAKU_HOME to a folder on another one\.\n$/,
    );
    sees(await home.cli("mcp", "--server-status"), 3, NOT_RUNNING);
    disk.makeRoom();
    await startsAsAlways(home);
    // Under a daemon that runs: it goes on, whatever it cannot write down.
    disk.fill();
    const { instanceId } = home;
    const left = await startStubborn(home);
    await McpSession.begin({ url: home.url, server: "reviewer" });
    sees(await home.cli("mcp", "--server-status"), 0, RUNNING);
    sees(
      await home.cli("mcp", "--restart-server"),
      1,
      /^Cannot restart the daemon: No space left on device .*\. Make room on that disk, or set AICHAKU_HOME to a folder on another one\.\n$/,
    );
    equal(home.instanceId, instanceId);
    sees(await home.cli("mcp", "--server-status"), 0, RUNNING);
    await home.kill9();
    await allGone(left, { since: performance.now(), instanceId });
    disk.makeRoom();
    await startsAsAlways(home);
    disk.fill();
    sees(await home.cli("mcp", "--stop-server"), 0, STOPPED);
  },
});

fault({
  name: "the home cannot be written to",
  where: canMount,
  async test(home) {
    using disk = Disk.mount(home.home, "2m");
    disk.readOnly(true);
    sees(
      await home.cli("mcp", "--start-server"),
      1,
      new RegExp(
        `^Cannot use ${home.home} as the home of aichaku: Read-only file system .*\\. ` +
          "Set AICHAKU_HOME to a folder that can be written to\\.\n$",
      ),
    );
    disk.readOnly(false);
    await startsAsAlways(home);
    sees(await home.cli("mcp", "--stop-server"), 0, STOPPED);
    disk.readOnly(true);
    sees(
      await home.cli("mcp", "--start-server"),
      1,
      /^Cannot start the daemon: Read-only file system .*\. Set AICHAKU_HOME to a folder /,
    );
    sees(await home.cli("mcp", "--server-status"), 3, NOT_RUNNING);
    sees(await home.cli("mcp", "--stop-server"), 0, NOTHING_TO_STOP);
    const doctor = await home.cli("doctor");
    equal(doctor.code, 1);
    match(doctor.stdout, /❌ home: Cannot write in .*: Read-only file system/);
    disk.readOnly(false);
    await startsAsAlways(home);
  },
});

// ---- nobody is there any more

fault({
  name: "the terminal of the starter closes",
  where: onLinux,
  async test(home) {
    const { command, args } = home.program;
    const start = [command, ...args, "mcp", "--start-server"].map((word) => `'${word}'`).join(" ");
    // `script` gives its command a terminal, and closes it when the command ends.
    const shell = new Deno.Command("script", {
      args: ["-qec", `tty; ${start}; kill -HUP 0`, "/dev/null"],
      env: { ...home.env },
      clearEnv: true,
      stdin: "null",
    });
    const { stdout } = await shell.output();
    match(
      new TextDecoder().decode(stdout),
      /^\/dev\/pts\/\d+\r\n✅ MCP HTTP\/SSE Server is running/,
    );
    const stat = await Deno.readTextFile(`/proc/${home.pid}/stat`);
    const [, , , session, terminal] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    deepEqual([session, terminal], [String(home.pid), "0"], "a session of its own, no terminal");
    Deno.kill(home.pid, "SIGHUP");
    await serves(home);
    sees(await home.cli("mcp", "--server-status"), 0, RUNNING);
  },
});

fault({
  name: "nobody uses the daemon for `server.idleTimeout`",
  where: onLinux,
  config: { server: { idleTimeout: "1s" }, ...STUBBORN },
  async test(home) {
    sees(await home.cli("mcp", "--start-server"), 0, RUNNING);
    const { pid, instanceId } = home;
    const session = await McpSession.begin({ url: home.url, server: "stubborn" });
    await session.request(1, "tools/list");
    const marked = await eventually(() => {
      const found = processesMarked(instanceId);
      return found.length >= 3 ? found : undefined;
    }, "the server and its children");
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    notEqual(processStartTime(pid), null, "it ended although a client held a lease");
    equal(await session.end(), 204);
    await eventually(() => processStartTime(pid) === null, "end of the idle daemon");
    await eventually(() => processesMarked(instanceId).length === 0, `end of ${marked}`);
    sees(await home.cli("mcp", "--server-status"), 3, NOT_RUNNING);
    match(home.log(), /stopping reason="nobody used it for 1 s"/);
    sees(await home.cli("mcp", "--start-server"), 0, RUNNING);
    notEqual(home.instanceId, instanceId);
  },
});

fault({
  name: "the daemon was started for a client, and is started by hand",
  async test(home) {
    const first = await home.cli("mcp", "--start-server", "--autostarted");
    sees(first, 0, RUNNING);
    equal(first.stderr, "");
    const { pid } = home;
    equal(home.announcement.settings?.autostarted, true);
    equal((await home.cli("mcp", "--start-server", "--autostarted")).stderr, "");
    const byHand = await home.cli("mcp", "--start-server");
    sees(byHand, 0, RUNNING);
    equal(home.pid, pid);
    equal(
      byHand.stderr,
      "The daemon that runs was started for a client, and ends when nobody has used it for a while. " +
        "To keep it: aichaku mcp --restart-server\n",
    );
    sees(await home.cli("mcp", "--restart-server"), 0, RUNNING);
    equal(home.announcement.settings?.autostarted, false);
    equal((await home.cli("mcp", "--start-server")).stderr, "");
  },
});

// ---- clients

fault({
  name: "a client is killed (kill -9) with calls in flight",
  async test() {
    await clientRounds({
      victims: ["sdk", "bridge", "first bridge"],
      moment: () => new Promise((resolve) => setTimeout(resolve, 300 * Math.random())),
    });
  },
});

fault({
  name: "the daemon is restarted, and a client had a server's process for itself",
  config: {
    mcpServers: {
      own: { ...asking(), sharing: "session" },
      shared: { ...asking({ args: ["shared"] }), sharing: "shared" },
    },
  },
  async test(home) {
    sees(await home.cli("mcp", "--start-server"), 0, RUNNING);
    const begin = (server: string) => McpSession.begin({ url: home.url, server });
    const [own, shared] = [await begin("own"), await begin("shared")];
    for (const session of [own, shared]) await session.tell("pid");
    sees(await home.cli("mcp", "--restart-server"), 0, RUNNING);
    equal((await own.request(1, "tools/list")).status, 404);
    equal((await own.request(2, "tools/list")).status, 404);
    equal(await (await begin("own")).tell("echo", { text: "anew" }), "anew");
    equal(await shared.tell("echo", { text: "goes on" }), "goes on");
  },
});

// ---- two versions

fault({
  name: "the daemon is of another version, which this program understands",
  async test(home) {
    await using old = await otherVersion(ROOT, { version: "0.0.1", protocol: { min: 1, max: 1 } });
    sees(await old.cli(home, "mcp", "--start-server"), 0, RUNNING);
    const { pid } = home;
    sees(await home.cli("mcp", "--start-server"), 0, RUNNING);
    equal(home.pid, pid);
    sees(
      await home.cli("mcp", "--server-status"),
      0,
      new RegExp(
        `\n {3}Version: 0\\.0\\.1 \\(this command is ${
          VERSION.replaceAll(".", "\\.")
        }; to update the ` +
          "daemon: aichaku mcp --restart-server\\)\n",
      ),
    );
    sees(await home.cli("doctor"), 0, /⚠️ {2}daemon: its version is 0\.0\.1, and this program's /);
    sees(await home.cli("mcp", "--restart-server"), 0, RUNNING);
    equal(home.announcement.version, VERSION);
  },
});

fault({
  name: "the daemon is of another version, which this program does not understand",
  async test(home) {
    const release = { version: "0.0.1", protocol: { min: 90, max: 91 } };
    await using old = await otherVersion(ROOT, release);
    const port = String(freePort());
    sees(await old.cli(home, "mcp", "--start-server", "--port", port), 0, RUNNING);
    const idle = home.pid;
    const replaced = await home.cli("mcp", "--start-server");
    sees(replaced, 0, RUNNING);
    equal(replaced.stderr, "Replaced the daemon of version 0.0.1, which nobody used.\n");
    notEqual(home.pid, idle);
    equal(new URL(home.url).port, port, "the settings it was started with are kept");
    equal(home.announcement.version, VERSION);
    sees(await home.cli("mcp", "--stop-server"), 0, STOPPED);

    sees(await old.cli(home, "mcp", "--start-server"), 0, RUNNING);
    await McpSession.begin({ url: home.url });
    sees(
      await home.cli("mcp", "--start-server"),
      1,
      `Cannot use the daemon that runs (version 0.0.1, process ${home.pid}): it and this program do ` +
        "not understand each other, and a client uses it. " +
        "To replace it now: aichaku mcp --restart-server\n",
    );
    equal((await home.cli("doctor")).code, 1);
    sees(await home.cli("mcp", "--server-status"), 0, RUNNING);
    sees(await home.cli("mcp", "--restart-server"), 0, RUNNING);
    equal(home.announcement.version, VERSION);
  },
});

// ---- many at once

Deno.test("lifecycle: 8 starts at once are one daemon, whether the last one was stopped or killed", () =>
  crowdRounds({ starters: 8, rounds: 2 }));

Deno.test({
  name: "lifecycle: daemon, young daemon and starter killed in turn: the next start serves",
  ignore: !onLinux,
  fn: () =>
    killRounds({
      victims: ["daemon", "young daemon", "starter"],
      moment: () => Promise.resolve(),
    }),
});

Deno.test("every row of the table in docs/lifecycle.md has its test, and every test its row", async () => {
  const text = await Deno.readTextFile(join(ROOT, "docs", "lifecycle.md"));
  const table = text.split("\n| fault ")[1].split("\n\n")[0];
  const documented = table.split("\n").slice(2).map((line) => line.split("|")[1].trim());
  deepEqual(documented.sort(), [...rows].sort());
});
