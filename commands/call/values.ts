/**
 * Options that `call` and `tools` share.
 *
 * @module
 */

// Not `@std/path`, whose many modules nothing else here needs.
import { resolve } from "node:path";
import { usage } from "../arguments.ts";
import type { CommandContext } from "../context.ts";

/** Seconds for one call: as long as the daemon gives one that reports no progress. */
const DEFAULT_TIMEOUT_S = 600;
/** What a timer can hold: 2^31 - 1 ms. */
const MAX_TIMEOUT_S = 2_147_483;

/** `--timeout` in milliseconds. @throws {UsageError} */
export function timeoutOf(spec: { command: string }, text: string | undefined): number {
  if (text === undefined) return DEFAULT_TIMEOUT_S * 1000;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (seconds > 0 && seconds <= MAX_TIMEOUT_S) return seconds * 1000;
  throw usage(
    spec,
    `--timeout "${text}" must be a number of seconds, more than 0 and up to ${MAX_TIMEOUT_S}`,
  );
}

/** `--project` as an absolute path. @throws {UsageError} */
export function projectOf(
  spec: { command: string },
  text: string | undefined,
  { cwd }: CommandContext,
): string | undefined {
  if (text === undefined) return undefined;
  const path = resolve(cwd, text);
  try {
    if (Deno.statSync(path).isDirectory) return path;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  throw usage(spec, `--project "${text}" must be a folder`);
}
