/**
 * `aichaku mcp --server-status`: how each server is shared, by which processes, and what they use.
 */

import assert from "node:assert/strict";
import { daemonTest } from "../fixtures/daemon.ts";
import { control } from "./support/control_plane.ts";
import { errorOf, McpSession } from "./support/mcp_session.ts";
import { asking } from "./support/servers.ts";

const onLinux = Deno.build.os === "linux";
const CAPABILITIES = { elicitation: {}, sampling: {} };

daemonTest("status tells people and programs how each server is shared, and what it uses", {
  config: {
    mcpServers: {
      auto: asking({ args: ["auto"] }),
      browser: asking({ args: ["@playwright/mcp"] }),
      broken: { command: "aichaku-test-there-is-no-such-program", sharing: "serial" },
      held: asking({ args: ["held"] }),
    },
  },
}, async (daemon) => {
  const begin = (server: string) =>
    McpSession.begin({ url: daemon.url, server, capabilities: CAPABILITIES });
  const clients = [await begin("auto"), await begin("auto")];
  const asked = clients.map((client) => client.call(1, "ask-later", { key: "k", for: "x" }));
  await clients[0].tell("waiting", { key: "k", count: 2 });
  await clients[0].tell("open", { key: "k" });
  // Neither has a way to be asked beside its call, and neither is asked.
  await Promise.all(asked);
  const held = clients[0].call(2, "hold", { key: "h", text: "x" });
  const pids = { auto: await clients[0].tell("pid"), browser: "" };
  const browser = await begin("browser");
  pids.browser = await browser.tell("pid");
  const crashed = await begin("browser");
  assert.equal(errorOf(await crashed.call(1, "exit")).reason, "upstream_exited");
  assert.equal((await daemon.rpc("broken", { jsonrpc: "2.0", id: 1, method: "ping" })).status, 200);
  await daemon.rpc("broken", { jsonrpc: "2.0", id: 1, method: "tools/list" });
  await control(daemon, "held", "stop");

  const { code, stdout } = await daemon.cli("mcp", "--server-status");
  assert.equal(code, 0);
  const uses = onLinux ? String.raw`, \d+ MB, \d+\.\d s of processor time` : ".*";
  const up = String.raw`up \d+ s`;
  const expected = [
    "     auto      ready, 2 clients",
    `       process ${pids.auto}, ${up}, 2 clients, which can do elicitation and sampling, 1 call in ` +
    `flight${uses}`,
    "       sharing: auto \\(default\\)",
    "       clients that can be asked have a process each: it asked elicitation/create while calls of " +
    "several clients were unanswered",
    "     browser   ready, 1 client",
    `       process ${pids.browser}, ${up}, of one client alone${uses}`,
    "       sharing: session \\(known server: .*browser.*\\)",
    "       last error: exited with code 3",
    "     broken    idle, 2 clients",
    "       sharing: serial \\(as configured\\)",
    "       last error: Failed to spawn .*",
    "     held      stopped, 0 clients",
    "       sharing: auto \\(default\\)",
  ];
  assert.match(stdout, new RegExp(`^${expected.join("\n")}$`, "m"));

  const json = JSON.parse((await daemon.cli("mcp", "--server-status", "--json")).stdout);
  const [auto] = json.servers;
  assert.deepEqual(auto.sharing, { mode: "auto", from: "default" });
  assert.equal(auto.callsInFlight, 1);
  assert.equal(auto.instances[0].pid, Number(pids.auto));
  if (onLinux) assert.ok(auto.rssBytes > 10_000_000 && auto.cpuSeconds > 0);
  await clients[0].tell("open", { key: "h" });
  await held;
});
