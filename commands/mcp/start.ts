/**
 * `aichaku mcp --start-server`: makes sure that a daemon runs and says how to reach it.
 *
 * @module
 */

import { find, hungProblem, type RunningDaemon } from "../../server/daemon/find.ts";
import { endIfIdle, launch, type Launched, speaksWith } from "../../server/daemon/launch.ts";
import { ELECTION_LOST_EXIT, ElectionLost } from "../../server/daemon/problem.ts";
import type { RunOptions } from "../../server/daemon/run.ts";
import { type CommandContext, EXIT } from "../context.ts";
import { differences } from "./differences.ts";
import { nextSettings } from "./next_settings.ts";
import { addLine, runningBlock, statusData } from "./report.ts";
import {
  type GivenSettings,
  givenSettings,
  type McpArguments,
  settingsArguments,
  whereToLook,
} from "./shared.ts";

/** Runs the action. */
export async function start(given: McpArguments, context: CommandContext): Promise<number> {
  const settings = givenSettings(given, context);
  const autostarted = given.flags.has("autostarted");
  if (given.flags.has("daemonized")) return await beDaemon({ settings, autostarted }, context);
  if (given.flags.has("foreground")) return await stayAttached(settings, given, context);
  const { daemon, started, replaced } = await startDetached({ settings, autostarted }, context);
  if (replaced !== undefined) {
    context.stderr(`Replaced the daemon of version ${replaced.version}, which nobody used.\n`);
  }
  if (!started) {
    noteDifferences(settings, daemon, context);
    if (!autostarted) noteIdleEnd(daemon, context);
  }
  tellRunning(daemon, given, context);
  return EXIT.ok;
}

/** What a daemon is started with. */
export interface StartWith {
  settings: GivenSettings;
  /** For a client, not for a person: it ends when nobody uses it. Default false. */
  autostarted?: boolean;
}

/** Starts a daemon of its own session, unless one runs. */
export async function startDetached(
  { settings, autostarted = false }: StartWith,
  context: CommandContext,
): Promise<Launched> {
  return await launch({
    ...whereToLook(context),
    self: context.self,
    daemonArgs: (replaced) => [
      "mcp",
      "--start-server",
      "--daemonized",
      ...(autostarted ? ["--autostarted"] : []),
      ...settingsArguments(nextSettings(replaced, settings)),
    ],
  });
}

/** Says where the daemon is. */
export function tellRunning(
  daemon: RunningDaemon,
  given: McpArguments,
  context: CommandContext,
): void {
  if (given.flags.has("json")) {
    context.stdout(JSON.stringify(statusData(daemon), null, 2) + "\n");
    return;
  }
  context.stdout(runningBlock(daemon));
  context.stdout("\n" + addLine(daemon, whereToLook(context).paths));
}

function noteDifferences(
  settings: GivenSettings,
  daemon: RunningDaemon,
  context: CommandContext,
): void {
  const names = differences(settings, daemon.announcement);
  if (names.length === 0) return;
  context.stderr(
    `The daemon that runs keeps its settings; ${names.join(", ")} ${
      names.length === 1 ? "was" : "were"
    } not applied. To apply: aichaku mcp --restart-server ${
      settingsArguments(settings).join(" ")
    }\n`,
  );
}

/** Whoever starts a daemon by hand expects it to stay. */
function noteIdleEnd({ announcement }: RunningDaemon, context: CommandContext): void {
  if (announcement.settings?.autostarted !== true) return;
  context.stderr(
    "The daemon that runs was started for a client, and ends when nobody has used it for a while. " +
      "To keep it: aichaku mcp --restart-server\n",
  );
}

/** `--foreground`: this process is the daemon, until it is interrupted. */
async function stayAttached(
  settings: GivenSettings,
  given: McpArguments,
  context: CommandContext,
): Promise<number> {
  const found = await find(whereToLook(context));
  if (found.kind === "silent") throw hungProblem(found);
  if (found.kind === "running" && !speaksWith(found, {})) {
    await endIfIdle(found, whereToLook(context));
  } else if (found.kind === "running") {
    noteDifferences(settings, found, context);
    tellRunning(found, given, context);
    return EXIT.ok;
  }
  const { attachedLogger } = await import("./loggers.ts");
  const { consoleToLog } = await import("./console_to_log.ts");
  const { runDaemon } = await import("../../server/daemon/run.ts");
  using logger = attachedLogger(context, whereToLook(context).paths.logFile);
  using _ = consoleToLog(logger.log);
  try {
    await runDaemon({
      ...runOptions(settings, context),
      log: logger.log,
      detached: false,
      onReady: async () => {
        const ready = await find(whereToLook(context));
        if (ready.kind === "running") tellRunning(ready, given, context);
      },
    });
  } catch (error) {
    if (!(error instanceof ElectionLost)) throw error;
    // Someone started one between our look and our lock: the same as if it had been there before.
    const { daemon } = await startDetached({ settings }, context);
    tellRunning(daemon, given, context);
  }
  return EXIT.ok;
}

/** The process that {@linkcode startDetached} spawned. */
async function beDaemon(
  { settings, autostarted }: StartWith,
  context: CommandContext,
): Promise<number> {
  const { detachedLogger } = await import("./loggers.ts");
  const { consoleToLog } = await import("./console_to_log.ts");
  const { runDaemon } = await import("../../server/daemon/run.ts");
  using logger = detachedLogger(whereToLook(context).paths.logFile);
  const { log } = logger;
  using _ = consoleToLog(log);
  try {
    await runDaemon({ ...runOptions(settings, context), log, detached: true, autostarted });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof ElectionLost) return ELECTION_LOST_EXIT;
    const isProblem = error instanceof Error &&
      ["DaemonProblem", "ConfigError"].includes(error.name);
    const message = error instanceof Error ? error.message : String(error);
    // One record a line: whoever started us puts the lines together again for the user.
    for (const line of message.split("\n")) log.error(line);
    if (!isProblem) log.info("where it happened", { error });
    return EXIT.failed;
  }
}

function runOptions(
  { host, port, config }: GivenSettings,
  context: CommandContext,
): Omit<RunOptions, "log" | "detached"> {
  const { paths, envToken } = whereToLook(context);
  return {
    paths,
    configFile: config ?? paths.configFile,
    given: { host, port, config: config !== undefined },
    envToken,
    variables: context.env.variables(),
    userHome: context.env.userHome,
    self: context.self,
  };
}
