/**
 * Starting, finding, stopping: what a user of the command line sees, to the letter and the exit code.
 */

import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import { join } from "@std/path";
import { isLocked } from "../../server/daemon/lock.ts";
import { processStartTime } from "../../platform/process.ts";
import { type CliResult, DaemonFixture, daemonTest, homeTest } from "../fixtures/daemon.ts";
import { eventually, within } from "./support/within.ts";

/** The block and the line of a running daemon; `started` and `status` share them. */
const BLOCK = new RegExp(
  "^✅ MCP HTTP/SSE Server is running\n" +
    "   URL: (http://127\\.0\\.0\\.1:\\d+)\n" +
    "   Active sessions: 0\n" +
    "   Process ID: (\\d+)\n",
);

function blockOf({ code, stdout, stderr }: CliResult): { url: string; pid: number } {
  equal(code, 0, stderr);
  match(stdout, BLOCK);
  const [, url, pid] = BLOCK.exec(stdout)!;
  equal(stdout.split("\n").includes(`claude mcp add --transport http aichaku ${url}/mcp`), true);
  return { url, pid: Number(pid) };
}

homeTest("start prints where the daemon is, and it answers there", {}, async (home) => {
  const { url, pid } = blockOf(await home.cli("mcp", "--start-server"));
  equal(url, home.url);
  equal(pid, home.pid);
  equal((await home.health()).instanceId, home.instanceId);
  const answer = await home.rpc("sample", { jsonrpc: "2.0", id: 1, method: "tools/list" });
  equal(answer.status, 200);
  equal(answer.body.result.tools.some((tool: { name: string }) => tool.name === "echo"), true);
});

daemonTest(
  "starting twice is the same daemon; other settings are told to be unused",
  {},
  async (daemon) => {
    const { pid } = daemon;
    const again = await daemon.cli("mcp", "start");
    equal(blockOf(again).pid, pid);
    equal(again.stderr, "");
    const other = await daemon.cli("mcp", "--start-server", "--port", "1");
    equal(blockOf(other).pid, pid);
    match(other.stderr, /keeps its settings; --port 1 was not applied.*--restart-server/);
  },
);

daemonTest("stop ends it and leaves nothing; stopping twice is fine", {}, async (daemon) => {
  const { pid, paths } = daemon;
  const stopped = await daemon.cli("mcp", "--stop-server");
  deepEqual(stopped, { code: 0, stdout: "✅ MCP HTTP/SSE Server stopped\n", stderr: "" });
  equal(processStartTime(pid), null);
  equal(isLocked(paths.daemonLock), false);
  const left = [...Deno.readDirSync(paths.runDir)].map((entry) => entry.name);
  for (const name of ["daemon.json", "mcp.sock"]) equal(left.includes(name), false, name);
  const again = await daemon.cli("mcp", "stop");
  deepEqual(again, { code: 0, stdout: "MCP HTTP/SSE Server is not running\n", stderr: "" });
});

homeTest("status, stop and logs start nothing and create nothing", {}, async (home) => {
  deepEqual(await home.cli("mcp", "--server-status"), {
    code: 3,
    stdout: "❌ MCP HTTP/SSE Server is not running\n",
    stderr: "",
  });
  const json = await home.cli("mcp", "status", "--json");
  equal(json.code, 3);
  deepEqual(JSON.parse(json.stdout), { running: false, status: "stopped" });
  equal((await home.cli("mcp", "--stop-server")).code, 0);
  equal((await home.cli("mcp", "--logs")).code, 1);
  deepEqual([...Deno.readDirSync(home.home)], []);
});

daemonTest(
  "status tells version, uptime and every server, to people and to programs",
  {},
  async (daemon) => {
    const text = await daemon.cli("mcp", "--server-status");
    blockOf(text);
    match(text.stdout, /\n {3}Version: \d+\.\d+\.\d+\n {3}Uptime: .*\n/);
    match(text.stdout, /\n {5}sample +idle, 0 clients\n/);
    const json = await daemon.cli("mcp", "--server-status", "--json");
    equal(json.code, 0);
    const status = JSON.parse(json.stdout);
    equal(status.url, daemon.url);
    equal(status.pid, daemon.pid);
    equal(status.instanceId, daemon.instanceId);
    deepEqual(status.servers.map((server: { name: string }) => server.name), [
      "reviewer",
      "sample",
    ]);
    equal(json.stdout.includes(daemon.token), false);
  },
);

