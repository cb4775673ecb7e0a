/**
 * The entry of the program: reads the environment, chooses a command, turns what it throws into a text
 * and an exit code. Every command is loaded when it is chosen, because start-up time is what a user of
 * the command line feels most.
 *
 * @module
 */

import { type CommandContext, EXIT, ToldToEnd, UsageError } from "./commands/context.ts";
import { OutputError, writeWhole } from "./commands/output.ts";
import { homeFolder } from "./platform/home_folder.ts";
import { selfCommand } from "./platform/self.ts";
import { VERSION } from "./protocol/version.ts";

interface Command {
  summary: string;
  run(args: string[], context: CommandContext): Promise<number>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  mcp: {
    summary: "Start, stop and inspect the daemon that shares MCP servers",
    run: async (args, context) => (await import("./commands/mcp.ts")).runMcp(args, context),
  },
  review: {
    summary: "Review files through the reviewer server",
    run: async (args, context) => (await import("./commands/review.ts")).runReview(args, context),
  },
  tools: {
    summary: "List the tools of a server, or of all",
    run: async (args, context) => (await import("./commands/tools.ts")).runTools(args, context),
  },
  call: {
    summary: "Call a tool of a server",
    run: async (args, context) => (await import("./commands/call.ts")).runCall(args, context),
  },
  doctor: {
    summary: "Tell what is wrong with this installation, and how to mend it",
    run: async (args, context) => (await import("./commands/doctor.ts")).runDoctor(args, context),
  },
};

const GLOBAL_OPTIONS = ["--help", "--version", "--json"];

/** Runs the program. Returns the exit code. */
async function main(args: string[], context: CommandContext): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined) {
    context.stderr(help());
    return EXIT.usage;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    const [command] = rest;
    if (command !== undefined && Object.hasOwn(COMMANDS, command)) {
      return await COMMANDS[command].run(["--help"], context);
    }
    context.stdout(help());
    return EXIT.ok;
  }
  if (name === "--version" || name === "-V") {
    if (!rest.includes("--json")) {
      context.stdout(`aichaku ${VERSION}\n`);
      return EXIT.ok;
    }
    const { versionFacts } = await import("./commands/version.ts");
    context.stdout(`${JSON.stringify(versionFacts())}\n`);
    return EXIT.ok;
  }
  if (Object.hasOwn(COMMANDS, name)) return await COMMANDS[name].run(rest, context);
  // `aichaku --json mcp status` means the same as `aichaku mcp --json status`. Not at the end: what
  // stands behind `--` belongs to somebody else.
  if (name === "--json" && rest.length > 0) {
    return await main(rest.toSpliced(1, 0, name), context);
  }
  const { nearest } = await import("./commands/nearest.ts");
  const isOption = name.startsWith("-");
  const meant = nearest(name, isOption ? GLOBAL_OPTIONS : Object.keys(COMMANDS));
  throw new UsageError(
    `aichaku: unknown ${isOption ? "option" : "command"} ${isOption ? name : `"${name}"`}.` +
      `${meant === undefined ? "" : ` Did you mean ${meant}?`} See: aichaku --help`,
  );
}

function help(): string {
  const commands = Object.entries(COMMANDS).map(([name, { summary }]) =>
    `  ${name.padEnd(8)}  ${summary}`
  );
  return `aichaku ${VERSION}: each MCP server once, shared by every AI tool on this machine

Usage: aichaku <command> [options]

Commands:
${commands.join("\n")}

Options:
  -h, --help     Print help; after a command, the help of that command
  -V, --version  Print the version
      --json     Print JSON, where a command has data to print

Environment: AICHAKU_HOME, AICHAKU_PORT, AICHAKU_CONFIG, AICHAKU_TOKEN, AICHAKU_BIN,
AICHAKU_AUTOSTART, NO_COLOR
`;
}

/** Everything the program takes from its surroundings. */
async function readContext(): Promise<CommandContext> {
  const isTerminal = Deno.stdout.isTerminal();
  const cwd = currentFolder();
  // Without HOME the system's own record of the user, as in the SDK: both must find the same daemon.
  const userHome = variable("HOME") ?? variable("USERPROFILE") ??
    (await import("node:os")).homedir();
  const separator = Deno.build.os === "windows" ? "\\" : "/";
  return {
    stdout: (text) => writeWhole(Deno.stdout, text, "standard output"),
    stderr: (text) => writeWhole(Deno.stderr, text, "standard error"),
    isTerminal,
    isErrorTerminal: Deno.stderr.isTerminal(),
    noColor: variable("NO_COLOR") !== undefined || !isTerminal || variable("TERM") === "dumb",
    cwd,
    self: selfCommand(import.meta),
    env: {
      home: homeFolder(variable("AICHAKU_HOME"), userHome, separator),
      userHome,
      port: variable("AICHAKU_PORT"),
      config: variable("AICHAKU_CONFIG"),
      token: variable("AICHAKU_TOKEN"),
      bin: variable("AICHAKU_BIN"),
      autostart: ["1", "true", "yes"].includes(variable("AICHAKU_AUTOSTART")?.toLowerCase() ?? ""),
      variables: () => Deno.env.toObject(),
    },
  };
}

/** A variable that is set and not empty. */
function variable(name: string): string | undefined {
  return Deno.env.get(name) || undefined;
}

function currentFolder(): string {
  try {
    return Deno.cwd();
  } catch {
    return "/"; // It was deleted under us; absolute paths still work.
  }
}

/** What a command threw, as a text and an exit code. */
function failure(error: unknown, context: CommandContext): number {
  // `aichaku … | head`: nobody reads any more, and there is nobody to tell.
  if (error instanceof Deno.errors.BrokenPipe) return EXIT.failed;
  if (error instanceof ToldToEnd) return error.exitCode;
  try {
    context.stderr(failureText(error));
  } catch (lost) {
    // Standard error cannot be written to either: the exit code is all that is left.
    if (!(lost instanceof OutputError || lost instanceof Deno.errors.BrokenPipe)) throw lost;
  }
  return error instanceof UsageError ? EXIT.usage : EXIT.failed;
}

function failureText(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n`;
  if (error instanceof OutputError) return `aichaku: ${error.message}\n`;
  const text = error instanceof Error ? error.stack ?? error.message : String(error);
  return `aichaku: unexpected error, please report it: ${text}\n`;
}

if (import.meta.main) {
  const context = await readContext();
  let code: number;
  try {
    code = await main(Deno.args, context);
  } catch (error) {
    code = failure(error, context);
  }
  Deno.exit(code);
}
