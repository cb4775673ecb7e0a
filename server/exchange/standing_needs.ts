/**
 * What clients need of a server as long as they are there, and what it keeps once for all of them: the
 * log level, and subscriptions to resources. Counted per client, reconciled to the widest need, and said
 * again to every new process, in the way of its era.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { Fault } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { Listening } from "../bridge/listening.ts";
import type { Logger } from "../daemon/log.ts";
import { callUpstream, DAEMON } from "../upstream/call.ts";
import { isModern } from "../upstream/handshake.ts";
import type { Instance } from "../upstream/instance.ts";
import { LogLevels, Subscriptions } from "./shared_state.ts";

/** Options of {@linkcode StandingNeeds}. */
export interface StandingNeedsOptions {
  instance: Instance;
  clock: Clock;
  log: Logger;
}

/** Who wants to hear everything, for all modern clients. No client has such an id. */
const EVERYTHING = "every modern client";

/** A request made on behalf of clients. */
interface UpstreamRequest {
  /** Default: the daemon itself. */
  owner?: string;
  method: string;
  params?: JsonObject;
}

/** The needs of all clients of one instance. */
export class StandingNeeds {
  readonly #options: StandingNeedsOptions;
  readonly #logLevels = new LogLevels();
  readonly #subscriptions = new Subscriptions();
  readonly #listening: Listening;

  constructor(options: StandingNeedsOptions) {
    this.#options = options;
    this.#listening = new Listening(options);
  }

  /** Whether somebody waits for updates of a resource. */
  get any(): boolean {
    return this.#subscriptions.uris.length > 0;
  }

  /** Clients that an update of `uri` concerns. */
  concernedBy(uri: string): Set<string> {
    return this.#subscriptions.concernedBy(uri);
  }

  /** Whether `client` wants a log message of `level`. */
  wants(client: string, level: unknown): boolean {
    return this.#logLevels.wants(client, level);
  }

  // ---- log levels

  /** Takes a client's wish, without telling the server yet. @returns false when there is no such level. */
  noteLevel(client: string, level: unknown): boolean {
    return this.#logLevels.set(client, level);
  }

  /**
   * From now on the server says everything: each call of a modern client is given what it wants of it.
   * Said once to each process, because it is work of the daemon's own, and while there is any, nobody can
   * tell what the server speaks of.
   *
   * @throws {UpstreamError} {Fault} when it refuses.
   */
  async hearAll(): Promise<void> {
    if (this.#logLevels.has(EVERYTHING)) return;
    this.#logLevels.set(EVERYTHING, "debug");
    await this.tellLevel();
  }

  /**
   * Tells the server the widest wish. A modern one is told with every request.
   *
   * @throws {UpstreamError} {Fault} when it refuses.
   */
  async tellLevel(): Promise<JsonObject> {
    const level = this.#logLevels.widest;
    if (level === undefined || this.#isModern) return {};
    // The daemon's own: it sums up what all clients want, and is work for none of them.
    return await this.#make({ method: "logging/setLevel", params: { level } });
  }

  // ---- subscriptions

  /**
   * Subscribes a client.
   *
   * @throws {UpstreamError} {Fault} when the server does not take it.
   */
  async subscribe(client: string, params: JsonObject & { uri: string }, owner?: string) {
    const { uri } = params;
    const isNew = !this.#subscriptions.of(uri).has(client);
    // Before the server answers, so that another client's unsubscribe does not undo it meanwhile.
    this.#subscriptions.add(client, uri);
    try {
      if (!this.#isModern) {
        return await this.#make({ owner, method: "resources/subscribe", params });
      }
      const honoured = await this.#listen();
      if (honoured.has(uri)) return {};
      throw new Fault("invalid_params", `The server does not tell of changes of ${uri}`);
    } catch (error) {
      if (isNew) this.#subscriptions.delete(client, uri);
      throw error;
    }
  }

  /** Ends a subscription of a client's. @throws {UpstreamError} {Fault} when the server refuses. */
  async unsubscribe(client: string, params: JsonObject & { uri: string }, owner?: string) {
    const { uri } = params;
    const last = this.#subscriptions.delete(client, uri);
    if (!last && this.#subscriptions.of(uri).size > 0) return {};
    if (!this.#isModern) {
      return await this.#make({ owner, method: "resources/unsubscribe", params });
    }
    await this.#listen();
    return {};
  }

  // ---- clients and processes that come and go

  /** A client comes with what it had asked for before. */
  restore(client: string, { logLevel, subscriptions }: {
    logLevel: string | null;
    subscriptions: Iterable<string>;
  }): void {
    if (logLevel !== null && this.#logLevels.set(client, logLevel)) {
      this.#try(() => this.tellLevel());
    }
    const uris = [...subscriptions];
    for (const uri of uris) this.#subscriptions.add(client, uri);
    this.#tellSubscriptions(uris);
  }

  /** A client is gone. */
  release(client: string): void {
    if (this.#logLevels.delete(client)) this.#try(() => this.tellLevel());
    const uris = this.#subscriptions.deleteAll(client);
    if (uris.length === 0) return;
    if (this.#isModern) return void this.#try(() => this.#listen());
    for (const uri of uris) {
      this.#try(() => this.#make({ method: "resources/unsubscribe", params: { uri } }));
    }
  }

  /** The server runs, for the first time or again: it learns what its clients still want. */
  onReady(): void {
    this.#try(() => this.tellLevel());
    if (this.#isModern) this.#try(() => this.#listen());
    else this.#tellSubscriptions(this.#subscriptions.uris);
  }

  /** The process is gone. */
  onGone(): void {
    this.#listening.close();
  }

  get #isModern(): boolean {
    const { initializeResult } = this.#options.instance;
    return initializeResult !== undefined && isModern(initializeResult);
  }

  #tellSubscriptions(uris: readonly string[]): void {
    if (uris.length === 0) return;
    if (this.#isModern) return void this.#try(() => this.#listen());
    for (const uri of uris) {
      this.#try(() => this.#make({ method: "resources/subscribe", params: { uri } }));
    }
  }

  #listen(): Promise<ReadonlySet<string>> {
    return this.#listening.listen(this.#subscriptions.uris);
  }

  #make({ owner = DAEMON, method, params }: UpstreamRequest): Promise<JsonObject> {
    return callUpstream(this.#options.instance, { owner, method, params });
  }

  /** Does something nobody waits for; a server that refuses keeps what it had. */
  async #try(action: () => Promise<unknown>): Promise<void> {
    const { instance, log } = this.#options;
    // One that does not run learns it when it does.
    if (instance.life.state !== "ready") return;
    try {
      await action();
    } catch (error) {
      log.warn("a server refused what its clients need", {
        server: instance.name,
        error: (error as Error).message,
      });
    }
  }
}
