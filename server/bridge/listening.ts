/**
 * What a modern server is listened to for: lists that change, and resources that clients subscribed to.
 * A legacy server tells the first by itself and is told of the second one by one; a modern one wants all
 * of it in one request, which is made anew when it changes.
 *
 * Source: MCP 2026-07-28, basic/patterns/subscriptions.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { isObject, type JsonObject } from "../../protocol/json.ts";
import type { Instance } from "../upstream/instance.ts";

/** Options of {@linkcode Listening}. */
export interface ListeningOptions {
  instance: Instance;
  clock: Clock;
}

/** Milliseconds until a stream that ended is opened again, at first; doubles. */
const AGAIN_MS = 1_000;
const MAX_AGAIN_MS = 60_000;
/** Milliseconds that a server may take to say what it will tell. */
const ACKNOWLEDGE_MS = 10_000;

/** Parts of a capability that can be listened for. */
const LISTS = [["tools", "toolsListChanged"], ["prompts", "promptsListChanged"], [
  "resources",
  "resourcesListChanged",
]] as const;

/** The stream of one modern server. */
export class Listening {
  readonly #options: ListeningOptions;
  #id: number | undefined;
  #wanted: readonly string[] = [];
  #again: Disposable | undefined;
  #wait = AGAIN_MS;

  constructor(options: ListeningOptions) {
    this.#options = options;
  }

  /**
   * Listens for the lists the server can change, and for `uris`. The stream before stays open until the
   * server has answered for the new one, so that nothing is missed.
   *
   * @returns the resources that the server will tell of.
   */
  listen(uris: readonly string[]): Promise<ReadonlySet<string>> {
    this.#again?.[Symbol.dispose]();
    this.#again = undefined;
    this.#wanted = uris;
    const { instance, clock } = this.#options;
    const notifications = this.#filter(uris);
    const honoured = Promise.withResolvers<ReadonlySet<string>>();
    const none: ReadonlySet<string> = new Set();
    if (instance.life.state !== "ready" || Object.keys(notifications).length === 0) {
      this.close();
      return Promise.resolve(none);
    }
    const before = this.#id;
    const timer = clock.after(ACKNOWLEDGE_MS, () => honoured.resolve(none));
    const id = instance.listen({ notifications }, {
      onAcknowledged: ({ resourceSubscriptions }) => {
        timer[Symbol.dispose]();
        this.#wait = AGAIN_MS;
        if (before !== undefined) instance.endListen(before);
        honoured.resolve(
          new Set(Array.isArray(resourceSubscriptions) ? resourceSubscriptions : []),
        );
      },
      onEnd: () => {
        timer[Symbol.dispose]();
        honoured.resolve(none);
        if (this.#id === id) this.#onEnd();
      },
    });
    this.#id = id;
    return honoured.promise;
  }

  /** Ends it: nobody listens, or nobody is there to tell. */
  close(): void {
    this.#again?.[Symbol.dispose]();
    this.#again = undefined;
    if (this.#id !== undefined) this.#options.instance.endListen(this.#id);
    this.#id = undefined;
  }

  #onEnd(): void {
    this.#id = undefined;
    const { instance, clock } = this.#options;
    this.#again = clock.after(this.#wait, () => {
      if (instance.life.state === "ready") this.listen(this.#wanted);
    });
    this.#wait = Math.min(2 * this.#wait, MAX_AGAIN_MS);
  }

  #filter(uris: readonly string[]): JsonObject {
    const { capabilities = {} } = this.#options.instance.initializeResult ?? {};
    const filter: JsonObject = {};
    for (const [name, key] of LISTS) {
      const capability = capabilities[name];
      if (isObject(capability) && capability.listChanged === true) filter[key] = true;
    }
    if (uris.length > 0) filter.resourceSubscriptions = uris;
    return filter;
  }
}
