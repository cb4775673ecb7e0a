/**
 * What a rule is. A rule is data: adding one means adding an entry to a table, and its examples are its
 * tests.
 *
 * @module
 */

import type { Language } from "./language.ts";
import type { Severity } from "./result.ts";

/** What every rule has. */
interface RuleFacts {
  /** Lower case, with hyphens; never changes once published. */
  id: string;
  /** A few words, for tables. */
  title: string;
  severity: Severity;
  /** Weakness in the Common Weakness Enumeration, `CWE-` and a number. */
  cwe: string;
  /** Category of the OWASP Top Ten of 2021, `A01:2021` to `A10:2021`. */
  owasp: string;
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

/** A rule for code: a query on the syntax tree. Comments and prose in strings cannot match. */
export interface TreeRule extends RuleFacts {
  kind: "tree";
  languages: readonly Language[];
  /** The query is run only on files that hold one of these words: most rules cost most files nothing. */
  words: readonly string[];
  /**
   * Queries of tree-sitter. The capture `@hit` is what is found, the whole of it or the telling part.
   * Beside tree-sitter's own predicates those of `predicates.ts` may be used.
   */
  query: string;
}

/** A rule for any text file: a pattern on the text as it is, comments and strings included. */
export interface TextRule extends RuleFacts {
  kind: "text";
  languages: "any";
  /**
   * What to find, without the flags `g` and `y`. Every quantifier is bounded (a test sees to it), so
   * that matching is linear in the size of the file. The group named `secret` is never shown.
   */
  pattern: RegExp;
  /** A match in which this is found is none. */
  except?: RegExp;
  /** Fewest bits of entropy a letter of the secret must have; words and placeholders have fewer. */
  entropy?: number;
}

/** One thing to look for. */
export type Rule = TreeRule | TextRule;
