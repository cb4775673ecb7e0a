/**
 * `aichaku mcp list`: the servers of the configuration, and how those are that a running daemon has.
 * Never starts one, and shows nothing that may be a secret.
 *
 * @module
 */

import { loadConfig } from "../../server/config/load.ts";
import type { Config, ServerEntry } from "../../server/config/types.ts";
import { find } from "../../server/daemon/find.ts";
import { type ArgumentSpec, parseArguments } from "../arguments.ts";
import { type CommandContext, EXIT } from "../context.ts";
import { visible } from "../review/format_pretty.ts";
import { configFile } from "./change_config.ts";
import { askForReport, type ServerLine } from "./daemon_report.ts";
import { reachOf } from "./reach.ts";
import { whereToLook } from "./shared.ts";

const HELP = `Usage: aichaku mcp list [options]

Lists the servers of the configuration: name, how it is reached, how clients share it and who said so,
and its state if a daemon runs. Starts nothing, and shows no arguments, addresses or variables that may
be secrets.

Options:
      --config FILE           Configuration file (default config.json in AICHAKU_HOME)
      --json                  Print JSON
  -h, --help                  Print this help
`;

const SPEC: ArgumentSpec = {
  command: "aichaku mcp list",
  flags: ["json"],
  values: ["config"],
  maxWords: 0,
};

/** Runs `aichaku mcp list ARGS…`. @throws {UsageError} */
export async function list(args: readonly string[], context: CommandContext): Promise<number> {
  const { flags, values } = parseArguments(args, SPEC);
  if (flags.has("help")) {
    context.stdout(HELP);
    return EXIT.ok;
  }
  const file = configFile(values.get("config"), context);
  const config = await loadConfig({
    file,
    required: values.has("config") || context.env.config !== undefined,
    env: context.env.variables(),
    home: context.env.userHome,
  });
  const entries = [...config.servers.values()];
  const states = await statesIn(file, context);
  if (flags.has("json")) {
    const data = {
      file: config.source ?? null,
      running: states !== undefined,
      servers: [
        ...entries.map((entry) => dataOf(entry, states)),
        ...config.disabled.map((name) => ({ name, disabled: true })),
      ],
      warnings: warningsOf(config),
    };
    context.stdout(JSON.stringify(data, null, 2) + "\n");
    return EXIT.ok;
  }
  const rows = [
    ...entries.map((entry) => [
      entry.name,
      reachOf(entry),
      entry.sharing.mode,
      states === undefined ? "" : states.get(entry.name)?.state ?? "not loaded",
      noteOn(entry, states?.get(entry.name)),
    ]),
    ...config.disabled.map((name) => [name, "disabled", "", "", ""]),
  ];
  const shown = rows.map((row) => row.map(visible));
  context.stdout(rows.length === 0 ? "There are no servers.\n" : table(shown));
  for (const warning of warningsOf(config)) context.stderr(`${visible(warning)}\n`);
  if (config.source === undefined) {
    context.stderr(`There is no ${file}; these are the built-in servers.\n`);
  }
  return EXIT.ok;
}

/** What a person should know of the file beside what the list says: a misspelt key, for one. */
function warningsOf({ servers, warnings }: Config): string[] {
  const told = [...servers.values()].filter(({ kind }) => kind === "broken")
    .map(({ name }) => `server ${JSON.stringify(name)} cannot run`);
  return warnings.filter((text) => !told.some((part) => text.includes(part)));
}

/** What the daemon that reads this file says of its servers; undefined when none runs. */
async function statesIn(
  file: string,
  context: CommandContext,
): Promise<ReadonlyMap<string, ServerLine> | undefined> {
  const sighting = await find(whereToLook(context));
  if (sighting.kind !== "running") return undefined;
  const { settings } = sighting.announcement;
  // Its servers may have the same names and be others.
  if (settings !== undefined && settings.config !== file) return undefined;
  const { servers } = await askForReport(sighting);
  return new Map(servers.map((line) => [line.name, line]));
}

function dataOf(
  entry: ServerEntry,
  states: ReadonlyMap<string, ServerLine> | undefined,
): Record<string, unknown> {
  const line = states?.get(entry.name);
  return {
    name: entry.name,
    kind: entry.kind,
    ...(entry.kind === "remote" ? { type: entry.type } : {}),
    reach: reachOf(entry),
    sharing: entry.sharing,
    usesProject: entry.kind === "stdio" && entry.usesProject,
    disabled: false,
    ...(entry.kind === "broken" ? { problem: entry.problem } : {}),
    ...(line === undefined
      ? {}
      : { state: line.state, clients: line.clients, reason: line.reason }),
  };
}

/** What the other columns do not say: why it does not run, and who said how it is shared. */
function noteOn(entry: ServerEntry, line: ServerLine | undefined): string {
  const { from, why } = entry.sharing;
  return [
    entry.kind === "broken" ? entry.problem : line?.reason?.split("\n")[0],
    from === "known" ? `${entry.sharing.mode} because ${why}` : undefined,
    from === "config" ? `${entry.sharing.mode} as configured` : undefined,
  ].filter((text) => text !== undefined).join("; ");
}

/** Columns under each other, empty ones left out; the last one as long as it is. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column]!))
      .filter((_, column) => widths[column]! > 0)
      .join("  ").trimEnd() + "\n"
  ).join("");
}
