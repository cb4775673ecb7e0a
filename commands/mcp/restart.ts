/**
 * `aichaku mcp --restart-server`: ends the daemon, if one runs, and starts one that was told the same,
 * except for what is given now. The configuration is read anew.
 *
 * @module
 */

import { readAnnouncement } from "../../server/daemon/announce.ts";
import { loadConfig } from "../../server/config/load.ts";
import { halt } from "../../server/daemon/halt.ts";
import { requireRoom } from "../../server/daemon/launch.ts";
import { tryToListen } from "../../server/daemon/listen.ts";
import { type CommandContext, EXIT } from "../context.ts";
import { nextSettings } from "./next_settings.ts";
import { givenSettings, type McpArguments, whereToLook } from "./shared.ts";
import { startDetached, tellRunning } from "./start.ts";

/** Runs the action. */
export async function restart(given: McpArguments, context: CommandContext): Promise<number> {
  const where = whereToLook(context);
  const now = givenSettings(given, context);
  // Read before it goes: the announcement goes with it.
  const before = readAnnouncement(where.paths);
  const wanted = nextSettings(before, now);
  // Neither a configuration that cannot be read, nor an address that cannot be had, nor a full disk must
  // cost the daemon that runs.
  const configFile = wanted.config ?? where.paths.configFile;
  const { server } = await loadConfig({
    file: configFile,
    required: wanted.config !== undefined,
    env: context.env.variables(),
    home: context.env.userHome,
    override: { host: wanted.host, port: wanted.port },
  });
  if (before !== undefined) {
    requireRoom(where.paths);
    const { host, port, requireToken } = server;
    // The port that the daemon has itself is free when it has gone.
    const isItsOwn = port === Number(new URL(before.url).port);
    await tryToListen({ host, port: isItsOwn ? 0 : port, requireToken, configFile });
  }
  const outcome = await halt({ ...where, force: false, hurry: true });
  const settings = outcome === "was not running" ? now : wanted;
  const { daemon } = await startDetached({ settings }, context);
  tellRunning(daemon, given, context);
  return EXIT.ok;
}
