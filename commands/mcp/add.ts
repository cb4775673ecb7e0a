/**
 * `aichaku mcp add` and `aichaku mcp add-json`: a server for the configuration file.
 *
 * @module
 */

import { placeOfServer, withServer } from "../../server/config/edit_servers.ts";
import type { Json } from "../../server/config/edit_object.ts";
import { ConfigError } from "../../server/config/load.ts";
import { mapServerName } from "../../server/config/names.ts";
import { type ArgumentSpec, parseArguments, type ParsedArguments, usage } from "../arguments.ts";
import { type CommandContext, EXIT } from "../context.ts";
import { changeConfig, configFile, noteDaemon, warningsAbout } from "./change_config.ts";
import { newEntry } from "./new_entry.ts";

const OPTIONS = `      --force                 Replace a server of that name
      --config FILE           Configuration file (default config.json in AICHAKU_HOME)
      --json                  Print JSON
  -h, --help                  Print this help
`;

const ADD_HELP = `Usage: aichaku mcp add NAME [options] -- COMMAND [ARGS…]
       aichaku mcp add NAME [options] URL

Adds a server to the configuration. Comments, order and everything else in the file stay as they are;
the file as it was is kept as config.json.bak. A running daemon takes the server up by itself.

Options:
  -e, --env NAME=VALUE        Variable for the server's process; may be given several times
  -H, --header "NAME: VALUE"  HTTP header for a URL; may be given several times
  -t, --transport KIND        stdio, http, sse or ws (default: what the URL says)
      --sharing MODE          auto, shared, serial or session
      --project               Run it in the folder of each client's project, once for each
${OPTIONS}
Keep secrets out of the file: --env 'TOKEN=\${TOKEN}' refers to a variable, in single quotes.
Paths that begin with ./ or ../ are made whole, except with --project.

Examples:
  aichaku mcp add memory -- npx -y @modelcontextprotocol/server-memory
  aichaku mcp add docs --header 'Authorization: Bearer \${DOCS_TOKEN}' https://example.com/mcp
`;

const ADD_JSON_HELP = `Usage: aichaku mcp add-json NAME JSON [options]

Adds a server as it stands in the configuration of any client, such as
  aichaku mcp add-json memory '{"command":"npx","args":["-y","@modelcontextprotocol/server-memory"]}'

Options:
${OPTIONS}`;

const ADD: ArgumentSpec = {
  command: "aichaku mcp add",
  flags: ["project", "force", "json"],
  values: ["transport", "sharing", "config"],
  lists: ["env", "header"],
  short: { e: "env", H: "header", t: "transport" },
  aboutUnknown: "a command stands behind --, with its own options",
};

const ADD_JSON: ArgumentSpec = {
  command: "aichaku mcp add-json",
  flags: ["force", "json"],
  values: ["config"],
};

/** Runs `aichaku mcp add ARGS…`. @throws {UsageError} */
export async function add(args: readonly string[], context: CommandContext): Promise<number> {
  const dashes = args.indexOf("--");
  const parsed = parseArguments(dashes < 0 ? args : args.slice(0, dashes), ADD);
  if (parsed.flags.has("help")) return help(ADD_HELP, context);
  const [name, ...words] = parsed.words;
  checkName(name, ADD);
  const commandLine = dashes < 0 ? undefined : args.slice(dashes + 1);
  const entry = newEntry({ words, commandLine, parsed, cwd: context.cwd });
  return await addEntry({ name, entry, parsed }, context);
}

/** Runs `aichaku mcp add-json ARGS…`. @throws {UsageError} */
export async function addJson(args: readonly string[], context: CommandContext): Promise<number> {
  const parsed = parseArguments(args, ADD_JSON);
  if (parsed.flags.has("help")) return help(ADD_JSON_HELP, context);
  const [name, json, extra] = parsed.words;
  checkName(name, ADD_JSON);
  if (json === undefined) throw usage(ADD_JSON, "the JSON of the server is missing");
  if (extra !== undefined) {
    throw usage(ADD_JSON, "there is more than one word behind the name; quote the JSON");
  }
  return await addEntry({ name, entry: parseEntry(json), parsed }, context);
}

function help(text: string, { stdout }: CommandContext): number {
  stdout(text);
  return EXIT.ok;
}

function checkName(
  name: string | undefined,
  spec: { command: string },
): asserts name is string {
  if (name === undefined) throw usage(spec, "the name of the server is missing");
  const allowed = mapServerName(name);
  if (allowed === name) return;
  throw usage(
    spec,
    `"${name}" cannot be the name of a server, which has 1-64 of "A-Z a-z 0-9 . _ -", no "__", and ` +
      "is not reserved",
    allowed,
  );
}

function parseEntry(json: string): Json {
  let entry: unknown;
  try {
    entry = JSON.parse(json);
  } catch {
    // The message of the parser shows parts of the text, where a secret may stand.
    throw usage(ADD_JSON, "what stands behind the name is not valid JSON");
  }
  if (typeof entry === "object" && entry !== null && !Array.isArray(entry)) return entry as Json;
  throw usage(ADD_JSON, 'the JSON must be an object, such as {"command":"npx"}');
}

interface NewServer {
  name: string;
  entry: Json;
  parsed: ParsedArguments;
}

async function addEntry(
  { name, entry, parsed }: NewServer,
  context: CommandContext,
): Promise<number> {
  const file = configFile(parsed.values.get("config"), context);
  let replaced = false;
  const { outcome, backup, config } = await changeConfig(file, {
    context,
    edit(current) {
      const place = placeOfServer(current, name);
      replaced = place !== undefined;
      if (replaced && !parsed.flags.has("force")) {
        throw new ConfigError([
          `${place}: There is a server ${JSON.stringify(name)} already: choose another name, or ` +
          "replace it with --force.",
        ]);
      }
      return withServer(current, { name, entry });
    },
  });
  const warnings = warningsAbout(name, config);
  const { daemon, text } = await noteDaemon(file, context);
  if (parsed.flags.has("json")) {
    const done = replaced ? "replaced" : "added";
    context.stdout(
      JSON.stringify(
        { name, outcome: done, file, backup: backup ?? null, daemon, warnings },
        null,
        2,
      ) +
        "\n",
    );
    return EXIT.ok;
  }
  context.stdout(
    replaced ? `Replaced the server ${name} in ${file}\n` : `Added the server ${name} to ${file}\n`,
  );
  context.stdout(text);
  for (const warning of warnings) context.stderr(`${warning}\n`);
  if (outcome === "created" && name !== "sample") {
    context.stderr(
      "Now that there is a configuration, the built-in server sample runs only when it is in it: " +
        `aichaku mcp add-json sample '{"type":"builtin"}'\n`,
    );
  }
  return EXIT.ok;
}
