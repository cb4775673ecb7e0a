/**
 * `aichaku mcp`: the daemon's commands. This file reads the arguments and chooses; each action has its
 * own file in `mcp/` and is loaded when it is chosen.
 *
 * An action is named by its option (`--start-server`) or as a subcommand (`start`); both are the same.
 *
 * @module
 */

import { type ArgumentSpec, parseArguments, type ParsedArguments, usage } from "./arguments.ts";
import { type CommandContext, EXIT } from "./context.ts";
import type { McpArguments } from "./mcp/shared.ts";
import { nearest } from "./nearest.ts";

const HELP = `Usage: aichaku mcp <action> [options]

Actions (as an option or as a subcommand):
  --start-server, start       Start the daemon and return when it answers
      --port N                Port to listen on; 0 lets the system choose (default 7182)
      --host H                Address to listen on (default 127.0.0.1)
      --config FILE           Configuration file (default config.json in AICHAKU_HOME)
      --foreground            Stay attached and log to standard error
  --stop-server, stop         Stop the daemon
      --force                 Kill a daemon that hangs
  --server-status, status     Tell whether it runs, and how its servers are
  --restart-server, restart   Stop and start; takes the options of --start-server, too
  --logs, logs                Print the end of the daemon's log
      --follow                Go on until interrupted
  --stdio, stdio              Serve a client that speaks only stdio; starts the daemon if need be
      --server NAME           Serve one server, under its own names (default: all together)
      --project DIR           Folder of the project, for servers that have one
  --print-config [CLIENT]     Print what to paste into a client's configuration: claude-code,
                              claude-desktop, cursor, vscode, codex, windsurf, gemini, generic
  add NAME -- COMMAND ARGS…   Add a server to the configuration; or: add NAME URL
  add-json NAME JSON          Add a server as it stands in a client's configuration
  remove NAME                 Take a server out of the configuration
  list                        List the servers of the configuration

Options:
  --json                      Print JSON
  -h, --help                  Print this help

After add, add-json, remove and list, --help tells their own options.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the daemon is not running.
`;

type Run = (given: McpArguments, context: CommandContext) => Promise<number>;

interface Action {
  /** Option that chooses it. */
  option: string;
  /** Subcommand that chooses it. */
  word: string;
  /** Options that go with it, beside `--json`. */
  takes: readonly string[];
  load(): Promise<Run>;
}

const START_OPTIONS = ["port", "host", "config"];

const ACTIONS: readonly Action[] = [
  {
    option: "start-server",
    word: "start",
    takes: [...START_OPTIONS, "foreground", "daemonized", "autostarted"],
    load: async () => (await import("./mcp/start.ts")).start,
  },
  {
    option: "stop-server",
    word: "stop",
    takes: ["force"],
    load: async () => (await import("./mcp/stop.ts")).stop,
  },
  {
    option: "server-status",
    word: "status",
    takes: [],
    load: async () => (await import("./mcp/status.ts")).status,
  },
  {
    option: "restart-server",
    word: "restart",
    takes: START_OPTIONS,
    load: async () => (await import("./mcp/restart.ts")).restart,
  },
  {
    option: "logs",
    word: "logs",
    takes: ["follow"],
    load: async () => (await import("./mcp/logs.ts")).logs,
  },
  {
    option: "stdio",
    word: "stdio",
    takes: [...START_OPTIONS, "server", "project"],
    load: async () => (await import("./mcp/stdio.ts")).stdio,
  },
  {
    option: "print-config",
    word: "print-config",
    takes: START_OPTIONS,
    load: async () => (await import("./mcp/print_config.ts")).printConfig,
  },
];

/** Actions on the configuration: subcommands with arguments of their own. */
const CONFIG_ACTIONS: Readonly<Record<string, () => Promise<RunConfigAction>>> = {
  "add": async () => (await import("./mcp/add.ts")).add,
  "add-json": async () => (await import("./mcp/add.ts")).addJson,
  "remove": async () => (await import("./mcp/remove.ts")).remove,
  "list": async () => (await import("./mcp/list.ts")).list,
};

