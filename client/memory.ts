/**
 * What a client keeps from one connection to the next: what it found out about its server, and what a
 * server of the modern era, which remembers nothing, has to be told again.
 *
 * @module
 */

/** See the module. Empty at first. */
export interface Memory {
  /**
   * Era of the process; undefined when it is modern or not known. `silent`: a legacy one that ended at a
   * question before `initialize`, so that it must not be asked.
   */
  era?: "legacy" | "silent";
  /** How the client is known again where there is no session. */
  readonly name: string;
  /** Resources whose updates are wanted. */
  readonly subscribed: Set<string>;
  /** From which level on log messages are wanted: `logging/setLevel`. */
  logLevel?: string;
}

/** A memory of a client that connects for the first time. */
export function newMemory(): Memory {
  return { name: crypto.randomUUID(), subscribed: new Set() };
}
