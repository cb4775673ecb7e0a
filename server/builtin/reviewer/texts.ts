/**
 * The parts of a text in a program, and what a language has to tell about how it writes them.
 *
 * @module
 */

import type { Node, Tree } from "web-tree-sitter";

/** A part of a text: as written, or a value of the running program. */
export type Piece = { text: string } | { value: Node };

/** How a language writes texts. */
export interface Texts {
  /**
   * What an expression is made of; `undefined` when it is no text or constant at all. Called with
   * `part` for its operands.
   */
  split(node: Node, part: (node: Node) => Piece[]): Piece[] | undefined;
  /** The expression that gives `name` its value, where there is exactly one. */
  definition(name: Node): Node | undefined;
  /** Types of nodes that are a plain name. */
  names: ReadonlySet<string>;
}

/** The parts together if every one is written; `undefined` when there is a value among them. */
export function allText(parts: readonly Piece[][]): Piece[] | undefined {
  const pieces = parts.flat();
  return pieces.every((piece) => "text" in piece) ? pieces : undefined;
}

/**
 * Whether `name` is given a value more than once in a piece of source. It may say so where it is not:
 * then the name is simply not followed.
 */
function isAssignedAgain(source: string, name: string): boolean {
  const escaped = name.replace(/\$/g, "\\$&");
  const assignment = new RegExp(
    String
      .raw`(?<![\w$.])${escaped}\s{0,9}(?:[-+*/%|&?]{0,2}=(?![=>])|:[^=;\n]{1,99}=(?![=>])|\+\+|--)`,
    "g",
  );
  let times = 0;
  for (const _ of source.matchAll(assignment)) if (++times > 1) return true;
  return false;
}

/** What is given a value directly in a scope, by name, and whether more than once. */
interface Scope {
  declared: ReadonlyMap<string, readonly Node[]>;
  again: Map<string, boolean>;
}

const scopes = new WeakMap<Tree, Map<number, Scope>>();

/** What is declared in a scope: found once for each, because big files ask for it again and again. */
export function scopeOf(node: Node, declare: (node: Node) => [name: string, node: Node][]): Scope {
  let ofTree = scopes.get(node.tree);
  if (ofTree === undefined) scopes.set(node.tree, ofTree = new Map());
  let scope = ofTree.get(node.id);
  if (scope === undefined) {
    const declared = Map.groupBy(declare(node), ([name]) => name);
    scope = {
      declared: new Map([...declared].map(([name, all]) => [name, all.map(([, node]) => node)])),
      again: new Map(),
    };
    ofTree.set(node.id, scope);
  }
  return scope;
}

/** {@linkcode isAssignedAgain}, remembered. */
export function isVariable(scope: Scope, name: string, node: Node): boolean {
  let again = scope.again.get(name);
  if (again === undefined) scope.again.set(name, again = isAssignedAgain(node.text, name));
  return again;
}
