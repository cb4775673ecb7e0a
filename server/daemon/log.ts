/**
 * The daemon's log. Whatever happens to the disk or the terminal, writing a line never throws and never
 * stops the daemon: a line that cannot be written is lost.
 *
 * Detached, the log is a file of JSON lines, one object a line: `{time, level, message, …fields}`.
 * Attached, it is lines for a person on standard error.
 *
 * @module
 */

/** Where messages go. Fields that hold an `Error` are written as its message, stack and cause. */
export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** Levels, lowest first. */
export const LEVELS = ["debug", "info", "warn", "error"] as const;

/** One of {@linkcode LEVELS}. */
export type Level = typeof LEVELS[number];

/** What a line is made from. */
export interface LogRecord {
  /** Milliseconds since 1970. */
  time: number;
  level: Level;
  message: string;
  fields: Record<string, unknown> | undefined;
}

/** Options of {@linkcode createLogger}. */
export interface LoggerOptions {
  /** Takes one line without its end; may throw, the logger does not. */
  write(line: string): void;
  /** Turns a record into a line. Default {@linkcode jsonLine}. */
  format?: (record: LogRecord) => string;
  /** Records below it are dropped. Default `info`. */
  minimum?: Level;
  /** Milliseconds since 1970. Default the system's clock. */
  now?: () => number;
}

/** A logger over one sink. */
export function createLogger(options: LoggerOptions): Logger {
  const { write, format = jsonLine, minimum = "info", now = Date.now } = options;
  const lowest = LEVELS.indexOf(minimum);
  const at = (level: Level) => (message: string, fields?: Record<string, unknown>) => {
    if (LEVELS.indexOf(level) < lowest) return;
    try {
      write(format({ time: now(), level, message, fields }));
    } catch {
      // A full disk or a closed terminal must not stop the daemon, and there is nowhere to say so.
    }
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** One JSON object on one line. Falls back to the message alone when the fields cannot be written. */
export function jsonLine({ time, level, message, fields }: LogRecord): string {
  const head = { time: new Date(time).toISOString(), level, message };
  try {
    // `fields` first, so that none of them can pose as the time, the level or the message.
    return JSON.stringify({ ...head, ...fields, ...head }, plain);
  } catch {
    return JSON.stringify({ ...head, fields: "(cannot be written as JSON)" }); // A cycle, a getter.
  }
}

/**
 * `2026-01-31 12:00:00 info  message key=value …` for a person.
 *
 * @param utcOffset Minutes that the person's clock is ahead of UTC then. Default: this system's.
 */
export function humanLine(
  { time, level, message, fields }: LogRecord,
  utcOffset = -new Date(time).getTimezoneOffset(),
): string {
  const clock = new Date(time + utcOffset * 60_000).toISOString().slice(0, 19).replace("T", " ");
  let line = `${clock} ${level.padEnd(5)} ${message}`;
  for (const [key, value] of Object.entries(fields ?? {})) {
    if (value === undefined) continue;
    line += ` ${key}=${fieldText(value)}`;
  }
  return visible(line);
}

/** Control characters as escapes: what a server prints must not move the reader's cursor. */
export function visible(text: string): string {
  return text.replace(
    /[^\P{Cc}\t]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function fieldText(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message);
  try {
    return JSON.stringify(value, plain) ?? String(value);
  } catch {
    return "?"; // A cycle, a getter that throws.
  }
}

/** What `JSON.stringify` would lose or refuse. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error) {
    return { message: value.message, stack: value.stack, cause: value.cause };
  }
  return value;
}