daemonTest(
  "status names the socket, and the TCP port where there is one",
  { config: { server: { tcpPort: 0 } } },
  async (daemon) => {
    const { socket, tcp } = daemon.announcement;
    match(tcp ?? "", /^127\.0\.0\.1:[1-9]\d*$/);
    const { stdout } = await daemon.cli("mcp", "--server-status");
    const lines = stdout.split("\n");
    equal(lines.includes(`   TCP: ${tcp}`), true, stdout);
    if (Deno.build.os !== "windows") {
      equal(socket, daemon.paths.socket);
      equal(lines.includes(`   Socket: ${socket}`), true, stdout);
    }
    const status = JSON.parse((await daemon.cli("mcp", "--server-status", "--json")).stdout);
    deepEqual([status.socket, status.tcp], [socket, tcp]);
  },
);

homeTest("many starts at once make one daemon, and all of them succeed", {}, async (home) => {
  const started = await Promise.all(Array.from({ length: 8 }, () => home.cli("mcp", "start")));
  deepEqual(started.map((result) => blockOf(result).pid), Array(8).fill(home.pid));
});

homeTest("a port that is taken: the text names it and the remedy", {}, async (home) => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const { code, stderr } = await home.cli("mcp", "--start-server", "--port", String(port));
  equal(code, 1);
  equal(
    stderr.split("\n")[0],
    `Cannot listen on 127.0.0.1:${port}: the port is in use by another program. ` +
      `Choose another with --port N or "server": {"port": N} in ${home.paths.configFile}.`,
  );
  equal((await home.cli("mcp", "status")).code, 3);
});

daemonTest("a port that another home's daemon has is said to be just that", {}, async (daemon) => {
  await using other = await DaemonFixture.create();
  const { port } = new URL(daemon.url);
  const { code, stderr } = await other.cli("mcp", "--start-server", "--port", port);
  equal(code, 1);
  match(
    stderr,
    new RegExp(`in use by an aichaku daemon of another home \\(process ${daemon.pid}\\)`),
  );
});

homeTest("a configuration that is broken: file, line and remedy", {
  configText: '{\n  "server": { "port": "high" }\n}\n',
}, async (home) => {
  const { code, stderr } = await home.cli("mcp", "--start-server");
  equal(code, 1);
  match(stderr, new RegExp(`^${home.paths.configFile}:2:\\d+: .*port`));
  match(stderr, new RegExp(`\nLast lines of ${home.paths.logFile}:\n`));
});

homeTest("wrong usage: exit code 2, the value named, the nearest suggested", {}, async (home) => {
  const cases: [string[], RegExp][] = [
    [["mcp", "--start-server", "--port", "70000"], /Invalid port "70000" in --port/],
    [["mcp", "--strat-server"], /unknown option --strat-server\. Did you mean --start-server\?/],
    [["mcp", "stpo"], /unknown action "stpo"\. Did you mean stop\?/],
    [["mcp", "--stop-server", "--start-server"], /choose one of --start-server, --stop-server/],
    [["mcp", "--server-status", "--force"], /--force does not go with --server-status/],
    [["mcp", "--start-server", "now"], /unexpected argument "now"/],
    [["mcp"], /say what to do/],
    [["reviw"], /unknown command "reviw"\. Did you mean review\?/],
    [["--versoin"], /unknown option --versoin\. Did you mean --version\?/],
    [["mcp", "--print-config", "emacs"], /Unknown client "emacs": choose one of .*claude/],
  ];
  for (const [args, text] of cases) {
    const { code, stdout, stderr } = await home.cli(...args);
    equal(code, 2, args.join(" "));
    equal(stdout, "");
    match(stderr, text);
  }
  const port = await home.command(["mcp", "start"], { env: { AICHAKU_PORT: "x" } }).output();
  equal(port.code, 2);
});

homeTest("help and version go to standard output", {}, async (home) => {
  for (const args of [["--help"], ["help", "mcp"], ["mcp", "--help"], ["mcp", "start", "-h"]]) {
    const { code, stdout, stderr } = await home.cli(...args);
    equal(code, 0, args.join(" "));
    match(stdout, /^(Usage|aichaku \d)/);
    equal(stderr, "");
  }
  match((await home.cli("--version")).stdout, /^aichaku \d+\.\d+\.\d+\n$/);
  match(
    (await home.cli("--version", "--json")).stdout,
    /^\{"version":"\d+\.\d+\.\d+","commit":.*\}\n$/,
  );
});

