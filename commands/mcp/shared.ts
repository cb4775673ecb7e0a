/**
 * What the actions of `aichaku mcp` share: where to look for the daemon, which settings the user gave.
 *
 * @module
 */

import { resolve } from "@std/path";
import { machineId } from "../../platform/machine_id.ts";
import { homePaths } from "../../platform/paths.ts";
import type { LookOptions } from "../../server/daemon/find.ts";
import { type ParsedArguments, parsePort } from "../arguments.ts";
import { type CommandContext, UsageError } from "../context.ts";

/** The arguments of an action. `words` has what follows a subcommand. */
export type McpArguments = ParsedArguments;

/** Where the daemon of this user is looked for. */
export function whereToLook({ env }: CommandContext): LookOptions {
  return { paths: homePaths(env.home, machineId()), envToken: env.token };
}

/** Settings that a person gave, on the command line or in the environment. */
export interface GivenSettings {
  host?: string;
  port?: number;
  /** Absolute. */
  config?: string;
}

/** The settings given: an option counts more than its variable. @throws {UsageError} */
export function givenSettings(
  { values }: McpArguments,
  { env, cwd }: CommandContext,
): GivenSettings {
  const given: GivenSettings = {};
  const host = values.get("host");
  if (host !== undefined) given.host = host;
  const port = values.get("port");
  if (port !== undefined) given.port = parsePort(port, "--port");
  else if (env.port !== undefined) given.port = parsePort(env.port, "AICHAKU_PORT");
  const config = values.get("config") ?? env.config;
  if (config !== undefined) given.config = resolve(cwd, config);
  return given;
}

/** The arguments that give a daemon these settings. */
export function settingsArguments({ host, port, config }: GivenSettings): string[] {
  return [
    ...(host === undefined ? [] : ["--host", host]),
    ...(port === undefined ? [] : ["--port", String(port)]),
    ...(config === undefined ? [] : ["--config", config]),
  ];
}

/** One of the names in `known`, or wrong usage. */
export function oneOf<T>(name: string, known: ReadonlyMap<string, T>): T {
  const value = known.get(name);
  if (value === undefined) {
    throw new UsageError(
      `Unknown client "${name}": choose one of ${[...known.keys()].join(", ")}.`,
    );
  }
  return value;
}
