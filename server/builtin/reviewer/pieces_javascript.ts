/**
 * How JavaScript and TypeScript write texts. See `pieces.ts`.
 *
 * @module
 */

import type { Node } from "web-tree-sitter";
import { allText, isVariable, type Piece, scopeOf, type Texts } from "./texts.ts";

/** Calls that make of constants a constant. */
const PURE_CALLS =
  /^(?:path\.(?:join|resolve|dirname|normalize)|join|resolve|dirname|require\.resolve|fileURLToPath|url\.fileURLToPath|String|JSON\.stringify|String\.raw|Symbol|Object\.freeze)$/;
/** Names that are constants by convention, and what the runtime itself provides. */
const CONSTANT_NAME = /^(?:[A-Z][A-Z0-9_]+|__dirname|__filename|undefined|NaN|Infinity)$/;
const CONSTANT_MEMBER =
  /^(?:import\.meta\.\w{1,20}|process\.(?:execPath|pid|platform|arch|version)|os\.(?:EOL|tmpdir\(\))|path\.sep)$|\.[A-Z][A-Z0-9_]{2,60}$/;

export const JAVASCRIPT_TEXTS: Texts = {
  names: new Set(["identifier"]),

  split(node, part) {
    switch (node.type) {
      case "string":
        return [{ text: node.text.slice(1, -1) }];
      case "number":
      case "true":
      case "false":
      case "null":
      case "undefined":
      case "regex":
      case "function_expression":
      case "arrow_function":
        return [{ text: "" }];
      case "template_string":
        return templatePieces(node, part);
      case "parenthesized_expression":
      case "as_expression":
      case "satisfies_expression":
      case "non_null_expression": {
        const inner = node.firstNamedChild;
        return inner === null ? undefined : part(inner);
      }
      case "binary_expression": {
        const [left, right] = [node.childForFieldName("left"), node.childForFieldName("right")];
        if (left === null || right === null) return undefined;
        if (node.childForFieldName("operator")?.type === "+") {
          const pieces = [...part(left), ...part(right)];
          // A sum of numbers is no text; it matters only that it is no constant.
          return pieces.some((piece) => "text" in piece) ? pieces : undefined;
        }
        return allText([part(left), part(right)]);
      }
      case "ternary_expression": {
        const [yes, no] = [
          node.childForFieldName("consequence"),
          node.childForFieldName("alternative"),
        ];
        return yes === null || no === null ? undefined : allText([part(yes), part(no)]);
      }
      case "array":
        return allText(node.namedChildren.map(part));
      case "object":
        return allText(
          node.namedChildren.map((child) => {
            const value = child.childForFieldName("value");
            return value === null ? [{ value: child }] : part(value);
          }),
        );
      case "identifier":
        return CONSTANT_NAME.test(node.text) ? [{ text: "" }] : undefined;
      case "member_expression":
        return CONSTANT_MEMBER.test(node.text) ? [{ text: "" }] : undefined;
      case "call_expression":
        return callPieces(node, part);
    }
    return undefined;
  },

  definition(name) {
    const wanted = name.text;
    for (let scope = name.parent; scope !== null; scope = scope.parent) {
      if (declaresParameter(scope, wanted)) return undefined;
      if (scope.type !== "statement_block" && scope.type !== "program") continue;
      const known = scopeOf(scope, declarators);
      const found = known.declared.get(wanted);
      if (found === undefined) continue;
      // Given its value elsewhere, or more than once: not known.
      if (found.length > 1) return undefined;
      const isConst = found[0].parent?.childForFieldName("kind")?.type === "const";
      if (!isConst && isVariable(known, wanted, scope)) return undefined;
      return found[0].childForFieldName("value") ?? undefined;
    }
    return undefined;
  },
};

function templatePieces(node: Node, part: (node: Node) => Piece[]): Piece[] {
  const pieces: Piece[] = [];
  for (const child of node.namedChildren) {
    if (child.type === "template_substitution") {
      const inner = child.firstNamedChild;
      pieces.push(...(inner === null ? [] : part(inner)));
    } else pieces.push({ text: child.text });
  }
  return pieces.length === 0 ? [{ text: "" }] : pieces;
}

function callPieces(node: Node, part: (node: Node) => Piece[]): Piece[] | undefined {
  const callee = node.childForFieldName("function");
  const args = node.childForFieldName("arguments");
  if (callee === null || args === null) return undefined;
  if (args.type === "template_string") {
    return callee.text === "String.raw" ? part(args) : undefined;
  }
  if (PURE_CALLS.test(callee.text)) return allText(args.namedChildren.map(part));
  if (callee.type !== "member_expression") return undefined;
  const object = callee.childForFieldName("object");
  const method = callee.childForFieldName("property")?.text;
  if (object === null) return undefined;
  if (method === "concat") {
    const pieces = [part(object), ...args.namedChildren.map(part)].flat();
    return pieces.some((piece) => "text" in piece) ? pieces : undefined;
  }
  if (method === "join" && object.type === "array") return object.namedChildren.flatMap(part);
  // "…".trim() and the like say what the text itself says.
  if (/^(?:trim|trimEnd|trimStart|toLowerCase|toUpperCase|toString|repeat)$/.test(method ?? "")) {
    return part(object);
  }
  return undefined;
}

function declarators(scope: Node): [name: string, node: Node][] {
  return scope.namedChildren
    .map((node) =>
      node.type === "export_statement" ? node.childForFieldName("declaration") ?? node : node
    )
    .filter(({ type }) => type === "lexical_declaration" || type === "variable_declaration")
    .flatMap((node) => node.namedChildren.filter(({ type }) => type === "variable_declarator"))
    .map((node) => [node.childForFieldName("name")?.text ?? "", node]);
}

function declaresParameter(scope: Node, name: string): boolean {
  const parameters = scope.childForFieldName("parameters") ?? scope.childForFieldName("parameter");
  if (parameters === null) return false;
  return parameters.text === name ||
    parameters.descendantsOfType(["identifier", "shorthand_property_identifier_pattern"])
      .some((node) => node.text === name);
}
