/**
 * The tools of one server as the daemon itself sees them: read when somebody needs to know, kept until
 * the server says that they have changed, or its process is another one.
 *
 * Guarantees: nobody waits longer than {@linkcode WAIT_MS} for them. Not guaranteed: that they are what
 * every client sees; a server may show other tools to other clients.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { Logger } from "../daemon/log.ts";
import type { Instance } from "../upstream/instance.ts";
import { readPages } from "./pages.ts";

/** By name. */
export type Tools = ReadonlyMap<string, JsonObject>;

/** Options of {@linkcode KnownTools}. */
export interface KnownToolsOptions {
  instance: Instance;
  clock: Clock;
  log: Logger;
}

/** Milliseconds that a call waits for the list; a server that is slow with it is called all the same. */
export const WAIT_MS = 10_000;

const NONE: Tools = new Map();

/** The tools of one server. */
export class KnownTools {
  readonly #options: KnownToolsOptions;
  #known: Tools | undefined;
  #reading: Promise<Tools> | undefined;

  constructor(options: KnownToolsOptions) {
    this.#options = options;
  }

  /** As they were read the last time; undefined when they may be others by now, or never were read. */
  get known(): Tools | undefined {
    return this.#known;
  }

  /** Reads them, once for all who ask meanwhile. None when they cannot be read, or not in time. */
  async read(): Promise<Tools> {
    if (this.#known !== undefined) return this.#known;
    const reading = this.#reading ??= this.#read();
    const late = Promise.withResolvers<Tools>();
    using _timer = this.#options.clock.after(WAIT_MS, () => late.resolve(NONE));
    return await Promise.race([reading, late.promise]);
  }

  /** They are others now, or may be. */
  forget(): void {
    this.#known = undefined;
    this.#reading = undefined;
  }

  async #read(): Promise<Tools> {
    const { instance, log } = this.#options;
    // So that `#reading` is this one.
    await Promise.resolve();
    const mine = this.#reading;
    let tools: Tools | undefined;
    try {
      const list = await readPages(instance, { method: "tools/list", member: "tools" });
      tools = new Map(list.map((tool) => [String(tool.name), tool]));
    } catch (error) {
      log.debug("cannot read the tools of a server", {
        server: instance.name,
        error: (error as Error).message,
      });
    }
    // Unless they have changed meanwhile: who waited gets these, whoever comes next reads again.
    if (this.#reading === mine) {
      this.#known = tools;
      this.#reading = undefined;
    }
    return tools ?? NONE;
  }
}
