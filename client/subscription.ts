/**
 * What a modern server is listened to for: lists that change, and resources that were subscribed to. All
 * of it is one request, `subscriptions/listen`, which is made anew when what is wanted changes.
 *
 * Guarantees: nothing that was wanted before is missed while it is made anew; a subscription that breaks
 * off or that the server ends is opened again with growing pauses, until it was refused or failed too
 * often. None of this keeps the process alive.
 *
 * Source: MCP 2026-07-28, basic/patterns/subscriptions.
 *
 * @module
 */

import { metaOf, withoutModernMeta } from "../protocol/modern.ts";
import { backoff } from "./backoff.ts";
import { AichakuError } from "./errors.ts";
import { isObject, type JsonObject } from "./jsonrpc.ts";
import type { ModernWire } from "./modern_wire.ts";
import { onAbort } from "./on_abort.ts";
import type { ServerNotification } from "./peer.ts";
import { quietDelay } from "./quiet.ts";

/** Options of {@linkcode Subscription}. */
export interface SubscriptionOptions {
  wire: ModernWire;
  /** `params` of the request for a filter. */
  params(notifications: JsonObject): JsonObject;
  /** What the server can do. */
  capabilities: JsonObject;
  /** Whether changes of lists are wanted. */
  hears: boolean;
  /** Resources that are wanted; read again at each opening. */
  uris: ReadonlySet<string>;
  /** Told what the subscription brings. Must not throw. */
  onNotification(notification: ServerNotification): void;
  /** Told once when nothing more is heard that should be. */
  onDeaf(cause: unknown): void;
  /** Waits between two openings; false when the signal fired first. Replaced in tests. */
  pause?: (ms: number, signal: AbortSignal) => Promise<boolean>;
  /** Failures in a row after which it is given up. @default {6} */
  maxFailures?: number;
}

/** Parts of a capability that can be listened for, and their names in the filter. */
const LISTS = [
  ["tools", "toolsListChanged"],
  ["prompts", "promptsListChanged"],
  ["resources", "resourcesListChanged"],
] as const;
/** Refusals that the same request will get again. */
const FINAL_CODES: readonly unknown[] = [-32601, -32602, -32020, -32021, -32022];
/** Pauses between two openings. */
const PAUSES = { firstMs: 500, maxMs: 5000 };
const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";

/** One stream. */
interface Stream {
  controller: AbortController;
  /** What the server will tell; rejects when it did not say. */
  honoured: PromiseWithResolvers<JsonObject>;
}

/** The subscription of one connection. */
export class Subscription {
  readonly #options: SubscriptionOptions;
  /** The one that was opened last is at the end. */
  readonly #streams: Stream[] = [];
  readonly #closed = new AbortController();
  #failures = 0;
  /** Ends the pause before the next opening. */
  #pause: AbortController | undefined;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
  }

  /**
   * Listens for what is wanted now, which the streams before did not know of.
   *
   * @returns the part of the filter that the server honours; empty when nothing is wanted.
   * @throws {AichakuError} when it is refused.
   */
  async open(signal?: AbortSignal): Promise<JsonObject> {
    this.#pause?.abort();
    const notifications = this.#filter();
    if (this.#closed.signal.aborted || Object.keys(notifications).length === 0) {
      this.#endBefore(undefined);
      return {};
    }
    // `Promise.withResolvers` is not in Node 20.
    const honoured = withResolvers<JsonObject>();
    const stream: Stream = { controller: new AbortController(), honoured };
    honoured.promise.catch(() => {}); // Whoever waits for it is told; nobody may.
    this.#streams.push(stream);
    const stop = onAbort(signal, () => honoured.reject(signal!.reason));
    void this.#run(stream, notifications);
    return await honoured.promise.finally(stop);
  }

  /** Ends it. */
  close(): void {
    this.#closed.abort();
    this.#pause?.abort();
    this.#endBefore(undefined);
  }

  async #run(stream: Stream, notifications: JsonObject): Promise<void> {
    const { wire, params } = this.#options;
    let failure: unknown;
    try {
      await wire.listen(params(notifications), {
        onNotification: (notification) => this.#onNotification(stream, notification),
        signal: stream.controller.signal,
      });
    } catch (error) {
      failure = error;
    }
    const wasLast = this.#streams.at(-1) === stream;
    const at = this.#streams.indexOf(stream);
    if (at >= 0) this.#streams.splice(at, 1);
    stream.honoured.reject(failure ?? ended(wire.server));
    // Another one took its place, or nobody wants any.
    if (!wasLast || stream.controller.signal.aborted) return;
    await this.#again(failure);
  }

  async #again(failure: unknown): Promise<void> {
    const { wire, onDeaf, pause = quietDelay, maxFailures = 6 } = this.#options;
    if (failure instanceof AichakuError && FINAL_CODES.includes(failure.code)) return;
    if (failure !== undefined) this.#failures++;
    if (wire.ended !== undefined || this.#failures >= maxFailures) return onDeaf(failure);
    this.#pause = new AbortController();
    const { signal } = this.#pause;
    if (!(await pause(backoff(this.#failures + 1, PAUSES), signal))) return;
    // A refusal or a failure is dealt with where it comes.
    void this.open().catch(() => {});
  }

  #onNotification(stream: Stream, { method, params }: ServerNotification): void {
    if (method === ACKNOWLEDGED) {
      this.#failures = 0;
      stream.honoured.resolve(isObject(params.notifications) ? params.notifications : {});
      this.#endBefore(stream);
      return;
    }
    const { _meta: _, ...rest } = params;
    const meta = withoutModernMeta(metaOf(params));
    this.#options.onNotification({
      method,
      params: meta === undefined ? rest : { ...rest, _meta: meta },
    });
  }

  /** Ends the streams opened before one, or all. */
  #endBefore(stream: Stream | undefined): void {
    const count = stream === undefined ? this.#streams.length : this.#streams.indexOf(stream);
    for (const { controller } of this.#streams.splice(0, Math.max(count, 0))) controller.abort();
  }

  #filter(): JsonObject {
    const { capabilities, hears, uris } = this.#options;
    const filter: JsonObject = {};
    for (const [name, key] of hears ? LISTS : []) {
      const capability = capabilities[name];
      if (isObject(capability) && capability.listChanged === true) filter[key] = true;
    }
    if (uris.size > 0) filter.resourceSubscriptions = [...uris];
    return filter;
  }
}

function ended(server: string): AichakuError {
  return new AichakuError(
    "connection_lost",
    `Cannot listen to server ${JSON.stringify(server)}: it ended the subscription at once`,
  );
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  let settle: Pick<PromiseWithResolvers<T>, "resolve" | "reject">;
  const promise = new Promise<T>((resolve, reject) => settle = { resolve, reject });
  return { promise, ...settle! };
}
