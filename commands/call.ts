/**
 * `aichaku call SERVER TOOL`: calls a tool of a server, over the daemon when it runs. Arguments are
 * checked against the tool's schema before anything is called.
 *
 * @module
 */

import type { AichakuClient, CallToolResult, Progress, Tool } from "../client/mod.ts";
import type { JsonObject } from "../protocol/json.ts";
import { type ArgumentSpec, parseArguments, usage } from "./arguments.ts";
import { formatResult, shown } from "./call/print.ts";
import { tellFailure, withServer } from "./call/server_client.ts";
import { checkArguments, readJson, readPairs, WrongArguments } from "./call/tool_arguments.ts";
import { projectOf, timeoutOf } from "./call/values.ts";
import { type CommandContext, EXIT, rewritesLines, UsageError } from "./context.ts";
import { nearest } from "./nearest.ts";

const HELP = `Usage: aichaku call SERVER TOOL [key=value …] [options]
       aichaku call SERVER TOOL --args JSON
       aichaku call SERVER TOOL -             (the arguments as JSON on standard input)

Calls a tool. Values are read as the tool's schema types them; lists and objects are JSON, and
a key given several times is a list. See a server's tools with: aichaku tools SERVER

Options:
  --args JSON        The arguments as one JSON object
  --project DIR      The folder that is worked on, for servers that need one
  --timeout SECONDS  Give up after this time (default 600)
  --json             Print the whole result as JSON
  -h, --help         Print this help

Exit codes: 0 done, 1 the tool or the call failed, 2 wrong usage, 3 the daemon is not running.
`;

const SPEC: ArgumentSpec = {
  command: "aichaku call",
  flags: ["json"],
  values: ["args", "project", "timeout"],
};

/** Runs `aichaku call`. Returns the exit code. @throws {UsageError} */
export async function runCall(args: string[], context: CommandContext): Promise<number> {
  const { flags, values, words } = parseArguments(args, SPEC);
  if (flags.has("help")) {
    context.stdout(HELP);
    return EXIT.ok;
  }
  const [server, name, ...pairs] = words;
  if (server === undefined || name === undefined) throw usage(SPEC, "name a server and a tool");
  const given = await givenArguments(pairs, values.get("args"));
  const options = {
    server,
    project: projectOf(SPEC, values.get("project"), context),
    timeoutMs: timeoutOf(SPEC, values.get("timeout")),
  };
  try {
    return await withServer(options, context, async (client) => {
      const tool = await toolNamed(name, server, client);
      const toolArguments = typeof given === "function" ? given(tool.inputSchema) : given;
      await checkArguments(toolArguments, tool.inputSchema);
      const result = await call(client, { name, toolArguments }, context);
      return tellResult(result, flags.has("json"), context);
    });
  } catch (error) {
    if (error instanceof WrongArguments) {
      const text = `${SPEC.command}: ${name}: ${error.message}`;
      throw new UsageError(`${text}${/[?]$/.test(text) ? "" : "."} See: aichaku tools ${server}`);
    }
    if (error instanceof UsageError) throw error;
    if (error instanceof TypeError) throw usage(SPEC, error.message); // Of the client's constructor.
    return tellFailure(SPEC.command, error, context);
  }
}

/** The arguments; where they are pairs, what reads them once the schema is known. */
async function givenArguments(
  pairs: readonly string[],
  json: string | undefined,
): Promise<JsonObject | ((schema: JsonObject) => JsonObject)> {
  const ways = [json !== undefined, pairs.includes("-"), pairs.some((word) => word !== "-")];
  if (ways.filter((way) => way).length > 1) {
    throw usage(SPEC, "give the arguments as key=value, by --args or by -, not in two ways");
  }
  try {
    if (json !== undefined) return readJson(json, "--args");
    if (pairs.includes("-")) {
      return readJson(await new Response(Deno.stdin.readable).text(), "standard input");
    }
  } catch (error) {
    if (error instanceof WrongArguments) throw usage(SPEC, error.message);
    throw error;
  }
  return (schema) => readPairs(pairs, schema);
}

async function toolNamed(name: string, server: string, client: AichakuClient): Promise<Tool> {
  const tools = await client.listTools();
  const tool = tools.find((tool) => tool.name === name);
  if (tool !== undefined) return tool;
  const meant = nearest(name, tools.map(({ name }) => name));
  const hint = meant === undefined ? "" : ` Did you mean ${meant}?`;
  throw new UsageError(
    `${SPEC.command}: server ${server} has no tool "${name}".${hint} See: aichaku tools ${server}`,
  );
}

async function call(
  client: AichakuClient,
  { name, toolArguments }: { name: string; toolArguments: JsonObject },
  context: CommandContext,
): Promise<CallToolResult> {
  if (!rewritesLines(context)) return await client.callTool(name, toolArguments);
  let isShown = false;
  const onProgress = ({ progress, total, message }: Progress) => {
    const numbers = total === undefined ? `${progress}` : `${progress} of ${total}`;
    isShown = true;
    context.stderr(`\r\x1b[K${shown(`${numbers} ${message ?? ""}`).replaceAll("\n", " ")}`);
  };
  try {
    return await client.callTool(name, toolArguments, { onProgress });
  } finally {
    if (isShown) context.stderr("\r\x1b[K");
  }
}

function tellResult(
  result: CallToolResult,
  asJson: boolean,
  { stdout, stderr, isTerminal, isErrorTerminal }: CommandContext,
): number {
  const hasFailed = result.isError === true;
  if (asJson) stdout(`${JSON.stringify(result, null, 2)}\n`);
  else if (hasFailed) stderr(formatResult(result, isErrorTerminal) || "The tool failed.\n");
  else stdout(formatResult(result, isTerminal));
  return hasFailed ? EXIT.failed : EXIT.ok;
}
