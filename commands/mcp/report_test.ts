import { deepEqual, equal, match } from "node:assert/strict";
import { homePaths } from "../../platform/paths.ts";
import { VERSION } from "../../protocol/version.ts";
import type { RunningDaemon } from "../../server/daemon/find.ts";
import { addLine, runningBlock, statusData, statusDetails } from "./report.ts";

const settings = {
  host: "127.0.0.1",
  port: 7182,
  config: "/c.json",
  explicit: [],
  requireToken: false,
  autostarted: false,
};
const daemon: RunningDaemon = {
  kind: "running",
  token: "t",
  announcement: {
    url: "http://127.0.0.1:7182",
    socket: null,
    tcp: null,
    pid: 2006,
    startTime: 1,
    instanceId: "i-1",
    version: "0.1.0",
    protocol: { min: 1, max: 1 },
    logPath: "/log",
    settings,
  },
  health: {
    status: "ok",
    sessions: 0,
    pid: 2006,
    version: VERSION,
    instanceId: "i-1",
    uptime: 7_500,
    servers: { docs: "ready" },
    proof: "p",
  },
};
const paths = homePaths("/home/ada/.aichaku", "m1");

Deno.test("the block and the line are the contract's, to the letter", () => {
  equal(
    runningBlock(daemon),
    "✅ MCP HTTP/SSE Server is running\n" +
      "   URL: http://127.0.0.1:7182\n" +
      "   Active sessions: 0\n" +
      "   Process ID: 2006\n",
  );
  equal(
    addLine(daemon, paths),
    "claude mcp add --transport http aichaku http://127.0.0.1:7182/mcp\n",
  );
});

Deno.test("where the token is needed, the line reads it and does not show it", () => {
  const announcement = {
    ...daemon.announcement,
    settings: { ...settings, requireToken: true },
  };
  equal(
    addLine({ ...daemon, announcement }, paths),
    "claude mcp add --transport http aichaku http://127.0.0.1:7182/mcp " +
      `--header "Authorization: Bearer $(cat '/home/ada/.aichaku/run/m1/token')"\n`,
  );
});

Deno.test("status adds version, uptime, log, and each server with its clients and its trouble", () => {
  equal(
    statusDetails({ ...daemon, health: { ...daemon.health, status: "draining" } }, {
      servers: [
        {
          name: "docs",
          state: "ready",
          clients: 2,
          reason: undefined,
          report: { sharing: { mode: "auto", from: "default" } },
        },
        { name: "everything", state: "failed", clients: 1, reason: "spawn failed\nstack" },
        { name: "x", state: "idle", clients: undefined, reason: undefined },
      ],
    }),
    `   Version: ${VERSION}\n` +
      "   Uptime: 2 h 5 min\n" +
      "   Log: /log\n" +
      "   State: draining\n" +
      "   Servers:\n" +
      "     docs        ready, 2 clients\n" +
      "       sharing: auto (default)\n" +
      "     everything  failed, 1 client (spawn failed)\n" +
      "     x           idle\n",
  );
});

Deno.test("status says when the daemon is of another version, and how to update it", () => {
  const health = { ...daemon.health, version: "0.0.9" };
  match(
    statusDetails({ ...daemon, health }, { servers: [] }),
    /^ {3}Version: 0\.0\.9 \(this command is \S+; to update the daemon: aichaku mcp --restart-server\)\n/,
  );
});

Deno.test("--json has the same facts, and never the token", () => {
  deepEqual(statusData(daemon), {
    running: true,
    status: "ok",
    url: "http://127.0.0.1:7182",
    sessions: 0,
    pid: 2006,
    version: VERSION,
    commandVersion: VERSION,
    instanceId: "i-1",
    uptime: 7_500,
    logPath: "/log",
    socket: null,
    tcp: null,
    servers: [{ name: "docs", state: "ready" }],
  });
});

Deno.test("--json has everything that the daemon says of a server", () => {
  const line = { name: "docs", state: "ready", clients: 2, reason: undefined };
  const report = { callsInFlight: 3, rssBytes: 1_000 };
  deepEqual(statusData(daemon, { servers: [{ ...line, report }] }).servers, [{
    ...line,
    ...report,
  }]);
});

Deno.test("status says when what runs is not what the file says, in one line; --json has it whole", () => {
  const configuration = {
    file: "/c.json",
    problem: "/c.json:1:2: broken\n/c.json:3:4: broken as well",
    restart: ["server.port", "server.host"],
  };
  match(
    statusDetails(daemon, { servers: [], configuration }),
    new RegExp(
      "\n   Configuration: what runs is older than the file, which has a problem: " +
        "/c\\.json:1:2: broken\n" +
        "   Configuration: changed, and waiting for aichaku mcp --restart-server: " +
        "server\\.port, server\\.host\n",
    ),
  );
  deepEqual(statusData(daemon, { servers: [], configuration }).configuration, configuration);
  equal(
    /Configuration/.test(
      statusDetails(daemon, { servers: [], configuration: { file: "/c.json", restart: [] } }),
    ),
    false,
  );
});

Deno.test("what a server wrote, or a folder is called, does not move the cursor of whoever looks", () => {
  const text = statusDetails(daemon, {
    servers: [{
      name: "evil",
      state: "failed",
      clients: 1,
      reason: "\x1b]0;title\x07\x1b[2J\rready",
      report: {
        lastError: "\x9b31m\u202egpj",
        sharing: { mode: "auto", from: "default" },
        isolated: "it asked \x1b[1A",
        instances: [{
          ...{ state: "ready", pid: 1, project: "/home/ada/\x1b[8m", clients: 1 },
          ...{ callsInFlight: 0, callsQueued: 0, restarts: 0 },
        }],
      },
    }],
  });
  // deno-lint-ignore no-control-regex
  equal(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(text), false, JSON.stringify(text));
  match(text, /evil {2}failed, 1 client \(\\u\{1b\}\]0;title/);
});
