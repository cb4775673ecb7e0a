/**
 * Reading the configuration again while the daemon runs: all of it takes effect, or nothing does.
 *
 * Guarantees: one reload at a time, and what was last asked for is what is read last; a file that cannot
 * be used changes nothing, is logged, and is remembered for the status until a reload succeeds.
 *
 * @module
 */

import { ConfigError } from "../config/load.ts";
import type { Config, ServerSettings } from "../config/types.ts";
import type { ReloadOutcome, ReloadReport } from "./app.ts";
import type { Logger } from "./log.ts";
import { DaemonProblem } from "./problem.ts";

/** Options of {@linkcode Reloader}. */
export interface ReloaderOptions {
  /** Reads the file. @throws {ConfigError} when it cannot be used. */
  load(): Promise<Config>;
  /** Goes over to it, all or nothing. @throws {DaemonProblem} when that is not possible. */
  apply(config: Config): ReloadReport;
  /** What runs now: its warnings are not repeated. */
  initial: Config;
  log: Logger;
}

/** See the module. */
export class Reloader {
  readonly #options: ReloaderOptions;
  #running: Promise<ReloadOutcome> | undefined;
  /** Asked for after the file was opened: what is being read may be older than that. */
  #again = false;
  #ended: string | undefined;
  #warned: ReadonlySet<string>;
  #problem: string | undefined;
  #restart: readonly string[] = [];

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#warned = new Set(options.initial.warnings);
  }

  /** Why the last reload changed nothing; undefined when it did what it should. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Settings of the last configuration that wait for a restart. */
  get restart(): readonly string[] {
    return this.#restart;
  }

  /** Reads the configuration again. Never rejects. */
  request(reason: string): Promise<ReloadOutcome> {
    this.#again = true;
    return this.#running ??= this.#run(reason);
  }

  /** From here on nothing changes any more. */
  end(reason: string): void {
    this.#ended = reason;
  }

  async #run(reason: string): Promise<ReloadOutcome> {
    let loaded: Config | Error;
    do {
      this.#again = false;
      loaded = await this.#load();
    } while (this.#again && this.#ended === undefined);
    // Whoever asks from here on asks for another one: until the end nothing is awaited.
    this.#running = undefined;
    if (this.#ended !== undefined) return { kind: "kept", problem: this.#ended };
    if (loaded instanceof Error) return this.#keep(loaded, reason);
    try {
      return this.#apply(loaded, reason);
    } catch (error) {
      return this.#keep(asError(error), reason);
    }
  }

  async #load(): Promise<Config | Error> {
    try {
      return await this.#options.load();
    } catch (error) {
      return asError(error);
    }
  }

  #keep(error: Error, reason: string): ReloadOutcome {
    const isExpected = error instanceof ConfigError || error instanceof DaemonProblem;
    this.#problem = error.message;
    this.#options.log.error("configuration not reloaded: what runs stays as it is", {
      reason,
      problem: error.message,
      ...(isExpected ? {} : { error }),
    });
    return { kind: "kept", problem: error.message };
  }

  #apply(config: Config, reason: string): ReloadOutcome {
    const { apply, log } = this.#options;
    const report = apply(config);
    this.#problem = undefined;
    this.#restart = report.restart;
    const { added, removed, changed, unchanged, restart } = report;
    log.info("configuration reloaded", {
      reason,
      added,
      removed,
      changed,
      unchanged: unchanged.length,
    });
    for (const warning of config.warnings) if (!this.#warned.has(warning)) log.warn(warning);
    this.#warned = new Set(config.warnings);
    if (restart.length > 0) {
      log.warn(`${restart.join(", ")}: applied by the next restart (aichaku mcp --restart-server)`);
    }
    return { kind: "reloaded", report };
  }
}

/** Settings that a reload applies. Every other one is said to need a restart until it is named here. */
const LIVE: ReadonlySet<string> = new Set([
  "server.idleTimeoutMs",
  "server.projectRoots",
  "server.allowedHosts",
  "server.allowedOrigins",
  "server.limits.maxBodyBytes",
  "server.limits.maxSessions",
  "server.limits.maxCallsPerSession",
  "server.limits.maxQueuedPerSession",
  "server.limits.maxCallsPerServer",
  "server.limits.maxInstancesPerServer",
  "server.limits.maxStreamEvents",
  "server.limits.maxStreamBytes",
]);

/** Settings in which two configurations differ and that a reload does not apply, such as `server.port`. */
export function needsRestart(runs: ServerSettings, wanted: ServerSettings): string[] {
  const [before, after] = [valuesOf(runs), valuesOf(wanted)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => !LIVE.has(name) && before.get(name) !== after.get(name));
}

/** The settings by their names in the file, as text. */
function valuesOf({ limits, ...settings }: ServerSettings): Map<string, string | undefined> {
  const named = [
    ...Object.entries(settings).map(([name, value]) => [`server.${name}`, value] as const),
    ...Object.entries(limits).map(([name, value]) => [`server.limits.${name}`, value] as const),
  ];
  return new Map(named.map(([name, value]) => [name, JSON.stringify(value)]));
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
