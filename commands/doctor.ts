/**
 * `aichaku doctor`: what is wrong with this installation, and how to mend it. Never starts a daemon, and
 * changes nothing without `--reap`.
 *
 * @module
 */

import { parseArguments } from "./arguments.ts";
import { type CommandContext, EXIT } from "./context.ts";
import { checkCatalogs } from "./doctor/catalogs.ts";
import { checkConfiguration } from "./doctor/configuration.ts";
import { checkDaemon, checkPort } from "./doctor/daemon.ts";
import {
  broken,
  type Finding,
  isHealthy,
  jsonReport,
  prettyReport,
  type Report,
} from "./doctor/finding.ts";
import {
  checkFiles,
  checkHome,
  checkLog,
  checkRunFolder,
  checkToken,
} from "./doctor/installation.ts";
import { checkLeftovers, reapLeftovers } from "./doctor/leftovers.ts";
import { givenSettings, whereToLook } from "./mcp/shared.ts";

const HELP = `Usage: aichaku doctor [options]

Tells what is wrong with this installation, and how to mend it: home, run folder, token,
configuration, daemon, port, log, and what a killed daemon left behind. Starts nothing.

Options:
  --reap       End the processes that a killed daemon left behind, first
  --json       Print JSON
  -h, --help   Print this help

Exit codes: 0 nothing is wrong, 1 something is, 2 wrong usage.
`;

const SPEC = { command: "aichaku doctor", flags: ["reap", "json"], values: [], maxWords: 0 };

/** Runs `aichaku doctor`. Returns the exit code. @throws {UsageError} */
export async function runDoctor(args: string[], context: CommandContext): Promise<number> {
  const parsed = parseArguments(args, SPEC);
  if (parsed.flags.has("help")) {
    context.stdout(HELP);
    return EXIT.ok;
  }
  const settings = givenSettings(parsed, context);
  const { paths } = whereToLook(context);
  const reap = parsed.flags.has("reap") ? await reapLeftovers(paths) : undefined;
  const report: Report = { findings: await examine(settings, context), reap };
  context.stdout(parsed.flags.has("json") ? jsonReport(report) : prettyReport(report));
  return isHealthy(report) ? EXIT.ok : EXIT.failed;
}

async function examine(
  settings: ReturnType<typeof givenSettings>,
  context: CommandContext,
): Promise<Finding[]> {
  const where = whereToLook(context);
  const { paths } = where;
  const runFolder = checked("run folder", () => checkRunFolder(paths));
  const { findings: ofConfiguration, config } = await checkConfiguration({
    file: settings.config ?? paths.configFile,
    required: settings.config !== undefined,
    variables: context.env.variables(),
    userHome: context.env.userHome,
  });
  const findings = [
    checked("home", () => checkHome(paths)),
    runFolder,
    ...ofConfiguration,
    checked("log", () => checkLog(paths)),
    checked("cache", () => checkCatalogs(paths)),
  ];
  // What others can write may say anything.
  if (runFolder.level !== "ok") return findings;
  findings.push(checked("token", () => checkToken(paths)));
  const { findings: ofDaemon, sighting } = await checkDaemon(where);
  findings.push(...ofDaemon);
  if (sighting?.kind !== "stopped") return findings;
  if (config !== undefined) {
    const { host, port } = { ...config.server, ...settings };
    findings.push(...await checkPort({ host, port }));
  }
  findings.push(...checkedAll("files", () => checkFiles(paths)));
  findings.push(...checkedAll("processes", () => checkLeftovers(paths)));
  return findings;
}

/** A check that cannot be made is a finding, too. */
function checked(area: Finding["area"], check: () => Finding): Finding {
  return checkedAll(area, () => [check()])[0];
}

function checkedAll(area: Finding["area"], check: () => Finding[]): Finding[] {
  try {
    return check();
  } catch (error) {
    return [broken(area, error)];
  }
}
