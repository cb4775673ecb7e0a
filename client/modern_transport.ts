/**
 * A connection of the modern era, 2026-07-28, as the client knows connections: every request says who
 * makes it and what it can do; what the server asks is answered in rounds; what it says outside of calls
 * comes by a subscription. What only the legacy era has is done in another way, or here:
 *
 * - `ping` asks `server/discover`; `logging/setLevel` is said with every request from then on;
 * - `resources/subscribe` and `resources/unsubscribe` change the subscription;
 * - `notifications/initialized` and `notifications/roots/list_changed` mean nothing, and are not sent.
 *
 * @module
 */

import { META, metaOf, modernMeta, withoutModernMeta } from "../protocol/modern.ts";
import { LATEST_MODERN_REVISION } from "../protocol/revisions.ts";
import type { Discovery } from "./discover.ts";
import { AichakuError, excerpt } from "./errors.ts";
import { isObject, type JsonObject } from "./jsonrpc.ts";
import type { Memory } from "./memory.ts";
import type { ModernWire } from "./modern_wire.ts";
import type { Peer } from "./peer.ts";
import { inRounds } from "./rounds.ts";
import { Subscription } from "./subscription.ts";
import type { ServerInfo, Transport, TransportRequestOptions } from "./transport.ts";

/** Options of {@linkcode ModernTransport}. */
export interface ModernTransportOptions {
  wire: ModernWire;
  /** Whose connection it is. */
  peer: Peer;
  /** What the server said of itself. */
  discovery: Discovery;
  /** What outlives the connection. */
  memory: Memory;
  /** Told once when a peer that listens hears nothing over the connection any more. */
  onDeaf?: () => void;
}

/** What a client hears that never said what it wants to hear; a legacy server decides that itself. */
const DEFAULT_LOG_LEVEL = "info";
/** Of sessions, or of what has no meaning any more. */
const NOT_SENT: ReadonlySet<string> = new Set([
  "notifications/initialized",
  "notifications/roots/list_changed",
]);

/** See the module. */
export class ModernTransport implements Transport {
  readonly #options: ModernTransportOptions;
  readonly #subscription: Subscription;
  /** Nothing is heard, or of interest, any more. */
  #isDeaf = false;

