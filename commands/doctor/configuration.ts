/**
 * The configuration: whether it can be read, and whether what it names can be started. Starts nothing.
 *
 * @module
 */

import { ConfigError, loadConfig } from "../../server/config/load.ts";
import { forProject } from "../../server/config/project.ts";
import type { Config, StdioEntry } from "../../server/config/types.ts";
import { childEnvironment } from "../../server/upstream/child_environment.ts";
import { broken, type Finding, fine, problem, warning } from "./finding.ts";
import { isOnPath } from "./on_path.ts";

/** Where the configuration is, and what decides how it is read. */
export interface ConfigurationOptions {
  /** Absolute path. */
  file: string;
  /** Whether somebody named that file, so that it must exist. */
  required: boolean;
  variables: Readonly<Record<string, string>>;
  userHome: string;
}

/** What was found, and the configuration if there is a usable one. */
export async function checkConfiguration(
  options: ConfigurationOptions,
): Promise<{ findings: Finding[]; config: Config | undefined }> {
  const { file, required, variables, userHome } = options;
  let config: Config;
  try {
    config = await loadConfig({ file, required, env: variables, home: userHome });
  } catch (error) {
    const findings = error instanceof ConfigError
      ? error.problems.map((text) => problem("configuration", text))
      : [broken("configuration", error)];
    return { findings, config: undefined };
  }
  const servers = [...config.servers.values()];
  const unusable = servers.filter(({ kind }) => kind === "broken").map(({ name }) => name);
  // Such a server is a warning to the daemon, which runs without it, and a problem to its user.
  const isTold = (text: string) =>
    unusable.some((name) => text.includes(`server ${JSON.stringify(name)} cannot run`));
  const findings = [
    ...config.warnings.filter((text) => !isTold(text)).map((text) =>
      warning("configuration", text)
    ),
    ...servers.flatMap((entry) => {
      if (entry.kind === "broken") {
        return [problem("configuration", `server ${entry.name}: ${entry.problem}`)];
      }
      return entry.kind === "stdio" ? startProblems(entry, options) : [];
    }),
  ];
  if (findings.every(({ level }) => level !== "problem")) {
    const names = [...config.servers.keys()].join(", ");
    findings.unshift(fine(
      "configuration",
      config.source === undefined
        ? `there is no ${file}; the built-in servers run (${names})`
        : `${file} is valid (servers: ${names})`,
    ));
  }
  return { findings, config };
}

function startProblems(written: StdioEntry, options: ConfigurationOptions): Finding[] {
  // Which project it will work on is not known here; any folder shows whether its program is there.
  const entry = forProject(written, options.userHome);
  const { name, command } = entry;
  const cwd = written.usesProject ? options.userHome : entry.cwd ?? options.userHome;
  if (!isFolder(cwd)) {
    return [problem(
      "configuration",
      `server ${name}: its folder ${cwd} does not exist`,
      `Make the folder, or correct "cwd" of this server.`,
    )];
  }
  const { variables } = options;
  const env = childEnvironment({ inherited: variables, entry: entry.env, instanceId: "" });
  const found = isOnPath(command, { path: env.PATH, cwd, pathExt: variables.PATHEXT });
  if (found) return [];
  // A command with spaces may be a whole command line, and hold a token.
  const shown = /\s/.test(command) ? "its command" : `its command ${JSON.stringify(command)}`;
  const [what, remedy] = command.includes("/")
    ? ["is no program that can be run", "Correct the path, or make the file one that may be run."]
    : ["cannot be found on the PATH", `Install it, or write its whole path into "command".`];
  return [problem("configuration", `server ${name}: ${shown} ${what}`, remedy)];
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false; // Missing, or not to be entered: nothing can be started there.
  }
}
