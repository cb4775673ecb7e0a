/**
 * Why a server failed, in short: how it ended, and of what it wrote the one line that says most. For
 * people; the whole of it is in the detail of an error and in the log.
 *
 * @module
 */

import type { WireEnd } from "./wire.ts";

/** Characters of a line that are shown. */
const MAX_LINE = 300;

/**
 * Of what a server wrote before it failed, the line that says most: its last; but Node ends every crash
 * with where it happened, what the error carries, and Node's version, so there it is the one that names
 * the error.
 *
 * @param reason As the daemon gave it: how the server ended, and below that what it wrote.
 */
export function lastWordsIn(reason: string): string | undefined {
  const lines = reason.trimEnd().split("\n").slice(1);
  const last = lines.at(-1);
  if (last === undefined || !/^Node\.js v\d/.test(last)) return last;
  return lines.findLast((line) => /^(?:Uncaught )?\w*(?:Error|Exception)\b[^:]*: /.test(line)) ??
    last;
}

/** How a server ended and its last words, on one line. @param reason See {@linkcode lastWordsIn}. */
export function inShort(reason: string): string {
  const [how] = reason.split("\n", 1);
  return [how, lastWordsIn(reason)].filter((line) => line !== undefined)
    .map((line) => line.trim().slice(0, MAX_LINE)).join(": ");
}

/**
 * Why a server was not ready before it ended, and what to do: most clients show no more of an error than
 * its message. @param pid Undefined where there is no process, and what to do is all that is known.
 */
export function whyNoStart({ how, stderr }: WireEnd, pid: number | undefined): string {
  const words = lastWordsIn(`${how}\n${stderr}`)?.trim().slice(0, MAX_LINE);
  const next = pid === undefined
    ? words
    : words === undefined
    ? `it wrote nothing to stderr: check "command" and "args" of this server in config.json`
    : `its last words: ${words}; "aichaku mcp --logs" shows all of them`;
  return `it ${how} before it was ready${next === undefined ? "" : `; ${next}`}`;
}
