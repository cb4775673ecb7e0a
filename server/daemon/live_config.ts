/**
 * The configuration of a daemon through its life: read at the start, read again when the file changes or
 * somebody asks, together with the environment that it refers to.
 *
 * Guarantees: the start waits for nothing but the file, unless the file cannot be used without a
 * variable that only the login shell may know. What else the login shell knows is filled in by a reload
 * as soon as it answers. A file that is gone is one that cannot be used: what runs stays.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { type LoginShellOptions, loginShellVariables } from "../../platform/login_shell.ts";
import { ConfigError, loadConfig, type Override } from "../config/load.ts";
import type { Config } from "../config/types.ts";
import { fingerprint, watchConfig } from "../config/watch.ts";
import type { ConfigurationStatus, ReloadOutcome, ReloadReport } from "./app.ts";
import type { Logger } from "./log.ts";
import { Reloader } from "./reload.ts";
import { noteWanted, UserEnvironment, type Variables } from "./user_environment.ts";

/** Options of {@linkcode LiveConfig.load}. */
export interface LiveConfigOptions {
  /** Path of the file; absolute. */
  file: string;
  /** Whether somebody named the file, so that it must be there from the start. */
  required: boolean;
  /** What the command line says over the file. */
  override: Override;
  /** The environment of this process. */
  variables: Variables;
  /** The user's home folder. */
  home: string;
  log: Logger;
  clock: Clock;
  /** Takes note of the login shell while it is asked. */
  children: LoginShellOptions["children"];
  /** Asks the login shell. Default {@linkcode loginShellVariables}. */
  askShell?: typeof loginShellVariables;
}

/** What came of reading the file. */
interface Reading {
  config: Config;
  /** What it refers to that the login shell may know better; nothing when the shell was asked before. */
  wanted: ReadonlySet<string>;
}

/** See the module. */
export class LiveConfig implements AsyncDisposable {
  /** What the file said when it was first read. */
  initial!: Config;
  readonly #options: LiveConfigOptions;
  readonly #environment: UserEnvironment;
  /** Names of the first reading that the login shell may know better. */
  #wanted: ReadonlySet<string> = new Set();
  #fingerprint = "";
  #required: boolean;
  /** Windows has no login shells. */
  #mayAsk = Deno.build.os !== "windows";
  #reloader: Reloader | undefined;
  #watch: AsyncDisposable | undefined;

  private constructor(options: LiveConfigOptions) {
    this.#options = options;
    this.#required = options.required;
    const { variables, home, clock, children, log, askShell = loginShellVariables } = options;
    this.#environment = new UserEnvironment({
      own: variables,
      log,
      askShell: async (signal) =>
        this.#mayAsk ? await askShell({ variables, home, clock, children, signal }) : undefined,
    });
  }

  /**
   * Reads the configuration for the first time.
   *
   * @throws {ConfigError} when it cannot be used.
   */
  static async load(options: LiveConfigOptions): Promise<LiveConfig> {
    const live = new LiveConfig(options);
    try {
      // Before it is read: a change from here on is noticed by the watch.
      live.#fingerprint = await fingerprint(options.file);
      const { config, wanted } = await live.#read();
      live.initial = config;
      live.#wanted = wanted;
      live.#mayAsk &&= config.server.loginShell;
      return live;
    } catch (error) {
      await live[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** See `AppOptions.childVariables`. */
  childVariables(): Promise<Variables> {
    return this.#environment.forChildren();
  }

  /** From here on changes are applied. */
  begin(apply: (config: Config) => ReloadReport): void {
    const { log, file, clock } = this.#options;
    this.#reloader = new Reloader({
      initial: this.initial,
      log,
      apply,
      load: () => this.#readCompletely(),
    });
    this.#watch = watchConfig({
      file,
      clock,
      known: this.#fingerprint,
      onChange: () => void this.#reloader?.request(`${file} changed`),
    });
    const hasChildren = this.initial.servers.values().some(({ kind }) => kind === "stdio");
    if (hasChildren || this.#wanted.size > 0) void this.#completeInBackground();
  }

  /** See `AppOptions.requestReload`. */
  async requestReload(reason: string): Promise<ReloadOutcome> {
    if (this.#reloader === undefined) return { kind: "kept", problem: "the daemon is starting" };
    // Somebody wants everything as it is now, also what a busy machine was too slow for.
    this.#environment.askAgain();
    return await this.#reloader.request(reason);
  }

  /** See `AppOptions.configuration`. */
  status(): ConfigurationStatus {
    const problem = this.#reloader?.problem;
    return {
      file: this.#options.file,
      ...(problem === undefined ? {} : { problem }),
      restart: this.#reloader?.restart ?? [],
    };
  }

  /** From here on nothing changes any more. */
  end(): void {
    this.#reloader?.end("the daemon is stopping");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end();
    await Promise.all([
      this.#watch?.[Symbol.asyncDispose](),
      this.#environment[Symbol.asyncDispose](),
    ]);
  }

  /** Reads the file with what is known of the environment by now. */
  async #read(): Promise<Reading> {
    const { file, home, override } = this.#options;
    // Now: the shell may answer while the file is read.
    const { isComplete } = this.#environment;
    const noted = noteWanted(this.#environment.forReferences());
    const required = this.#required;
    try {
      const config = await loadConfig({ file, required, env: noted.variables, home, override });
      // Once there was a file, its absence means nothing good.
      if (config.source !== undefined) this.#required = true;
      return { config, wanted: isComplete ? new Set() : noted.wanted };
    } catch (error) {
      const mayHelp = noted.wanted.size > 0 && !isComplete;
      if (!(error instanceof ConfigError) || !mayHelp) throw error;
      await this.#environment.complete();
      return await this.#read();
    }
  }

  /** Reads the file with everything the login shell knows, if the file refers to any of it. */
  async #readCompletely(): Promise<Config> {
    const { config, wanted } = await this.#read();
    if (wanted.size === 0) return config;
    await this.#environment.complete();
    return this.#environment.adds(wanted) ? (await this.#read()).config : config;
  }

  async #completeInBackground(): Promise<void> {
    await this.#environment.complete();
    if (this.#environment.adds(this.#wanted)) {
      await this.#reloader?.request("the login shell told its variables");
    }
  }
}
