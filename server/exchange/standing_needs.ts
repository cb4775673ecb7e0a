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
  /** Under whose name those call that have another one for what they subscribe to. */
  readonly #owners = new Map<string, string>();
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
    if (this.#logLevels.widest === undefined || this.#isModern) return {};
    if ((this.#era ?? await this.#findEra()) === "modern") return {};
    const level = this.#logLevels.widest;
    if (level === undefined) return {};
    // The daemon's own: it sums up what all clients want, and is work for none of them.
    return await this.#make({ method: "logging/setLevel", params: { level } });
  }

  // ---- subscriptions

  /**
   * Subscribes a client.
   *
   * @param owner Under whose name it calls, where that is another one.
   * @throws {UpstreamError} {Fault} when the server does not take it.
   */
  async subscribe(client: string, params: JsonObject & { uri: string }, owner?: string) {
    const { uri } = params;
    const isNew = !this.#subscriptions.of(uri).has(client);
    // Before the server answers, so that another client's unsubscribe does not undo it meanwhile.
    this.#subscriptions.add(client, uri);
    if (owner !== undefined && owner !== client) this.#owners.set(client, owner);
    try {
      if ((this.#era ?? await this.#findEra()) === "modern") {
        return await this.#subscribeModern(uri);
      }
      return await this.#make({ owner, method: "resources/subscribe", params });
    } catch (error) {
      if (isNew) this.#subscriptions.delete(client, uri);
      // It was asked for together with what all others want.
      if (isNew && this.#isModern) this.#try(() => this.#listen());
      throw error;
    }
  }

  async #subscribeModern(uri: string): Promise<JsonObject> {
    const { instance } = this.#options;
    const server = instance.name;
    const honoured = await this.#listen();
    if (honoured.has(uri)) return {};
    if (instance.life.state === "ready") {
      throw new Fault("invalid_params", `The server does not tell of changes of ${uri}`, {
        server,
      });
    }
    throw new Fault(
      "upstream_exited",
      `Server ${JSON.stringify(server)} ended before it said whether it tells of changes of ${uri}`,
      { server, retryable: true },
    );
  }

  /** Ends a subscription of a client's. @throws {UpstreamError} {Fault} when the server refuses. */
  async unsubscribe(client: string, params: JsonObject & { uri: string }, owner?: string) {
    const { uri } = params;
    const last = this.#subscriptions.delete(client, uri);
    if (!last && this.#subscriptions.of(uri).size > 0) return {};
    // Whoever rests has nothing to end.
    if (!this.#isModern && (this.#era ?? await this.#findEra()) === "legacy") {
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
    this.#owners.delete(client);
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

  /** Which era it speaks, if it can be asked for something at once. */
  get #era(): "modern" | "legacy" | undefined {
    const { initializeResult, life } = this.#options.instance;
    if (initializeResult === undefined) return undefined;
    if (!isModern(initializeResult)) return "legacy";
    return life.state === "ready" ? "modern" : undefined;
  }

  /** It is started to find out, or to be listened to. @throws {Fault} */
  async #findEra(): Promise<"modern" | "legacy"> {
    return isModern(await this.#options.instance.ready()) ? "modern" : "legacy";
  }

  #tellSubscriptions(uris: readonly string[]): void {
    if (uris.length === 0) return;
    if (this.#isModern) return void this.#try(() => this.#listen());
    for (const uri of uris) {
      this.#try(() => {
        this.#noteWhoFor([uri]);
        return this.#make({ method: "resources/subscribe", params: { uri } });
      });
    }
  }

  #listen(): Promise<ReadonlySet<string>> {
    const { uris } = this.#subscriptions;
    this.#noteWhoFor(uris);
    return this.#listening.listen(uris);
  }

  /** The daemon subscribes in its own name, and what the server then says may be about these clients. */
  #noteWhoFor(uris: readonly string[]): void {
    for (const uri of uris) {
      for (const client of this.#subscriptions.of(uri)) {
        this.#options.instance.workFor(this.#owners.get(client) ?? client);
      }
    }
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
