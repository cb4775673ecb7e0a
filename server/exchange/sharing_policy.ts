/**
 * Which clients of one server may use the same process, and what that process is told of them: by the
 * configuration, and by what was learned of the server.
 *
 * Guarantees: clients that can do different things never share; once a question of the server could be
 * for nobody, no two clients that can be asked are with one of its processes at the same time. What was
 * learned is kept beyond the daemon.
 * Not guaranteed: that a client keeps its process. This places nobody.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { ServerEntry } from "../config/types.ts";
import type { Logger } from "../daemon/log.ts";
import type { VerdictStore } from "../store/verdict_store.ts";
import { canBeAsked, clientClass } from "../upstream/client_class.ts";
import type { Doubt } from "../upstream/in_flight.ts";
import { type InstanceSpec, profileOf, serverKey } from "../upstream/instance_key.ts";
import type { Session } from "./session.ts";
import type { SharedInstance } from "./shared_instance.ts";

/** Options of {@linkcode SharingPolicy}. */
export interface SharingPolicyOptions {
  entry: ServerEntry;
  verdicts: VerdictStore;
  log: Logger;
}

/** What a modern client may be asked whose calls all go to one process; each says what it can be asked. */
const WIDEST_ELICITATION = { elicitation: { form: {}, url: {} } };
const WIDEST_CLIENT = { ...WIDEST_ELICITATION, sampling: {}, roots: {} };

/** Why a question could be for nobody, as the end of a sentence. */
const DOUBTS: Readonly<Record<Doubt, string>> = {
  several: "calls of several clients were unanswered",
  none: "no client had a call in flight",
};

/** Who may share one server. */
export class SharingPolicy {
  /** Name of the server. */
  readonly server: string;
  readonly #verdicts: VerdictStore;
  readonly #log: Logger;
  #entry: ServerEntry;
  #serverKey: string | undefined;

  constructor({ entry, verdicts, log }: SharingPolicyOptions) {
    this.server = entry.name;
    this.#entry = entry;
    this.#verdicts = verdicts;
    this.#log = log;
  }

  /** The configuration of the server. */
  get entry(): ServerEntry {
    return this.#entry;
  }

  /** It is configured in another way now; what was learned of it holds if it is still the same server. */
  update(entry: ServerEntry): void {
    this.#entry = entry;
    this.#serverKey = undefined;
  }

  /** Whether clients of different projects get different processes. */
  get usesProject(): boolean {
    return this.#entry.kind === "stdio" && this.#entry.usesProject;
  }

  /** Why clients that can be asked get a process of their own, if they do. */
  get verdict(): string | undefined {
    return this.#verdicts.get(this.#key)?.isolate;
  }

  /**
   * Whether a client gets a process for itself.
   *
   * @throws {Fault} `isolation_required` when it would, and cannot be known again.
   */
  isolates(session: Session): boolean {
    const { mode } = this.#entry.sharing;
    const isNameless = session.kind === "request";
    if (mode === "session" && isNameless) {
      throw new Fault(
        "isolation_required",
        `Server ${
          JSON.stringify(this.server)
        } keeps something for each of its clients, and this one ` +
          `has no name: add ?client=KEY to its address, or send X-Aichaku-Client`,
        { server: this.server },
      );
    }
    if (mode === "session") return true;
    // Nameless ones share, one at a time, so that every question has one possible asker.
    return mode === "auto" && !isNameless && this.verdict !== undefined && (session.isModern ||
      canBeAsked(this.classOf(session.capabilities)));
  }

  /** Whether clients that share such an instance may not call at the same time. */
  mustTakeTurns(spec: InstanceSpec): boolean {
    return this.#entry.sharing.mode === "auto" && this.verdict !== undefined &&
      canBeAsked(profileOf(spec));
  }

  /** Whether calls of modern clients may wait for their clients at such an instance, which is shared. */
  mayPark(spec: InstanceSpec): boolean {
    return this.#entry.sharing.mode === "auto" && canBeAsked(profileOf(spec));
  }

  /** A modern server is told with every request what its client can do: it needs no classes. */
  classOf(capabilities: JsonObject): JsonObject {
    const { era } = this.#verdicts.get(this.#key) ?? {};
    return era === "modern" ? {} : clientClass(capabilities);
  }

  /** What a process is told that the clients behind it can do. */
  told({ own, project, capabilities }: {
    own: Session | undefined;
    project: string | undefined;
    capabilities: JsonObject;
  }): JsonObject {
    const profile = this.classOf(capabilities);
    // It may be another thing with each of a modern client's calls, and the process stays.
    if (own?.kind === "modern") return { ...WIDEST_CLIENT, ...profile, ...WIDEST_ELICITATION };
    const roots = project === undefined ? own?.capabilities.roots : {};
    return roots === undefined ? profile : { ...profile, roots };
  }

  /**
   * Once a question could not be given to anybody, new clients that can be asked get their own process.
   * Those who are there stay where their state is, but never again two of them at once: nor at its other
   * processes, which would learn the same from a refusal of their own.
   *
   * @param instances The one that asked, and all others of the server.
   */
  onUnattributable(
    instances: Iterable<SharedInstance>,
    { method, doubt }: { method: string; doubt: Doubt },
  ): void {
    if (this.#entry.sharing.mode !== "auto") return;
    for (const { instance, spec } of instances) {
      if (canBeAsked(clientClass(spec.capabilities))) instance.takeTurns();
    }
    if (this.verdict !== undefined) return;
    const reason = `it asked ${method} while ${DOUBTS[doubt]}`;
    this.#verdicts.add(this.#key, { server: this.server, isolate: reason });
    this.#log.warn("clients that can be asked get a process of their own from now on", {
      server: this.server,
      reason,
    });
  }

  /** See `serverKey`. */
  get #key(): string {
    return this.#serverKey ??= serverKey(this.#entry);
  }
}
