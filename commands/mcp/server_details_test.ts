import { deepEqual, equal } from "node:assert/strict";
import type { InstanceReport, ServerReport } from "../../server/admin/servers.ts";
import { serverDetails } from "./server_details.ts";

const instance: InstanceReport = {
  state: "ready",
  pid: 2101,
  uptime: 310,
  clients: 2,
  callsInFlight: 0,
  callsQueued: 0,
  restarts: 0,
};
const report: ServerReport = {
  name: "docs",
  state: "ready",
  sharing: { mode: "auto", from: "default" },
  clients: 2,
  callsInFlight: 0,
  callsQueued: 0,
  restarts: 0,
  instances: [instance],
};

Deno.test("a server that is well: its process, and how it is shared", () => {
  deepEqual(serverDetails(report), [
    "process 2101, up 5 min 10 s, 2 clients",
    "sharing: auto (default)",
  ]);
});

Deno.test("a busy one: calls, restarts, memory and processor time of all that it started", () => {
  const busy = {
    ...instance,
    clients: 1,
    callsInFlight: 3,
    callsQueued: 1,
    restarts: 2,
    rssBytes: 120_400_000,
    cpuSeconds: 3.24,
    clientsCan: ["elicitation", "sampling"],
  };
  deepEqual(
    serverDetails({ ...report, instances: [busy] })[0],
    [
      "process 2101, up 5 min 10 s, 1 client, which can do elicitation and sampling",
      "3 calls in flight, 1 call waiting, restarted 2 times, 120 MB, 3.2 s of processor time",
    ].join(", "),
  );
});

Deno.test("each project and each client's own process has its line; one that rests has none, unless it has a project", () => {
  const { pid: _, uptime: __, ...resting } = instance;
  deepEqual(
    serverDetails({
      ...report,
      instances: [
        { ...instance, project: "/home/ada/x" },
        { ...instance, pid: 2102, own: true, clients: 1, rssBytes: 1_540_000_000 },
        { ...resting, state: "idle", clients: 1, project: "/home/ada/y" },
        { ...resting, state: "idle", clients: 1 },
      ],
      sharing: { mode: "serial", from: "config" },
    }),
    [
      "process 2101, up 5 min 10 s, project /home/ada/x, 2 clients",
      "process 2102, up 5 min 10 s, of one client alone, 1.5 GB",
      "no process (idle), project /home/ada/y, 1 client",
      "sharing: serial (as configured)",
    ],
  );
});

Deno.test("where a default comes from, what was learned, and what went wrong, each in a line", () => {
  deepEqual(
    serverDetails({
      ...report,
      instances: [],
      sharing: { mode: "session", from: "known", why: "it drives a browser" },
      isolated: "it asked sampling/createMessage while calls of several clients were unanswered",
      lastError: "exited with code 3\nstack",
    }),
    [
      "sharing: session (known server: it drives a browser)",
      "clients that can be asked have a process each: it asked sampling/createMessage while calls of " +
      "several clients were unanswered",
      "last error: exited with code 3",
    ],
  );
  deepEqual(
    serverDetails({ ...report, instances: [], reason: "no such file", lastError: "no such file" }),
    ["sharing: auto (default)"],
    "the state says it already",
  );
});

Deno.test("a daemon of another version may say less", () => {
  deepEqual(serverDetails({}), []);
});

Deno.test("what went wrong is said once; the last line that the server wrote stands below the state", () => {
  const reason = "the variable KEY is not set";
  const lastError = `Cannot start server "docs": ${reason}`;
  deepEqual(serverDetails({ reason, lastError }), [], "the state says it already");
  const words = "exited with code 1\nError: no login\nRun `docs login` first.\n";
  const unreachable = "cannot be reached\ncheck that it runs";
  deepEqual(serverDetails({ reason: unreachable, lastError: unreachable }), [
    "more: check that it runs",
  ], "which a remote server did not write");
  deepEqual(serverDetails({ reason: words, lastError: words }), [
    "more: Run `docs login` first.",
  ]);
});

Deno.test("of a crash of Node the line that names the error is shown, not the version of Node", () => {
  const shown = (...lines: string[]) => serverDetails({ reason: lines.join("\n") }).at(-1);
  const how = "exited with code 1";
  const crash = ["Node.js v20.20.2"];
  const missing =
    "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'zod' imported from /x/index.js";
  const frames = ["    at packageResolve (node:internal/modules/esm/resolve:873:9) {"];
  const carried = ["  code: 'ERR_MODULE_NOT_FOUND'", "}"];
  equal(
    shown(how, "node:internal/modules/run_main:123", missing, ...frames, ...carried, ...crash),
    `more: ${missing}`,
  );
  const syntax = "SyntaxError: The requested module 'a' does not provide an export named 'b'";
  equal(
    shown(how, "import { b } from 'a';", "         ^", syntax, ...frames, ...crash),
    `more: ${syntax}`,
  );
  equal(shown(how, "[Error: no token]", ...crash), "more: Node.js v20.20.2");
  equal(shown(how, "TypeError: no", "Run `login` first."), "more: Run `login` first.");
});
