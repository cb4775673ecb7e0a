/**
 * How Python writes texts. See `pieces.ts`.
 *
 * @module
 */

import type { Node } from "web-tree-sitter";
import { allText, isVariable, type Piece, scopeOf, type Texts } from "./texts.ts";

/** Calls that make of constants a constant. */
const PURE_CALLS =
  /^(?:os\.path\.(?:join|dirname|abspath|realpath)|Path|pathlib\.Path|str|repr|bytes|dict|list|set|tuple)$/;
/** Calls whose result a shell or a database takes as one word, whatever is in it. */
const QUOTING_CALLS = /^(?:shlex\.(?:quote|join)|pipes\.quote|quote)$/;
const CONSTANT_NAME = /^(?:[A-Z][A-Z0-9_]+|__file__|__name__)$/;
const CONSTANT_MEMBER = /^(?:sys\.executable|os\.(?:sep|linesep|devnull))$|\.[A-Z][A-Z0-9_]{2,60}$/;

export const PYTHON_TEXTS: Texts = {
  names: new Set(["identifier"]),

  split(node, part) {
    switch (node.type) {
      case "string":
        return stringPieces(node, part);
      case "concatenated_string":
        return node.namedChildren.flatMap(part);
      case "integer":
      case "float":
      case "true":
      case "false":
      case "none":
      case "lambda":
        return [{ text: "" }];
      case "parenthesized_expression": {
        const inner = node.firstNamedChild;
        return inner === null ? undefined : part(inner);
      }
      case "binary_operator":
        return operatorPieces(node, part);
      case "conditional_expression": {
        const [yes, , no] = node.namedChildren;
        return yes === undefined || no === undefined ? undefined : allText([part(yes), part(no)]);
      }
      case "list":
      case "tuple":
      case "set":
        return allText(node.namedChildren.map(part));
      case "identifier":
        return CONSTANT_NAME.test(node.text) ? [{ text: "" }] : undefined;
      case "attribute":
        return CONSTANT_MEMBER.test(node.text) ? [{ text: "" }] : undefined;
      case "call":
        return callPieces(node, part);
    }
    return undefined;
  },

  definition(name) {
    const wanted = name.text;
    for (let scope = name.parent; scope !== null; scope = scope.parent) {
      if (scope.type === "function_definition" || scope.type === "lambda") {
        const parameters = scope.childForFieldName("parameters");
        const names = parameters?.descendantsOfType("identifier") ?? [];
        if (names.some((node) => node.text === wanted)) return undefined;
      }
      if (scope.type !== "block" && scope.type !== "module") continue;
      const known = scopeOf(scope, assignments);
      const found = known.declared.get(wanted);
      if (found === undefined) continue;
      return found.length === 1 && !isVariable(known, wanted, scope) ? found[0] : undefined;
    }
    return undefined;
  },
};

function stringPieces(node: Node, part: (node: Node) => Piece[]): Piece[] {
  const pieces: Piece[] = [];
  for (const child of node.namedChildren) {
    if (child.type === "interpolation") {
      const inner = child.childForFieldName("expression") ?? child.firstNamedChild;
      pieces.push(...(inner === null ? [{ value: child }] : part(inner)));
    } else if (child.type === "string_content") pieces.push({ text: child.text });
  }
  return pieces.length === 0 ? [{ text: "" }] : pieces;
}

function operatorPieces(node: Node, part: (node: Node) => Piece[]): Piece[] | undefined {
  const [left, right] = [node.childForFieldName("left"), node.childForFieldName("right")];
  const operator = node.childForFieldName("operator")?.type;
  if (left === null || right === null) return undefined;
  if (operator === "+") {
    const pieces = [...part(left), ...part(right)];
    return pieces.some((piece) => "text" in piece) ? pieces : undefined;
  }
  if (operator !== "%") return allText([part(left), part(right)]);
  const format = part(left);
  if (!format.some((piece) => "text" in piece)) return undefined;
  const values = right.type === "tuple" ? right.namedChildren.flatMap(part) : part(right);
  return [...format, ...values];
}

function callPieces(node: Node, part: (node: Node) => Piece[]): Piece[] | undefined {
  const callee = node.childForFieldName("function");
  const args = node.childForFieldName("arguments");
  if (callee === null || args === null) return undefined;
  if (QUOTING_CALLS.test(callee.text)) return [{ text: "" }];
  if (PURE_CALLS.test(callee.text)) return allText(args.namedChildren.map(part));
  if (callee.type !== "attribute") return undefined;
  const object = callee.childForFieldName("object");
  const method = callee.childForFieldName("attribute")?.text;
  if (object === null) return undefined;
  if (method === "format") {
    const format = part(object);
    if (!format.some((piece) => "text" in piece)) return undefined;
    const values = args.namedChildren.map((arg) => arg.childForFieldName("value") ?? arg);
    return [...format, ...values.flatMap(part)];
  }
  if (method === "join" && args.firstNamedChild?.type === "list") {
    return args.firstNamedChild.namedChildren.flatMap(part);
  }
  if (/^(?:strip|lstrip|rstrip|lower|upper|encode|decode)$/.test(method ?? "")) {
    return part(object);
  }
  return undefined;
}

/** What is assigned directly in a block. An augmented assignment counts as one of its own. */
function assignments(scope: Node): [name: string, node: Node][] {
  return scope.namedChildren.flatMap((statement) => {
    if (statement.type !== "expression_statement") return [];
    const left = statement.firstNamedChild?.childForFieldName("left");
    const right = statement.firstNamedChild?.childForFieldName("right");
    return left && right ? [[left.text, right] as [string, Node]] : [];
  });
}
