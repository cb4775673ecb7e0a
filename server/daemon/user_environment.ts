/**
 * The user's environment as the daemon knows it: its own, which is that of whoever happened to start it
 * first, and the login shell's, which is always the same. The shell is asked once, and only when somebody
 * needs its answer.
 *
 * Which one wins:
 *
 * - Children get the login shell's variables where it has them, and the daemon's own where it has not.
 *   The PATH is the login shell's folders first and then those that only the daemon knows: a command
 *   that the login shell finds is the same whoever started the daemon, and nothing is lost.
 * - A reference `${VAR}` in the configuration is the daemon's own variable where it has it, so that what
 *   somebody sets for a start counts (`TOKEN=… aichaku mcp --start-server`); else the login shell's.
 *   `${PATH}` is the PATH that children get.
 * - Where the login shell cannot be asked or does not answer, everything is the daemon's own.
 *
 * @module
 */

import type { LoginShellOutcome } from "../../platform/login_shell.ts";
import type { Logger } from "./log.ts";

/** Variables by name. */
export type Variables = Readonly<Record<string, string>>;

/** Options of {@linkcode UserEnvironment}. */
export interface UserEnvironmentOptions {
  /** The environment of this process. */
  own: Variables;
  /**
   * Asks the login shell; gives undefined when it is not to be asked. Settles by itself, and never
   * rejects.
   */
  askShell(signal: AbortSignal): Promise<LoginShellOutcome | undefined>;
  log: Logger;
  /** What parts the folders of a PATH. Default this system's. */
  delimiter?: string;
}

/** See the module. */
export class UserEnvironment implements AsyncDisposable {
  readonly #options: UserEnvironmentOptions;
  readonly #abort = new AbortController();
  #asked: Promise<void> | undefined;
  #complete = false;
  /** What it said; undefined as long as it was not asked, and when it did not answer. */
  #login: Variables | undefined;

  constructor(options: UserEnvironmentOptions) {
    this.#options = options;
  }

  /** Whether the login shell was asked, and answered or not. */
  get isComplete(): boolean {
    return this.#complete;
  }

  /**
   * Asks the login shell, unless that was done. Settles in ten seconds at the latest, also when it does
   * not answer; never rejects.
   */
  complete(): Promise<void> {
    return this.#asked ??= this.#ask();
  }

  /** Lets the login shell be asked once more if it did not answer: the machine may have been busy. */
  askAgain(): void {
    if (!this.#complete || this.#login !== undefined) return;
    this.#asked = undefined;
    this.#complete = false;
  }

  /** What children are given, once everything is known. */
  async forChildren(): Promise<Variables> {
    await this.complete();
    return { ...this.#options.own, ...this.#login, ...this.#path() };
  }

  /** What references resolve from, as far as it is known by now. */
  forReferences(): Variables {
    return { ...this.#login, ...this.#options.own, ...this.#path() };
  }

  /** Whether the login shell knows one of these better than this process. */
  adds(names: Iterable<string>): boolean {
    const { own } = this.#options;
    const all = this.forReferences();
    return [...names].some((name) => Object.hasOwn(all, name) && all[name] !== own[name]);
  }

  /** Ends the shell if it is still being asked. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#asked;
  }

  async #ask(): Promise<void> {
    const { askShell, log, own } = this.#options;
    const outcome = await askShell(this.#abort.signal);
    this.#complete = true;
    if (outcome === undefined || this.#abort.signal.aborted) return;
    if ("variables" in outcome) this.#login = outcome.variables;
    else {
      // Without SHELL there is nothing amiss; otherwise its user expects it to be asked.
      const level = own.SHELL ? "warn" : "info";
      log[level]("servers are started with the daemon's own environment", {
        reason: outcome.problem,
      });
    }
  }

  #path(): { PATH?: string } {
    const { own, delimiter = Deno.build.os === "windows" ? ";" : ":" } = this.#options;
    const login = this.#login?.PATH;
    if (login === undefined) return {};
    // A folder that is not absolute would depend on where the daemon was started.
    const ownFolders = (own.PATH ?? "").split(delimiter).filter((folder) => folder.startsWith("/"));
    return { PATH: [...new Set([...login.split(delimiter), ...ownFolders])].join(delimiter) };
  }
}

/**
 * `variables`, and which names were looked up that a login shell might know better: those that are
 * missing, and the PATH.
 */
export function noteWanted(variables: Variables): { variables: Variables; wanted: Set<string> } {
  const wanted = new Set<string>();
  const note = (name: string | symbol) => {
    if (typeof name !== "string") return;
    if (name === "PATH" || !Object.hasOwn(variables, name)) wanted.add(name);
  };
  return {
    wanted,
    variables: new Proxy(variables, {
      get: (target, name) => (note(name), Reflect.get(target, name)),
      has: (target, name) => (note(name), Reflect.has(target, name)),
      getOwnPropertyDescriptor(target, name) {
        note(name);
        return Reflect.getOwnPropertyDescriptor(target, name);
      },
    }),
  };
}
