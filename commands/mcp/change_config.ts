/**
 * What the actions that change the configuration share: which file, the check before anything is
 * written, and what becomes of a daemon that runs.
 *
 * @module
 */

import { resolve } from "@std/path";
import { ConfigError, parseConfig } from "../../server/config/load.ts";
import type { ConfigText } from "../../server/config/edit_servers.ts";
import type { Config } from "../../server/config/types.ts";
import { find } from "../../server/daemon/find.ts";
import { fileSystemProblem } from "../../server/daemon/problem.ts";
import type { CommandContext } from "../context.ts";
import { rewriteFile, type Rewritten } from "./rewrite_file.ts";
import { whereToLook } from "./shared.ts";

/** The file that `--config` or `AICHAKU_CONFIG` names, else the one in the home; absolute. */
export function configFile(named: string | undefined, context: CommandContext): string {
  const given = named ?? context.env.config;
  return given === undefined ? whereToLook(context).paths.configFile : resolve(context.cwd, given);
}

/** What a change came to. */
export interface Changed extends Rewritten {
  /** The configuration as it is now. */
  config: Config;
}

/**
 * Changes the file. A text that is no valid configuration is never written.
 *
 * @throws {ConfigError} When the file is no valid configuration, or would not be one afterwards.
 * @throws {DaemonProblem} When the file cannot be read or written.
 */
export async function changeConfig(
  file: string,
  { edit, context }: { edit(current: ConfigText): string; context: CommandContext },
): Promise<Changed> {
  const { userHome: home, variables } = context.env;
  const env = variables();
  let config: Config | undefined;
  try {
    const rewritten = await rewriteFile({
      file,
      async edit(text) {
        const next = edit({ file, text });
        config = await parsed(next);
        return next;
      },
    });
    return { ...rewritten, config: config! };
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw fileSystemProblem(error, `Cannot change ${file}`) ?? error;
  }

  /** Lines and columns are those of the text as it would be. */
  async function parsed(text: string): Promise<Config> {
    try {
      return await parseConfig(text, { file, env, home });
    } catch (cause) {
      if (!(cause instanceof ConfigError)) throw cause;
      throw new ConfigError([...cause.problems, "Nothing was written."], { cause });
    }
  }
}

/** Whether a daemon runs and reads this file, for a program and for a person. */
export interface DaemonNote {
  daemon: "not running" | "reads this file" | "reads another file";
  /** A sentence with its line end; empty when there is nothing to say. */
  text: string;
}

/** Looks whether a daemon runs that this file matters to. Never starts one. */
export async function noteDaemon(file: string, context: CommandContext): Promise<DaemonNote> {
  const sighting = await find(whereToLook(context));
  if (sighting.kind !== "running") return { daemon: "not running", text: "" };
  const other = sighting.announcement.settings?.config;
  if (other === undefined || other === file) {
    return { daemon: "reads this file", text: "The running daemon takes it up by itself.\n" };
  }
  return {
    daemon: "reads another file",
    text: `The running daemon does not see it: it reads ${other}.\n`,
  };
}

/** The warnings about one server, without its neighbours'. */
export function warningsAbout(name: string, { warnings }: Config): string[] {
  return warnings.filter((text) => text.includes(`server ${JSON.stringify(name)}`));
}
