/**
 * Looks for secrets in a text, whatever it is written in.
 *
 * @module
 */

import type { Deadline } from "./deadline.ts";
import type { Hidden } from "./excerpt.ts";
import type { Match } from "./match.ts";
import type { TextRule } from "./rule.ts";

/** What was found, and where the secrets are that no excerpt may show, by start. */
export interface TextMatches {
  matches: Match[];
  hidden: Hidden[];
}

/** Runs text rules. @throws {TimeIsUp} */
export function searchText(
  text: string,
  { rules, deadline }: { rules: readonly TextRule[]; deadline: Deadline },
): TextMatches {
  const matches: Match[] = [];
  const hidden: Hidden[] = [];
  for (const rule of rules) {
    const pattern = new RegExp(rule.pattern, `${rule.pattern.flags}dg`);
    for (const match of text.matchAll(pattern)) {
      deadline.check();
      const place = match.indices?.groups?.secret;
      if (place === undefined || rule.except?.test(match[0])) continue;
      const [start, end] = place;
      if (rule.entropy !== undefined) {
        if (entropyOf(text.slice(start, end)) < rule.entropy) continue;
        // Known by its format already: one finding is enough.
        if (hidden.some((other) => other.start < end && start < other.end)) continue;
      }
      hidden.push({ start, end });
      matches.push({ rule, start: match.index, end: match.index + match[0].length });
    }
    deadline.check();
  }
  return { matches, hidden: hidden.sort((a, b) => a.start - b.start || a.end - b.end) };
}

/** Bits a letter, by how often each occurs (Shannon). */
export function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const letter of text) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) {
    const share = count / text.length;
    bits -= share * Math.log2(share);
  }
  return bits;
}