type RunConfigAction = (args: readonly string[], context: CommandContext) => Promise<number>;

const SPEC: ArgumentSpec = {
  command: "aichaku mcp",
  flags: [...ACTIONS.map(({ option }) => option), "foreground", "force", "follow", "json"]
    .concat("daemonized", "autostarted"),
  values: [...START_OPTIONS, "server", "project", "serve-builtin"],
  // `--daemonized` is how a starter tells the process it spawned to log to the file, `--autostarted`
  // that no person asked for it, so that it ends when nobody uses it.
  hidden: ["daemonized", "autostarted", "serve-builtin"],
};

/** Runs `aichaku mcp`. Returns the exit code. @throws {UsageError} */
export async function runMcp(args: string[], context: CommandContext): Promise<number> {
  const word = firstWord(args);
  if (word !== undefined && Object.hasOwn(CONFIG_ACTIONS, args[word]!)) {
    const run = await CONFIG_ACTIONS[args[word]!]!();
    return await tellProblems(context, () => run(args.toSpliced(word, 1), context));
  }
  // The one option with an optional value; its value is a word like those of the subcommands.
  const spread = args.flatMap((arg) =>
    arg.startsWith("--print-config=") ? arg.split(/=(.*)/, 2) : [arg]
  );
  const parsed = parseArguments(spread, SPEC);
  if (parsed.flags.has("help")) {
    context.stdout(HELP);
    return EXIT.ok;
  }
  const builtin = parsed.values.get("serve-builtin");
  if (builtin !== undefined) {
    const { runServeBuiltin } = await import("./serve_builtin.ts");
    return await runServeBuiltin(builtin, context);
  }
  const { action, words } = chooseAction(parsed);
  checkOptions(action, parsed);
  if (words.length > (action.word === "print-config" ? 1 : 0)) {
    throw usage(SPEC, `unexpected argument "${words.at(-1)}"`);
  }
  const run = await action.load();
  return await tellProblems(context, () => run({ ...parsed, words }, context));
}

/** Where the first word is that is no option and no value of one. */
function firstWord(args: readonly string[]): number | undefined {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--") return undefined;
    if (!arg.startsWith("-")) return i;
    if (SPEC.values.includes(arg.replace(/^--/, ""))) i++;
  }
  return undefined;
}

function chooseAction(
  { flags, words }: ParsedArguments,
): { action: Action; words: readonly string[] } {
  const chosen = ACTIONS.filter(({ option }) => flags.has(option));
  if (chosen.length > 1) {
    throw usage(SPEC, `choose one of ${chosen.map(({ option }) => `--${option}`).join(", ")}`);
  }
  if (chosen.length === 1) return { action: chosen[0], words };
  if (words.length === 0) throw usage(SPEC, "say what to do");
  const action = ACTIONS.find(({ word }) => word === words[0]);
  if (action !== undefined) return { action, words: words.slice(1) };
  throw usage(
    SPEC,
    `unknown action "${words[0]}"`,
    nearest(words[0], [...ACTIONS.map(({ word }) => word), ...Object.keys(CONFIG_ACTIONS)]),
  );
}

function checkOptions(action: Action, { flags, values }: ParsedArguments): void {
  const allowed = new Set([action.option, "json", ...action.takes]);
  for (const name of [...flags, ...values.keys()]) {
    if (!allowed.has(name)) throw usage(SPEC, `--${name} does not go with --${action.option}`);
  }
}

/** Problems that a person must mend are told without a stack. */
async function tellProblems(
  context: CommandContext,
  run: () => Promise<number>,
): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Error) || !["DaemonProblem", "ConfigError"].includes(error.name)) {
      throw error;
    }
    context.stderr(`${error.message}\n`);
    return EXIT.failed;
  }
}
