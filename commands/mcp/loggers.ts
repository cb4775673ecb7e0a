/**
 * Where a daemon logs: always to its file, which `--logs` reads; attached ones to standard error, too.
 *
 * @module
 */

import { createLogger, humanLine, jsonLine, type Logger } from "../../server/daemon/log.ts";
import { LogFile } from "../../server/daemon/log_file.ts";
import type { CommandContext } from "../context.ts";

/** A logger and what it holds open. */
export interface OpenLogger extends Disposable {
  log: Logger;
}

/** To the file alone. */
export function detachedLogger(path: string): OpenLogger {
  const file = new LogFile({ path });
  const log = createLogger({ write: (line) => file.write(line) });
  return { log, [Symbol.dispose]: () => file[Symbol.dispose]() };
}

/** To the file, and to standard error: for a person on a terminal, JSON for a service manager. */
export function attachedLogger(context: CommandContext, path: string): OpenLogger {
  const file = detachedLogger(path);
  const screen = createLogger({
    write: (line) => context.stderr(line + "\n"),
    format: context.isErrorTerminal ? humanLine : jsonLine,
  });
  return { log: both(file.log, screen), [Symbol.dispose]: () => file[Symbol.dispose]() };
}

function both(first: Logger, second: Logger): Logger {
  const at = (level: keyof Logger) => (message: string, fields?: Record<string, unknown>) => {
    first[level](message, fields);
    second[level](message, fields);
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
