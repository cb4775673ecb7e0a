/**
 * What the runtime and libraries say on the console of a daemon goes to its log: on standard error it
 * would stand between the lines for people, and between the JSON lines of a service. Errors are warnings
 * there; the rest, mostly hints for those who write programs, is for debugging.
 *
 * @module
 */

import type { Logger } from "../../server/daemon/log.ts";

const METHODS = ["debug", "log", "info", "warn", "error"] as const;

/** From now on, until it is disposed of, the console writes to the log. */
export function consoleToLog(log: Logger, console: Console = globalThis.console): Disposable {
  const before = METHODS.map((method) => [method, console[method]] as const);
  for (const method of METHODS) {
    const level = method === "error" ? "warn" : "debug";
    console[method] = (...parts: unknown[]) =>
      log[level](parts.map(textOf).join(" "), { console: method });
  }
  return {
    [Symbol.dispose]() {
      for (const [method, write] of before) console[method] = write;
    },
  };
}

function textOf(part: unknown): string {
  return typeof part === "string" ? part : Deno.inspect(part);
}