daemonTest(
  "kill -9 of the daemon: it is gone at once, and the next start is not in its way",
  {},
  async (daemon) => {
    const { instanceId } = daemon;
    await daemon.kill9();
    equal((await daemon.cli("mcp", "status")).code, 3);
    equal((await daemon.cli("mcp", "stop")).stdout, "MCP HTTP/SSE Server is not running\n");
    blockOf(await daemon.cli("mcp", "start"));
    notEqual(daemon.instanceId, instanceId);
  },
);

daemonTest(
  "a daemon that hangs is called so within 10 s, and --force ends it",
  {},
  async (daemon) => {
    const { pid } = daemon;
    daemon.suspend();
    const answers = Promise.all([
      daemon.cli("mcp", "--server-status"),
      daemon.cli("mcp", "--start-server"),
      daemon.cli("mcp", "--stop-server"),
    ]);
    const told = await within(answers, "word that the daemon hangs", 10_000);
    for (const { code, stdout, stderr } of told) {
      equal(code, 1);
      equal(stdout, "");
      match(
        stderr,
        new RegExp(`^The daemon \\(process ${pid}\\) hangs: .*--stop-server --force\n$`),
      );
    }
    const forced = await daemon.cli("mcp", "--stop-server", "--force");
    equal(forced.code, 0);
    match(forced.stdout, /^✅ MCP HTTP\/SSE Server stopped/);
    equal(processStartTime(pid), null);
    equal((await daemon.cli("mcp", "status")).code, 3);
    blockOf(await daemon.cli("mcp", "start"));
  },
);

daemonTest("restart is a new daemon at the same address, told the same", {}, async (daemon) => {
  const { url, instanceId, token } = daemon;
  equal(blockOf(await daemon.cli("mcp", "--restart-server")).url, url);
  notEqual(daemon.instanceId, instanceId);
  equal(daemon.token, token);
});

homeTest("restart of what does not run is a start", {}, async (home) => {
  blockOf(await home.cli("mcp", "restart"));
});

daemonTest("SIGTERM ends it as gracefully as stop does", {}, async (daemon) => {
  const { pid, paths } = daemon;
  Deno.kill(pid, "SIGTERM");
  await eventually(() => processStartTime(pid) === null, "end of the daemon");
  equal([...Deno.readDirSync(paths.runDir)].some(({ name }) => name === "daemon.json"), false);
  match(daemon.log(), /stopping reason="SIGTERM"/);
});

homeTest(
  "--foreground stays until it is interrupted, and logs to standard error",
  {},
  async (home) => {
    const child = home.command(["mcp", "--start-server", "--foreground"]).spawn();
    const output = child.output();
    await eventually(async () => (await home.cli("mcp", "status")).code === 0, "daemon in front");
    equal(home.pid, child.pid);
    blockOf(await home.cli("mcp", "start", "--foreground"));
    child.kill("SIGINT");
    const { code, stdout, stderr } = await within(output, "end of the daemon in front");
    const decoder = new TextDecoder();
    equal(code, 0);
    equal(blockOf({ code, stdout: decoder.decode(stdout), stderr: "" }).pid, child.pid);
    match(decoder.decode(stderr), /"message":"serving"/);
    equal((await home.cli("mcp", "status")).code, 3);
  },
);

homeTest("--config names another file, from the folder the user is in", {}, async (home) => {
  const folder = join(home.home, "elsewhere");
  await Deno.mkdir(folder);
  await Deno.writeTextFile(join(folder, "mine.json"), `{"mcpServers": {}}`);
  const missing = await home.cli("mcp", "start", "--config", "missing.json");
  equal(missing.code, 1);
  match(missing.stderr, /missing\.json: There is no such configuration file/);
  const args = ["mcp", "start", "--config", "mine.json"];
  const { code } = await home.command(args, { cwd: folder }).output();
  equal(code, 0);
  const { servers } = await home.health();
  deepEqual(Object.keys(servers), ["reviewer"]);
  equal(home.announcement.settings?.config, join(await Deno.realPath(folder), "mine.json"));
});

