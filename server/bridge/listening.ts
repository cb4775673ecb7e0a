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

const NONE: ReadonlySet<string> = new Set();

/** The stream of one modern server. */
export class Listening {
  readonly #options: ListeningOptions;
  /** The stream asked for last. */
  #id: number | undefined;
  /** All that were not ended, in the order they were asked for, and who waits to hear what they tell. */
  readonly #open = new Map<number, (honoured: ReadonlySet<string>) => void>();
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
    if (instance.life.state !== "ready" || Object.keys(notifications).length === 0) {
      this.close();
      return Promise.resolve(NONE);
    }
    const { promise, resolve } = Promise.withResolvers<ReadonlySet<string>>();
    const timer = clock.after(ACKNOWLEDGE_MS, () => resolve(NONE));
    const id = instance.listen({ notifications }, {
      onAcknowledged: ({ resourceSubscriptions }) => {
        this.#wait = AGAIN_MS;
        const told = new Set(Array.isArray(resourceSubscriptions) ? resourceSubscriptions : []);
        this.#open.get(id)?.(told);
        // What those before were for, and is still wanted, is in this one.
        for (const before of [...this.#open.keys()]) if (before < id) this.#end(before, told);
      },
      onEnd: () => {
        this.#open.get(id)?.(NONE);
        this.#open.delete(id);
        if (this.#id === id) this.#onEnd();
      },
    });
    this.#id = id;
    this.#open.set(id, (honoured) => {
      timer[Symbol.dispose]();
      resolve(honoured);
    });
    return promise;
  }

  /** Ends it: nobody listens, or nobody is there to tell. */
  close(): void {
    this.#again?.[Symbol.dispose]();
    this.#again = undefined;
    for (const id of [...this.#open.keys()]) this.#end(id, NONE);
    this.#id = undefined;
  }

  #end(id: number, honoured: ReadonlySet<string>): void {
    this.#options.instance.endListen(id);
    this.#open.get(id)?.(honoured);
    this.#open.delete(id);
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