  /** Listens, if there is something to hear. */
  constructor(options: ModernTransportOptions) {
    const { wire, peer, discovery: { capabilities }, memory } = options;
    this.#options = options;
    wire.becomeReady();
    wire.onNotification = (notification) => peer.onNotification(notification);
    this.#subscription = new Subscription({
      wire,
      capabilities,
      hears: peer.hears,
      uris: memory.subscribed,
      params: (notifications) => ({ notifications, _meta: identity(peer) }),
      onNotification: (notification) => peer.onNotification(notification),
      onDeaf: (cause) => {
        wire.lose(cause);
        this.#hearNoMore();
      },
    });
    // A refusal is final or dealt with there; it is no failure of the connection.
    void this.#subscription.open().catch(() => {});
  }

  get serverInfo(): ServerInfo {
    return this.#options.discovery.serverInfo;
  }

  get initializeResult(): JsonObject {
    return this.#options.discovery.initializeResult;
  }

  get sessionId(): undefined {
    return undefined;
  }

  get ended(): boolean {
    return this.#options.wire.ended !== undefined;
  }

  async request(
    method: string,
    params: JsonObject | undefined,
    options: TransportRequestOptions,
  ): Promise<JsonObject> {
    try {
      return await this.#request(method, params ?? {}, options);
    } finally {
      if (this.ended) this.#hearNoMore();
    }
  }

  async #request(
    method: string,
    params: JsonObject,
    options: TransportRequestOptions,
  ): Promise<JsonObject> {
    switch (method) {
      case "ping":
        await this.#ask("server/discover", {}, options);
        return {};
      case "logging/setLevel":
        this.#options.memory.logLevel = text(params, { method, name: "level" });
        return {};
      case "resources/subscribe":
        return await this.#subscribe(text(params, { method, name: "uri" }), options);
      case "resources/unsubscribe":
        if (this.#options.memory.subscribed.delete(text(params, { method, name: "uri" }))) {
          await this.#subscription.open(options.signal);
        }
        return {};
      default:
        return await this.#ask(method, params, options);
    }
  }

  async notify(
    method: string,
    params: JsonObject | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    if (NOT_SENT.has(method)) return;
    const { wire, peer } = this.#options;
    const _meta = { ...metaOf(params), ...identity(peer) };
    try {
      await wire.notify(method, { ...params, _meta }, signal);
    } finally {
      if (this.ended) this.#hearNoMore();
    }
  }

  close(): Promise<void> {
    this.#isDeaf = true;
    this.#subscription.close();
    return this.#options.wire.close();
  }

  /** Another connection hears from now on, and nothing is to be heard twice. */
  #hearNoMore(): void {
    if (this.#isDeaf) return;
    this.#isDeaf = true;
    this.#subscription.close();
    const { peer, memory, onDeaf } = this.#options;
    if (peer.hears || memory.subscribed.size > 0) onDeaf?.();
  }

  async #ask(
    method: string,
    params: JsonObject,
    options: TransportRequestOptions,
  ): Promise<JsonObject> {
    const { wire, peer } = this.#options;
    const logLevel = this.#logLevel();
    const _meta = {
      ...(logLevel === undefined ? {} : { [META.logLevel]: logLevel }),
      ...metaOf(params),
      ...identity(peer),
    };
    const result = await inRounds(
      (more) => wire.request(method, { ...params, ...more, _meta }, options),
      { method, server: wire.server, peer, signal: options.signal },
    );
    return withoutServerInfo(result);
  }

  #logLevel(): string | undefined {
    const { peer, memory, discovery: { capabilities } } = this.#options;
    if (memory.logLevel !== undefined) return memory.logLevel;
    return peer.hears && capabilities.logging !== undefined ? DEFAULT_LOG_LEVEL : undefined;
  }

  async #subscribe(uri: string, { signal }: TransportRequestOptions): Promise<JsonObject> {
    const { discovery: { capabilities: { resources } }, memory: { subscribed } } = this.#options;
    if (!isObject(resources) || resources.subscribe !== true) throw this.#unheard(uri);
    const isNew = !subscribed.has(uri);
    subscribed.add(uri);
    try {
      const { resourceSubscriptions } = await this.#subscription.open(signal);
      if (Array.isArray(resourceSubscriptions) && resourceSubscriptions.includes(uri)) return {};
      throw this.#unheard(uri);
    } catch (error) {
      if (isNew) subscribed.delete(uri);
      throw error;
    }
  }

  #unheard(uri: string): AichakuError {
    const { wire: { server } } = this.#options;
    return new AichakuError(
      "rpc",
      `Cannot subscribe to ${excerpt(uri)}: server ${
        JSON.stringify(server)
      } does not tell when it ` +
        `changes; read it again instead`,
      { code: -32601 },
    );
  }
}

/** `_meta` of every request. */
export function identity({ introduction }: Peer): JsonObject {
  const { clientInfo, capabilities } = introduction;
  return modernMeta({
    protocolVersion: LATEST_MODERN_REVISION,
    clientInfo,
    capabilities: modernCapabilities(isObject(capabilities) ? capabilities : {}),
  });
}

/** Tasks of 2025-11-25 are another thing now, and nobody is told that roots change. */
function modernCapabilities({ tasks: _, ...capabilities }: JsonObject): JsonObject {
  return isObject(capabilities.roots) ? { ...capabilities, roots: {} } : capabilities;
}

/** Who answered stands in every result; the client knows it from the beginning. */
function withoutServerInfo(result: JsonObject): JsonObject {
  if (!(META.serverInfo in metaOf(result))) return result;
  const { _meta: _, ...rest } = result;
  const meta = withoutModernMeta(metaOf(result));
  return meta === undefined ? rest : { ...rest, _meta: meta };
}

/** A parameter that must be a text. */
function text(params: JsonObject, { method, name }: { method: string; name: string }): string {
  const value = params[name];
  if (typeof value === "string") return value;
  throw new AichakuError(
    "rpc",
    `Cannot take ${method}: its parameter ${JSON.stringify(name)} must be a string, and is ` +
      excerpt(value),
    { code: -32602 },
  );
}
