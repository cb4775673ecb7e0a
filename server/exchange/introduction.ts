/**
 * What a client is told of a server when it begins.
 *
 * Guarantees: it is what the server says of itself, wherever the server can be asked. Where it cannot be
 * started yet, because its client has still to be asked for its project, the client is told what the
 * server said the last time, or all that a server may have; then lists of what the server turns out not
 * to have are empty, and no error. Instructions may be about the project of whoever heard them, so they
 * are told to others only once the processes of two projects gave the same.
 * Not guaranteed: that other calls of what the server turns out not to have succeed.
 *
 * @module
 */

import type { JsonObject } from "../../protocol/json.ts";
import { LATEST_LEGACY_REVISION, negotiateRevision } from "../../protocol/revisions.ts";
import type { InitializeResult } from "../upstream/handshake.ts";
import type { Call } from "./call.ts";
import type { Session } from "./session.ts";

/** What a server may have; told to a client whose server cannot be started yet. */
const WIDEST_CAPABILITIES: JsonObject = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  logging: {},
  completions: {},
};

/** A list that was promised, perhaps in vain. */
export interface PromisedList {
  /** The capability behind it. */
  readonly capability: string;
  /** The list of a server that does not have it. */
  readonly empty: JsonObject;
}

const LISTS: Readonly<Record<string, PromisedList>> = {
  "tools/list": { capability: "tools", empty: { tools: [] } },
  "prompts/list": { capability: "prompts", empty: { prompts: [] } },
  "resources/list": { capability: "resources", empty: { resources: [] } },
  "resources/templates/list": { capability: "resources", empty: { resourceTemplates: [] } },
};

/** What one server is introduced as. */
export class Introduction {
  readonly #server: string;
  /** Sessions that were told what a server may have, before there was one to ask. */
  readonly #provisional = new WeakSet<Session>();
  /** What some instance said of itself the last time, and the project it works on. */
  #last: { said: InitializeResult; project: string | undefined } | undefined;
  /** Whether its instructions are those of another project's instance as well. */
  #areCommon = false;

  /** @param server Its name. */
  constructor(server: string) {
    this.#server = server;
  }

  /** An instance is initialized. @param project The one it works on. */
  learn(said: InitializeResult | undefined, project: string | undefined): void {
    if (said === undefined) return;
    const before = this.#last;
    const areSame = before?.said.instructions === said.instructions;
    this.#areCommon = areSame && (this.#areCommon || before?.project !== project);
    this.#last = { said, project };
  }

  /** What the server may say once it can be started; the session knows it only provisionally. */
  provisional(session: Session): InitializeResult {
    this.doubt(session);
    if (this.#last === undefined) {
      return {
        protocolVersion: LATEST_LEGACY_REVISION,
        capabilities: WIDEST_CAPABILITIES,
        serverInfo: { name: this.#server, version: "" },
      };
    }
    // Whatever else was said was said to the clients of another project.
    const { protocolVersion, capabilities, serverInfo, instructions } = this.#last.said;
    const known = { protocolVersion, capabilities, serverInfo };
    return this.#areCommon && instructions !== undefined ? { ...known, instructions } : known;
  }

  /** What a session was told may not be true any more. */
  doubt(session: Session): void {
    this.#provisional.add(session);
  }

  /** Whether a session was told what the server may have, and not what its instance has. */
  isProvisional(session: Session): boolean {
    return this.#provisional.has(session);
  }

  /** The list that a call asks for, if that was only promised to its client. */
  promisedList({ session, method }: Call): PromisedList | undefined {
    if (!Object.hasOwn(LISTS, method) || !this.#provisional.has(session)) return undefined;
    return LISTS[method];
  }
}

/** The answer to a client's `initialize`. */
export function introduce(said: InitializeResult, params: JsonObject | undefined): JsonObject {
  // Tasks belong to whoever began them, and the server would list them to everybody.
  const { tasks: _, ...capabilities } = said.capabilities;
  return { ...said, protocolVersion: negotiateRevision(params?.protocolVersion), capabilities };
}
