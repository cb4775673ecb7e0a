/**
 * `aichaku mcp --print-config [CLIENT]`: what to paste into a client's configuration. Standard output
 * has nothing but that; where to paste it is said on standard error.
 *
 * @module
 */

import { join } from "@std/path";
import { loadConfig } from "../../server/config/load.ts";
import { find } from "../../server/daemon/find.ts";
import { dialAddress } from "../../server/daemon/listen.ts";
import { type CommandContext, EXIT } from "../context.ts";
import { CLIENT_CONFIGS, type Target } from "./client_configs.ts";
import {
  givenSettings,
  type McpArguments,
  oneOf,
  settingsArguments,
  whereToLook,
} from "./shared.ts";

/** Runs the action. */
export async function printConfig(given: McpArguments, context: CommandContext): Promise<number> {
  const client = oneOf(given.words[0] ?? "generic", CLIENT_CONFIGS);
  const { target, running } = await targetOf(given, context);
  context.stdout(client.text({ ...target, bridge: bridgeOf(given, context) }));
  context.stderr(`Paste it into ${client.file}.\n`);
  // The bridge reads it by itself.
  if (target.needsToken && client !== CLIENT_CONFIGS.get("claude-desktop")) {
    const { tokenFile } = whereToLook(context).paths;
    context.stderr(
      `The daemon asks for its token, which is in ${tokenFile}: start the client with it in ` +
        "AICHAKU_TOKEN (VS Code asks you for it).\n",
    );
  }
  if (!running) context.stderr("The daemon is not running: aichaku mcp --start-server\n");
  return EXIT.ok;
}

/** The daemon that runs, else the one that would be started. */
async function targetOf(
  given: McpArguments,
  context: CommandContext,
): Promise<{ target: Omit<Target, "bridge">; running: boolean }> {
  const where = whereToLook(context);
  const sighting = await find(where);
  if (sighting.kind === "running") {
    const { url, settings } = sighting.announcement;
    const needsToken = settings?.requireToken === true;
    return { target: { endpoint: `${url}/mcp`, needsToken }, running: true };
  }
  const { host, port, config } = givenSettings(given, context);
  const { server } = await loadConfig({
    file: config ?? where.paths.configFile,
    required: config !== undefined,
    env: context.env.variables(),
    home: context.env.userHome,
    override: { host, port },
  });
  const hostname = server.host === "localhost" ? "127.0.0.1" : server.host;
  const endpoint = `http://${dialAddress(hostname, server.port)}/mcp`;
  return { target: { endpoint, needsToken: server.requireToken }, running: false };
}

/** The stdio bridge to the same daemon: a client starts it in an environment of its own. */
function bridgeOf(given: McpArguments, context: CommandContext): Target["bridge"] {
  const { self, env } = context;
  const { home } = whereToLook(context).paths;
  return {
    command: self.command,
    args: [...self.args, "mcp", "--stdio", ...settingsArguments(givenSettings(given, context))],
    env: home === join(env.userHome, ".aichaku") ? {} : { AICHAKU_HOME: home },
  };
}
