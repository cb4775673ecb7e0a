/**
 * What a text in a program is made of: parts that are written in the source, and values that are only
 * known when it runs. That is what tells a constant from something an attacker may have a hand in.
 *
 * It follows a name to the one place in the same file that gives it its value, and no further: not
 * through calls, parameters or other files.
 *
 * @module
 */

import type { Node } from "web-tree-sitter";
import type { Language } from "./language.ts";
import { JAVASCRIPT_TEXTS } from "./pieces_javascript.ts";
import { PYTHON_TEXTS } from "./pieces_python.ts";
import type { Piece, Texts } from "./texts.ts";

const TEXTS: Readonly<Record<Language, Texts>> = {
  javascript: JAVASCRIPT_TEXTS,
  typescript: JAVASCRIPT_TEXTS,
  python: PYTHON_TEXTS,
};

/** How far expressions nest, and names lead to names, before it is called a value. */
const MAX_DEPTH = 40;
/** Most parts of one text. */
const MAX_PIECES = 400;

/** The parts of an expression, in order. */
export function piecesOf(node: Node, language: Language): Piece[] {
  const texts = TEXTS[language];
  let left = MAX_PIECES;
  const part = (node: Node, depth: number): Piece[] => {
    if (depth > MAX_DEPTH || --left < 0) return [{ value: node }];
    const own = texts.split(node, (child) => part(child, depth + 1));
    if (own !== undefined) return own;
    if (!texts.names.has(node.type)) return [{ value: node }];
    const definition = texts.definition(node);
    if (definition === undefined || contains(definition, node)) return [{ value: node }];
    const pieces = part(definition, depth + MAX_DEPTH / 4);
    // A name that only leads to another value is that value by its own name.
    return pieces.length === 1 && "value" in pieces[0] ? [{ value: node }] : pieces;
  };
  return part(node, 0);
}

/** The expression a name stands for, else the node itself. */
export function valueOf(node: Node, language: Language): Node {
  const texts = TEXTS[language];
  if (!texts.names.has(node.type)) return node;
  return texts.definition(node) ?? node;
}

function contains(outer: Node, inner: Node): boolean {
  return outer.startIndex <= inner.startIndex && inner.endIndex <= outer.endIndex;
}
