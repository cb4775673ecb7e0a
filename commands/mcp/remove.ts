/**
 * `aichaku mcp remove`: takes a server out of the configuration file.
 *
 * @module
 */

import { withoutServer } from "../../server/config/edit_servers.ts";
import { ConfigError } from "../../server/config/load.ts";
import { type ArgumentSpec, parseArguments, usage } from "../arguments.ts";
import { type CommandContext, EXIT } from "../context.ts";
import { changeConfig, configFile, noteDaemon } from "./change_config.ts";

const HELP = `Usage: aichaku mcp remove NAME [options]

Takes a server out of the configuration. Comments, order and everything else in the file stay as they
are; the file as it was is kept as config.json.bak. A running daemon stops the server by itself.

Options:
      --config FILE           Configuration file (default config.json in AICHAKU_HOME)
      --json                  Print JSON
  -h, --help                  Print this help
`;

const SPEC: ArgumentSpec = {
  command: "aichaku mcp remove",
  flags: ["json"],
  values: ["config"],
  maxWords: 1,
};

/** Runs `aichaku mcp remove ARGS…`. @throws {UsageError} */
export async function remove(args: readonly string[], context: CommandContext): Promise<number> {
  const { flags, values, words: [name] } = parseArguments(args, SPEC);
  if (flags.has("help")) {
    context.stdout(HELP);
    return EXIT.ok;
  }
  if (name === undefined) throw usage(SPEC, "the name of the server is missing");
  const file = configFile(values.get("config"), context);
  const { backup, config } = await changeConfig(file, {
    context,
    edit(current) {
      const rest = current.text.trim() === "" ? undefined : withoutServer(current, name);
      if (rest === undefined) throw missing(name, file);
      return rest;
    },
  });
  const { daemon, text } = await noteDaemon(file, context);
  if (flags.has("json")) {
    const result = { name, outcome: "removed", file, backup: backup ?? null, daemon };
    context.stdout(JSON.stringify(result, null, 2) + "\n");
    return EXIT.ok;
  }
  context.stdout(`Removed the server ${name} from ${file}\n${text}`);
  if (config.servers.has(name)) {
    context.stdout(`The built-in server ${name} runs in its place.\n`);
  }
  return EXIT.ok;
}

function missing(name: string, file: string): ConfigError {
  const isBuiltin = name === "reviewer" || name === "sample";
  const remedy = isBuiltin
    ? `it is built in; to switch it off: aichaku mcp add-json ${name} '{"disabled":true}'`
    : "to see which there are: aichaku mcp list";
  return new ConfigError([`${file}: There is no server ${JSON.stringify(name)} in it: ${remedy}.`]);
}
