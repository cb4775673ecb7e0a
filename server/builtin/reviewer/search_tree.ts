/**
 * Parses a text and runs the rules for code on its syntax tree. Every step is bounded: the parser and
 * the queries look at the deadline while they work, and all memory outside of JavaScript is given back.
 *
 * A text that its grammar does not take is still searched: the parser marks what it could not make
 * sense of and goes on. Where that is, is told.
 *
 * @module
 */

import {
  type Language as Grammar,
  type Node,
  Query,
  type QueryMatch,
  type Tree,
} from "web-tree-sitter";
import { type Deadline, TimeIsUp } from "./deadline.ts";
import { type GrammarName, newParser } from "./grammar.ts";
import { grammarsOf, type Language } from "./language.ts";
import type { Match } from "./match.ts";
import { holds, type PredicateContext } from "./predicates.ts";
import { withOlderSyntax } from "./newer_syntax.ts";
import type { TreeRule } from "./rule.ts";

/** Matches of one query that are in work at once, in the engine; more are dropped. */
const MATCH_LIMIT = 10_000;

/** What was found. */
export interface TreeMatches {
  matches: Match[];
  /** Offset of the first place the grammar did not take; undefined when it took everything. */
  brokenAt: number | undefined;
}

/** What is searched. */
export interface TreeSearch {
  language: Language;
  /** Name of the file, for the choice of the grammar. */
  path: string;
  rules: readonly TreeRule[];
  deadline: Deadline;
}

/** Parses and searches. @throws {TimeIsUp} */
export async function searchTree(text: string, search: TreeSearch): Promise<TreeMatches> {
  const rules = search.rules.filter(({ words }) => words.some((word) => text.includes(word)));
  const { tree, grammar, name } = await parse(text, search);
  try {
    const context = { language: search.language, text };
    const matches = rules.flatMap((rule) =>
      run(rule, { query: queryOf(rule, grammar, name), tree, context, deadline: search.deadline })
    );
    return { matches, brokenAt: tree.rootNode.hasError ? firstError(tree.rootNode) : undefined };
  } finally {
    tree.delete();
  }
}

interface Parsed {
  tree: Tree;
  grammar: Grammar;
  name: GrammarName;
}

/** With the first grammar that takes the whole text, else with the first one. */
async function parse(text: string, { language, path, deadline }: TreeSearch): Promise<Parsed> {
  const names = grammarsOf(language, path);
  const older = language === "python" ? text : withOlderSyntax(text);
  const ways = names.map((name) => ({ name, text }));
  if (older !== text) ways.push(...names.map((name) => ({ name, text: older })));
  let first: Parsed | undefined;
  for (const { name, text } of ways) {
    const parsed = await parseWith(name, { text, deadline });
    if (parsed === undefined) {
      first?.tree.delete();
      throw new TimeIsUp("The time for this file is up");
    }
    if (!parsed.tree.rootNode.hasError) {
      first?.tree.delete();
      return parsed;
    }
    if (first === undefined) first = parsed;
    else parsed.tree.delete();
  }
  return first!;
}

/** Undefined when it was not done in time. */
async function parseWith(
  name: GrammarName,
  { text, deadline }: { text: string; deadline: Deadline },
): Promise<Parsed | undefined> {
  const { parser, grammar } = await newParser(name);
  try {
    // Returning true ends it; the types of 0.27 do not say so.
    const tree = parser.parse(text, null, { progressCallback: () => deadline.passed });
    return tree === null ? undefined : { tree, grammar, name };
  } finally {
    parser.delete();
  }
}

const queries = new Map<string, Query>();

/** Compiled once for each grammar: there are only so many rules. */
function queryOf(rule: TreeRule, grammar: Grammar, name: GrammarName): Query {
  const key = `${name} ${rule.id}`;
  let query = queries.get(key);
  if (query === undefined) {
    try {
      query = new Query(grammar, rule.query);
    } catch (cause) {
      throw new Error(`Cannot use the query of rule ${rule.id} with the grammar ${name}`, {
        cause,
      });
    }
    queries.set(key, query);
  }
  return query;
}

interface Run {
  query: Query;
  tree: Tree;
  context: PredicateContext;
  deadline: Deadline;
}

function run(rule: TreeRule, { query, tree, context, deadline }: Run): Match[] {
  deadline.check();
  const found = query.matches(tree.rootNode, {
    matchLimit: MATCH_LIMIT,
    progressCallback: () => deadline.passed,
  });
  deadline.check();
  const matches: Match[] = [];
  const starts = new Set<number>();
  for (const match of found) {
    const hit = match.captures.find(({ name }) => name === "hit")?.node;
    // Several patterns of one rule may find the same.
    if (hit === undefined || starts.has(hit.startIndex)) continue;
    if (!accepted(match, query, context)) continue;
    deadline.check();
    starts.add(hit.startIndex);
    matches.push({ rule, start: hit.startIndex, end: hit.endIndex });
  }
  return matches;
}

/** Whether our own predicates hold; those of tree-sitter have been looked at before. */
function accepted(match: QueryMatch, query: Query, context: PredicateContext): boolean {
  return query.predicatesForPattern(match.patternIndex).every(({ operator, operands }) => {
    const [subject, ...rest] = operands;
    if (subject?.type !== "capture") {
      throw new Error(`The predicate #${operator} needs a capture first`);
    }
    const node = match.captures.find(({ name }) => name === subject.name)?.node;
    // Not captured in this alternative: nothing to look at.
    if (node === undefined) return true;
    const texts = rest.map((operand) => operand.type === "string" ? operand.value : "");
    return holds(operator.replace(/\?$/, ""), { node, operands: texts, context });
  });
}

/** The way down to the first part that is an error or missing. */
function firstError(root: Node): number {
  let node = root;
  while (!node.isError && !node.isMissing) {
    const next = node.children.find((child) => child.hasError || child.isMissing);
    if (next === undefined) break;
    node = next;
  }
  return node.startIndex;
}
