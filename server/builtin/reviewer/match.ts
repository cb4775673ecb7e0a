/**
 * A finding before it has a line and an excerpt.
 *
 * @module
 */

import type { Rule } from "./rule.ts";

/** What a rule found, as offsets in the text. */
export interface Match {
  rule: Rule;
  start: number;
  end: number;
}
