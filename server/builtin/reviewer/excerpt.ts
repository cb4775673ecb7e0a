/**
 * The line a finding shows. A secret never appears in it, not even in part, whichever rule the finding
 * is of.
 *
 * @module
 */

import type { Lines } from "./lines.ts";

/** Longest excerpt, UTF-16 units, before secrets are masked. */
const MAX_LENGTH = 160;
/** How much of a long line is shown before the finding. */
const LEAD = 40;
const MASK = "********";

/** A part of the text that must not be shown. */
export interface Hidden {
  start: number;
  end: number;
}

/**
 * The line of `offset`, trimmed; of a longer line the surroundings of `offset`, with `…` where it was
 * cut.
 *
 * @param hidden By start; may overlap.
 */
export function excerptAt(
  text: string,
  { offset, lines, hidden }: { offset: number; lines: Lines; hidden: readonly Hidden[] },
): string {
  const line = lines.range(lines.position(offset).line);
  const start = line.end - line.start <= MAX_LENGTH
    ? line.start
    : Math.max(line.start, offset - LEAD);
  const end = Math.min(line.end, start + MAX_LENGTH);
  let shown = "";
  let at = start;
  for (const secret of hidden) {
    if (secret.end <= at) continue;
    if (secret.start >= end) break;
    shown += text.slice(at, Math.max(at, secret.start)) + MASK;
    at = Math.min(end, secret.end);
  }
  shown += text.slice(at, end);
  // Cutting may have split a surrogate pair.
  return (start > line.start ? "…" : "") + shown.trim().toWellFormed() +
    (end < line.end ? "…" : "");
}
