/**
 * What a rule is. A rule is data: adding one means adding an entry to a table, and its examples are its
 * tests.
 *
 * @module
 */

import type { Language } from "./language.ts";
import type { Severity } from "./result.ts";

/**
 * What the pattern of a rule is matched against. In each, offsets and line breaks are those of the file.
 *
 * - `code`: comments and the content of strings are blanks.
 * - `text`: comments are blanks; a match must begin in code, so that a string that merely talks about
 *   code is not a finding.
 * - `all`: the file as it is.
 */
export type View = "code" | "text" | "all";

/** One thing to look for. */
export interface Rule {
  /** Lower case, with hyphens; never changes once published. */
  id: string;
  /** A few words, for tables. */
  title: string;
  severity: Severity;
  /** Languages it is for; `any` looks at every text file. */
  languages: readonly Language[] | "any";
  /** Weakness in the Common Weakness Enumeration, `CWE-` and a number. */
  cwe: string;
  view: View;
  /**
   * What to find, without the flags `g` and `y`. Every quantifier is bounded (a test sees to it), so
   * that matching is linear in the size of the file. A group named `secret` is never shown.
   */
  pattern: RegExp;
  /** The rule is only for files whose text (without comments) matches this. */
  context?: RegExp;
  /** The rule is not for files whose text (without comments) matches this. */
  unless?: RegExp;
  /** A match in which this is found is none. */
  except?: RegExp;
  /** One sentence: what is wrong. */
  message: string;
  /** One sentence: what to do instead. */
  remedy: string;
  examples: {
    /** Each gives exactly one finding of this rule. */
    bad: readonly string[];
    /** None gives a finding of this rule. */
    good: readonly string[];
  };
}