homeTest("a proxy in the environment does not come between the command line and its daemon", {
  env: { HTTP_PROXY: "http://127.0.0.1:9", http_proxy: "http://127.0.0.1:9" },
}, async (home) => {
  blockOf(await home.cli("mcp", "start"));
  blockOf(await home.cli("mcp", "status"));
  equal((await home.cli("mcp", "stop")).stdout, "✅ MCP HTTP/SSE Server stopped\n");
});

homeTest(
  "a token of the user's own is used, and found by who does not know it",
  {},
  async (home) => {
    const env = { AICHAKU_TOKEN: "a token" };
    const refused = await home.command(["mcp", "start"], { env }).output();
    equal(refused.code, 1);
    match(new TextDecoder().decode(refused.stderr), /^Cannot use AICHAKU_TOKEN: /);
    env.AICHAKU_TOKEN = "a-token-of-my-own";
    equal((await home.command(["mcp", "start"], { env }).output()).code, 0);
    equal(home.token, "a-token-of-my-own");
    equal((await home.cli("mcp", "status")).code, 0);
  },
);

daemonTest("print-config prints what to paste, and nothing else", {}, async (daemon) => {
  const { code, stdout, stderr } = await daemon.cli("mcp", "--print-config", "claude");
  equal(code, 0);
  deepEqual(JSON.parse(stdout), {
    mcpServers: { aichaku: { type: "http", url: `${daemon.url}/mcp` } },
  });
  match(stderr, /Paste it into .*\.mcp\.json/);
});

homeTest("print-config without a daemon leads to the one that would start", {
  env: { AICHAKU_PORT: "" },
  config: { server: { port: 7999 } },
}, async (home) => {
  const { stdout, stderr } = await home.cli("mcp", "--print-config=codex");
  equal(stdout, '[mcp_servers.aichaku]\nurl = "http://127.0.0.1:7999/mcp"\n');
  match(stderr, /not running/);
});

daemonTest("logs prints the daemon's log; --json prints it as it is", {}, async (daemon) => {
  match((await daemon.cli("mcp", "--logs")).stdout, /info {2}serving url="http:/);
  const { stdout } = await daemon.cli("mcp", "logs", "--json");
  equal(JSON.parse(stdout.split("\n")[0]).level, "info");
});

daemonTest("logs --follow goes on with what is written later", {}, async (daemon) => {
  const child = daemon.command(["mcp", "--logs", "--follow"], { stderr: "null" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let seen = "";
  const until = async (text: string) => {
    while (!seen.includes(text)) {
      const { value, done } = await within(reader.read(), `"${text}" in the log`);
      if (done) throw new Error(`The log ended without "${text}":\n${seen}`);
      seen += value;
    }
  };
  await until("serving");
  await daemon.cli("mcp", "stop");
  await until("stopped");
  child.kill("SIGTERM");
  await reader.cancel();
  await child.status;
});

homeTest("a run folder that others can enter is refused, with the remedy", {}, async (home) => {
  await Deno.mkdir(home.paths.runDir, { recursive: true });
  await Deno.chmod(home.paths.runDir, 0o770);
  for (const action of ["start", "status", "stop"]) {
    const { code, stderr } = await home.cli("mcp", action);
    equal(code, 1, action);
    match(stderr, /mode is 0770.*chmod 700/);
  }
  await Deno.chmod(home.paths.runDir, 0o700);
});

homeTest(
  "an address for everybody needs the token, and is then told how to use it",
  {},
  async (home) => {
    const refused = await home.cli("mcp", "start", "--host", "0.0.0.0");
    equal(refused.code, 1);
    match(refused.stderr, /^Cannot listen on 0\.0\.0\.0: .*"requireToken": true/);
    await Deno.writeTextFile(home.paths.configFile, `{"server": {"requireToken": true}}`);
    const { code, stdout } = await home.cli("mcp", "start", "--host", "0.0.0.0");
    equal(code, 0);
    match(stdout, /URL: http:\/\/127\.0\.0\.1:\d+\n/);
    match(stdout, /--header "Authorization: Bearer \$\(cat '.*token'\)"/);
  },
);

homeTest("a log that cannot be written: a clear error, no stack", {}, async (home) => {
  await Deno.mkdir(home.paths.logFile);
  const { code, stderr } = await home.cli("mcp", "start");
  equal(code, 1);
  match(stderr, /^Cannot start the daemon: .*its log .*mcp-http-server\.log\.\n$/);
});
