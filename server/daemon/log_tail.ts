/**
 * The end of the log, for a person whose daemon did not start.
 *
 * @module
 */

import { humanLine, type Level, LEVELS, type LogRecord, visible } from "./log.ts";

/** Bytes read from the end; twenty lines fit. */
const WINDOW = 64 * 1024;

/** Size of the log in bytes; 0 when there is none. */
export function logSize(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return 0; // None yet, or not readable: then there is no tail either.
  }
}

/** What was logged since some moment. */
export interface LogTail {
  /** Messages of level `error`, oldest first. */
  errors: string[];
  /** The last lines, for a person. */
  lines: string[];
}

/**
 * The end of what was written since the log had `since` bytes. Never throws: the log itself may be what
 * is broken, and then there is no tail.
 *
 * @param since Bytes; a log that is shorter by now was rotated and is read from its start.
 * @param count Lines, at most. Default 20.
 */
export function logTail(path: string, since: number, count = 20): LogTail {
  let text = "";
  try {
    text = readEnd(path, since);
  } catch {
    // See above.
  }
  const last = text.split("\n").filter((line) => line.trim() !== "").slice(-count);
  const errors = last.map(parseLine).filter((record) => record?.level === "error");
  return { errors: errors.map((record) => record!.message), lines: last.map(readable) };
}

/** A line of the log as {@linkcode humanLine} writes it; what is not JSON, a crash's stack, as it is. */
export function readable(line: string): string {
  const record = parseLine(line);
  return record === undefined ? visible(line) : humanLine(record);
}

/** A line of ours; undefined for what the runtime wrote to standard error. */
function parseLine(line: string): LogRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { time, level, message, ...fields } = value as Record<string, unknown>;
  const moment = Date.parse(String(time));
  if (typeof message !== "string" || Number.isNaN(moment) || !isLevel(level)) return undefined;
  return { time: moment, level, message, fields };
}

function isLevel(value: unknown): value is Level {
  return (LEVELS as readonly unknown[]).includes(value);
}

function readEnd(path: string, since: number): string {
  const size = logSize(path);
  const start = Math.max(size < since ? 0 : since, size - WINDOW);
  return new TextDecoder().decode(readFrom(path, start));
}

/** The bytes of a file from `offset` to its end. */
export function readFrom(path: string, offset: number): Uint8Array {
  using file = Deno.openSync(path, { read: true });
  const { size } = file.statSync();
  if (size <= offset) return new Uint8Array();
  file.seekSync(offset, Deno.SeekMode.Start);
  const bytes = new Uint8Array(size - offset);
  let length = 0;
  while (length < bytes.length) {
    const count = file.readSync(bytes.subarray(length));
    if (count === null) break;
    length += count;
  }
  return bytes.subarray(0, length);
}
