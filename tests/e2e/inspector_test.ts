/**
 * The official Inspector's command line lists and calls tools through the daemon: in each of its modes,
 * at a server's own address and at that of all servers. A client that we did not write, and the one that
 * people look with when something does not work.
 */

import assert from "node:assert/strict";
import { type DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { everything } from "./support/servers.ts";

const INSPECTOR = "@modelcontextprotocol/inspector@2.12.0";
const ERAS = ["legacy", "auto", "modern"];
/** Milliseconds for one run, the package's download included. */
const RUN_MS = 120_000;

const config = { mcpServers: { everything: everything() } };

daemonTest("the Inspector lists and calls, in every mode, one server and all of them", {
  config,
}, async (daemon) => {
  // One first: whoever comes first downloads the package, and several at once get in each other's way.
  await lists(daemon, { era: "legacy", path: "/mcp" });
  for (const path of ["/mcp", "/mcp/everything"]) {
    await Promise.all(ERAS.map((era) => lists(daemon, { era, path })));
    await Promise.all(ERAS.map((era) => calls(daemon, { era, path })));
  }
});

interface Mode {
  era: string;
  path: string;
}

async function lists(daemon: DaemonFixture, mode: Mode): Promise<void> {
  const { tools } = await inspect(daemon, mode, ["--method", "tools/list"]);
  const names = tools.map(({ name }: { name: string }) => name);
  assert.ok(names.includes(nameOf("echo", mode)), `${JSON.stringify(mode)}: ${names}`);
}

async function calls(daemon: DaemonFixture, mode: Mode): Promise<void> {
  const message = `${mode.era} at ${mode.path}`;
  const { content } = await inspect(daemon, mode, [
    ...["--method", "tools/call", "--tool-name", nameOf("echo", mode)],
    ...["--tool-arg", `message=${message}`],
  ]);
  assert.deepEqual(content, [{ type: "text", text: `Echo: ${message}` }]);
}

function nameOf(tool: string, { path }: Mode): string {
  return path === "/mcp" ? `everything__${tool}` : tool;
}

/** Runs it, and gives the JSON that it prints. */
async function inspect(
  { url, home }: DaemonFixture,
  { era, path }: Mode,
  args: string[],
  // deno-lint-ignore no-explicit-any -- results of every shape
): Promise<any> {
  const child = new Deno.Command("npx", {
    args: [
      ...["-y", INSPECTOR, "--cli", `${url}${path}`, "--transport", "http"],
      ...["--protocol-era", era, ...args],
    ],
    cwd: home, // It looks for configuration where it is.
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(RUN_MS),
  });
  const { code, stdout, stderr } = await child.output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.equal(code, 0, `${era} at ${path}: exit code ${code}\n${out}${err}`);
  return JSON.parse(out);
}
