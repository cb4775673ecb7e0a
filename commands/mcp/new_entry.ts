/**
 * From the arguments of `aichaku mcp add` to an entry of the configuration.
 *
 * @module
 */

import { resolve } from "@std/path";
import type { Json } from "../../server/config/edit_object.ts";
import { type ParsedArguments, usage } from "../arguments.ts";

/** What was given, apart from the name. */
export interface NewEntryOptions {
  /** Words behind the name, before `--`. */
  words: readonly string[];
  /** What stands behind `--`; undefined without one. */
  commandLine: readonly string[] | undefined;
  parsed: Pick<ParsedArguments, "flags" | "values" | "lists">;
  /** Where relative paths on the command line start. */
  cwd: string;
}

const COMMAND = { command: "aichaku mcp add" };
const TRANSPORTS = ["stdio", "http", "sse", "ws"];
const SHARINGS = ["auto", "shared", "serial", "session"];

/** The entry. @throws {UsageError} */
export function newEntry(options: NewEntryOptions): { [key: string]: Json } {
  const { parsed, words, commandLine } = options;
  const type = choice("transport", TRANSPORTS, parsed);
  const sharing = choice("sharing", SHARINGS, parsed);
  const isProcess = commandLine !== undefined;
  if (isProcess && words.length > 0) {
    throw usage(COMMAND, `"${words[0]}" stands before the --: put the whole command behind it`);
  }
  if (isProcess && type !== undefined && type !== "stdio") {
    throw usage(COMMAND, `a server over ${type} has a URL, not a command`);
  }
  return {
    ...(type === undefined ? {} : { type }),
    ...(isProcess ? processKeys(commandLine, options) : remoteKeys(type, options)),
    ...(sharing === undefined ? {} : { sharing }),
  };
}

function processKeys(
  [command, ...args]: readonly string[],
  { parsed, cwd }: NewEntryOptions,
): { [key: string]: Json } {
  if (command === undefined || command.trim() === "") {
    throw usage(COMMAND, "the command behind -- is missing");
  }
  if (parsed.lists.get("header")!.length > 0) {
    throw usage(COMMAND, "--header is for servers with a URL; for a command, use --env");
  }
  const usesProject = parsed.flags.has("project");
  // The daemon starts servers in another folder than this one. In a project "." means the project.
  const whole = (text: string) =>
    /^\.\.?(?:$|[/\\])/.test(text) && !usesProject ? resolve(cwd, text) : text;
  const isPath = /[/\\]/.test(command) && !/^[~$]/.test(command);
  const env = parsed.lists.get("env")!.map(variable);
  return {
    command: isPath ? resolve(cwd, command) : command,
    ...(args.length === 0 ? {} : { args: args.map(whole) }),
    ...(env.length === 0 ? {} : { env: Object.fromEntries(env) }),
    ...(usesProject ? { cwd: "${project}" } : {}),
  };
}

function remoteKeys(
  type: string | undefined,
  { words, parsed }: NewEntryOptions,
): { [key: string]: Json } {
  const [url, extra] = words;
  if (url === undefined) {
    throw usage(COMMAND, "say how to reach the server: a URL, or a command behind --");
  }
  if (type === "stdio" || !isUrl(url)) {
    throw usage(
      COMMAND,
      "what stands behind the name is no http, https, ws or wss URL; put a command behind --",
    );
  }
  if (extra !== undefined) throw usage(COMMAND, "there is more than one word behind the name");
  if (parsed.lists.get("env")!.length > 0) {
    throw usage(COMMAND, "--env is for servers with a command; for a URL, use --header");
  }
  if (parsed.flags.has("project")) {
    throw usage(COMMAND, "--project is for servers with a command; a URL has no project");
  }
  const headers = parsed.lists.get("header")!.map(header);
  return { url, ...(headers.length === 0 ? {} : { headers: Object.fromEntries(headers) }) };
}

/** Whether it can be one, once the variables in it are known. */
function isUrl(text: string): boolean {
  if (!/^(?:(?:https?|wss?):\/\/|\$\{)/i.test(text)) return false;
  return text.includes("${") || URL.canParse(text);
}

function choice(
  option: string,
  known: readonly string[],
  { values }: Pick<ParsedArguments, "values">,
): string | undefined {
  const value = values.get(option);
  if (value === undefined || known.includes(value)) return value;
  throw usage(COMMAND, `--${option} is "${value}": use one of ${known.join(", ")}`);
}

// Neither of the two shows what was given: a secret may stand there.

function variable(text: string): [string, string] {
  const [, name, value] = /^([^=\0]+)=(.*)$/s.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw usage(COMMAND, "--env must be NAME=value");
}

function header(text: string): [string, string] {
  const [, name, value] = /^([^:\s]+):\s*(.*?)\s*$/s.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw usage(COMMAND, '--header must be "Name: value"');
}
