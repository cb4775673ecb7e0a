/**
 * The token: what the daemon and those who may command it have in common. The file always holds the
 * token of the daemon that runs, whoever chose it, so that every program of this user finds it there.
 *
 * @module
 */

import { readIfThere, replaceFile } from "../../platform/atomic_file.ts";
import { DaemonProblem } from "./problem.ts";

/** The shortest token taken from outside; our own have 43 characters. */
const MIN_LENGTH = 8;

/**
 * The token for a daemon that starts: `given`, else the one in the file, else a new one. Call it only
 * while holding `daemon.lock`.
 *
 * @param given `AICHAKU_TOKEN`.
 * @throws {DaemonProblem} when `given` cannot be used.
 */
export function ensureToken(path: string, given?: string): string {
  const stored = readToken(path);
  if (given !== undefined) {
    if (!isUsable(given)) {
      throw new DaemonProblem(
        `Cannot use AICHAKU_TOKEN: it has ${given.length} characters, and a token has at least ` +
          `${MIN_LENGTH} visible ASCII ones. Unset it and one is made.`,
      );
    }
    if (given !== stored) replaceFile(path, given + "\n");
    return given;
  }
  if (stored !== undefined) return stored;
  const fresh = newToken();
  replaceFile(path, fresh + "\n");
  return fresh;
}

/** Writes the token of the daemon that runs again, if the file was deleted or damaged meanwhile. */
export function keepToken(path: string, token: string): void {
  if (readToken(path) !== token) replaceFile(path, token + "\n");
}

/** The token in the file; undefined when there is no file or nothing usable in it. */
export function readToken(path: string): string | undefined {
  const text = readIfThere(path)?.trim();
  return text !== undefined && isUsable(text) ? text : undefined;
}

/** 32 random bytes as base64url. */
function newToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** What can stand in an HTTP header and cannot be guessed by accident. */
function isUsable(token: string): boolean {
  return token.length >= MIN_LENGTH && /^[\x21-\x7e]+$/.test(token);
}
