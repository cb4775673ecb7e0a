/**
 * The npm package of the client SDK: packed, installed into an empty Node project and used there, with
 * its types.
 */

import assert from "node:assert/strict";
import { join } from "@std/path";
import { writeSdkPackage } from "../../scripts/lib/npm_packages.ts";
import { type DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { misbehaving } from "../e2e/support/servers.ts";
import { installed, output, packed } from "./support/npm.ts";

const PROGRAM = `
import { AichakuClient, AichakuError, isServerRunning } from "@aichaku/aichaku";

const client = new AichakuClient({ server: "m", mode: "daemon" });
const { content } = await client.callTool("echo", { text: "over the daemon" });
const failure = await client.callTool("no such tool").catch((error) => error);
console.log(JSON.stringify({
  running: await isServerRunning(),
  content,
  isOurs: failure instanceof AichakuError,
}));
`;

const TYPED = `
import { AichakuClient, type CallToolResult } from "@aichaku/aichaku";

const client = new AichakuClient({ server: "m" });
export const result: Promise<CallToolResult> = client.callTool("echo", { text: "typed" });
// @ts-expect-error: the name of a tool is a text
client.callTool(1);
`;

async function project(daemon: DaemonFixture): Promise<string> {
  const folder = join(daemon.home, "..");
  const { signal } = new AbortController();
  const archive = await packed(await writeSdkPackage(folder, signal), folder);
  const path = join(folder, "project");
  await installed([archive], path);
  return path;
}

daemonTest("npm: the SDK's package in an empty Node project reaches the daemon", {
  config: { mcpServers: { m: misbehaving() } },
}, async (daemon) => {
  const cwd = await project(daemon);
  await Deno.writeTextFile(join(cwd, "program.js"), PROGRAM);
  const printed = await output("node", { args: ["program.js"], cwd, env: { ...daemon.env } });
  assert.deepEqual(JSON.parse(printed), {
    running: true,
    content: [{ type: "text", text: "over the daemon" }],
    isOurs: true,
  });

  await Deno.writeTextFile(join(cwd, "typed.ts"), TYPED);
  await output(Deno.execPath(), { args: ["check", "--quiet", "typed.ts"], cwd });
});
