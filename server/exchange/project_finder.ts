/**
 * The project a session works on: the one its requests name, else its client's own single root, which is
 * asked for once. A folder that may not be used is refused; none is ever guessed.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import { isObject } from "../../protocol/json.ts";
import { projectOfRootUri, resolveProject } from "../config/project_folder.ts";
import type { Call } from "./call.ts";
import { rootUris } from "./project_roots.ts";
import type { Session } from "./session.ts";

/** Options of {@linkcode ProjectFinder}. */
export interface ProjectFinderOptions {
  /** Name of the server that needs a project, for errors. */
  server: string;
  /** Folders that projects may be in; see `server.projectRoots`. */
  roots(): readonly string[];
}

/** Milliseconds a client may take to tell its roots. No person is asked. */
const ROOTS_TIMEOUT_MS = 10_000;

/** Finds the projects of sessions for one server. */
export class ProjectFinder {
  readonly #options: ProjectFinderOptions;
  /** The folders that clients named as their roots, so that each client is asked once. */
  readonly #asked = new Map<Session, Promise<string>>();

  constructor(options: ProjectFinderOptions) {
    this.#options = options;
  }

  /** Whether a client can tell its project only once it has a call under way to be asked on. */
  mustAsk(session: Session): boolean {
    return session.project === undefined && !session.isModern &&
      isObject(session.capabilities.roots);
  }

  /**
   * The folder, without symbolic links.
   *
   * @param via The call under way, on whose stream the client can be asked.
   * @throws {Fault} when there is none, or it may not be used.
   */
  async find(session: Session, via: Call | undefined): Promise<string> {
    const resolve = (path: string) => resolveProject(path, { roots: this.#options.roots() });
    if (session.project !== undefined) return await resolve(session.project);
    // A modern client is asked nothing outside of results.
    if (session.isModern || !isObject(session.capabilities.roots)) {
      throw this.#missing("and this client named none");
    }
    while (true) {
      const asked = this.#asked.get(session) ?? this.#ask(session, via);
      this.#asked.set(session, asked);
      const isStill = () => this.#asked.get(session) === asked;
      try {
        const folder = await resolve(await asked);
        // Otherwise they changed while it was looked at.
        if (isStill() || session.ended) return folder;
      } catch (error) {
        // The next call may ask again: the client may have had no stream open.
        if (isStill()) this.forget(session);
        throw error;
      }
    }
  }

  /** The client's roots are others now, or the client is gone. */
  forget(session: Session): void {
    this.#asked.delete(session);
  }

  async #ask(session: Session, via: Call | undefined): Promise<string> {
    const question = session.ask({
      method: "roots/list",
      params: undefined,
      timeoutMs: ROOTS_TIMEOUT_MS,
    }, via);
    let answer;
    try {
      answer = await question.answer;
    } catch (cause) {
      throw this.#missing("and its client could not be asked for its roots", cause);
    }
    const uris = "result" in answer ? rootUris(answer.result) : [];
    const folders = uris.map((uri) => projectOfRootUri(uri)).filter((path) => path !== undefined);
    if (folders.length !== 1) {
      throw this.#missing(`and its client has ${folders.length} root folders, not one`);
    }
    return folders[0];
  }

  #missing(why: string, cause?: unknown): Fault {
    const { server } = this.#options;
    return new Fault(
      "invalid_params",
      `Server ${JSON.stringify(server)} works on a project, ${why}; add ` +
        "?project=/absolute/folder to its address, send X-Aichaku-Project, or give a command of " +
        "aichaku --project DIR",
      { server, cause },
    );
  }
}
