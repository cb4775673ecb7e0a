/**
 * `aichaku tools [SERVER]`: which tools there are, and what they take.
 *
 * @module
 */

import type { Tool } from "../client/mod.ts";
import { type ArgumentSpec, parseArguments, usage } from "./arguments.ts";
import { tellFailure, withServer } from "./call/server_client.ts";
import { describeType } from "./call/tool_arguments.ts";
import { projectOf, timeoutOf } from "./call/values.ts";
import { type CommandContext, EXIT } from "./context.ts";
import { visible } from "./review/format_pretty.ts";

const HELP = `Usage: aichaku tools [SERVER] [options]

Lists the tools of a server with what they take; without a server, those of all servers of the
daemon, named server__tool, and says which servers had to be left out.

Options:
  --project DIR      The folder that is worked on, for servers that need one
  --timeout SECONDS  Give up after this time (default 600)
  --json             Print the tools as the server describes them
  -h, --help         Print this help
`;

const SPEC: ArgumentSpec = {
  command: "aichaku tools",
  flags: ["json"],
  values: ["project", "timeout"],
  maxWords: 1,
};

/** Runs `aichaku tools`. Returns the exit code. @throws {UsageError} */
export async function runTools(args: string[], context: CommandContext): Promise<number> {
  const { flags, values, words: [server] } = parseArguments(args, SPEC);
  if (flags.has("help")) {
    context.stdout(HELP);
    return EXIT.ok;
  }
  const options = {
    server,
    project: projectOf(SPEC, values.get("project"), context),
    timeoutMs: timeoutOf(SPEC, values.get("timeout")),
  };
  try {
    const tools = await withServer(options, context, (client) => client.listTools());
    context.stdout(flags.has("json") ? `${JSON.stringify(tools, null, 2)}\n` : formatTools(tools));
    if (server === undefined) {
      const { tellLeftOut } = await import("./call/left_out.ts");
      await tellLeftOut(tools.map(({ name }) => name), context);
    }
    return EXIT.ok;
  } catch (error) {
    if (error instanceof TypeError) throw usage(SPEC, error.message); // Of the client's constructor.
    return tellFailure(SPEC.command, error, context);
  }
}

/** Each tool with its first line of description and its arguments. Exported for its test. */
export function formatTools(tools: readonly Tool[]): string {
  if (tools.length === 0) return "No tools.\n";
  return tools.map(formatTool).join("\n");
}

function formatTool({ name, description, inputSchema }: Tool): string {
  const properties = Object.entries((inputSchema?.properties ?? {}) as Record<string, object>);
  const required = Array.isArray(inputSchema?.required) ? inputSchema.required : [];
  const width = Math.max(0, ...properties.map(([key]) => key.length));
  const lines = properties.map(([key, schema]) => {
    const property = schema as Record<string, unknown>;
    const need = required.includes(key) ? ", required" : "";
    const about = firstLine(property.description);
    return `    ${key.padEnd(width)}  ${describeType(property)}${need}${about && `: ${about}`}`;
  });
  const about = firstLine(description);
  return [name, ...(about === "" ? [] : [`  ${about}`]), ...lines].map(visible).join("\n") + "\n";
}

function firstLine(text: unknown): string {
  return typeof text === "string" ? text.trim().split("\n")[0] : "";
}
