/**
 * Predicates that the queries of rules may use beside those of tree-sitter, by name. Each has a form
 * with `not-` in front.
 *
 * - `(#dynamic? @x)`: the expression is not a constant.
 * - `(#built? @x)`: a text put together from written parts and values.
 * - `(#code-value? @x)`: it holds a value that is not written out as a literal by `JSON.stringify`.
 * - `(#shell-value? @x)`: a text built with a value that is not quoted, a number, or the program itself.
 * - `(#sql? @x)`: such a text that is an SQL statement, with a value that is no list of placeholders and
 *   no name of a table.
 * - `(#markup? @x)`: such a text that holds a tag of HTML.
 * - `(#from-request? @x)`: it holds something that came with a request, as web frameworks name it.
 * - `(#imports? @any "a" "b")`: the file imports one of these modules.
 * - `(#file-matches? @any "pattern")`: the file holds this.
 * - `(#has? @x "pattern")`: the text of the node, or of what its name stands for, holds this.
 * - `(#near? @x "pattern")`: the statement around the node holds this.
 *
 * @module
 */

import type { Node } from "web-tree-sitter";
import type { Language } from "./language.ts";
import { piecesOf, valueOf } from "./pieces.ts";

/** What a predicate may look at. */
export interface PredicateContext {
  language: Language;
  /** The file. */
  text: string;
}

type Predicate = (node: Node, operands: readonly string[], context: PredicateContext) => boolean;

const PREDICATES: Readonly<Record<string, Predicate>> = {
  dynamic: (node, _operands, { language }) =>
    piecesOf(node, language).some((piece) => "value" in piece),
  built: (node, _operands, { language }) => {
    const pieces = piecesOf(node, language);
    return pieces.some((piece) => "value" in piece) && pieces.some((piece) => "text" in piece);
  },
  "code-value": (node, _operands, { language }) =>
    piecesOf(node, language).some((piece) =>
      "value" in piece && !/^JSON\.stringify\(/.test(piece.value.text)
    ),
  "shell-value": (node, _operands, { language }) => {
    const pieces = piecesOf(node, language);
    return pieces.some((piece) => "text" in piece) &&
      pieces.some((piece, at) =>
        "value" in piece && !HARMLESS_IN_SHELL.test(piece.value.text.slice(0, 200)) &&
        !(at === 0 && PROGRAM.test(piece.value.text.slice(0, 200)))
      );
  },
  sql: (node, _operands, { language }) => isSqlWithValue(node, language),
  markup: (node, _operands, { language }) => {
    const pieces = piecesOf(node, language);
    return pieces.some((piece) => "value" in piece) &&
      pieces.some((piece) => "text" in piece && /<[a-zA-Z!/]/.test(piece.text));
  },
  "from-request": (node, _operands, { language }) => isFromRequest(node, language),
  imports: (_node, modules, { language, text }) =>
    modules.some((name) => importPattern(name, language).test(text)),
  "file-matches": (_node, [pattern], { text }) => cached(pattern).test(text),
  has: (node, [pattern], { language }) =>
    cached(pattern).test(node.text) || cached(pattern).test(valueOf(node, language).text),
  near: (node, [pattern]) => {
    let statement = node;
    for (
      let outer = node.parent;
      outer !== null && outer.text.length < STATEMENT;
      outer = outer.parent
    ) {
      statement = outer;
    }
    return cached(pattern).test(statement.text);
  },
};

/**
 * Whether a predicate holds. `name` is without the marks around it.
 *
 * @throws {Error} There is none of this name: a mistake in a rule.
 */
export function holds(
  name: string,
  { node, operands, context }: {
    node: Node;
    operands: readonly string[];
    context: PredicateContext;
  },
): boolean {
  const negative = name.startsWith("not-");
  const plain = negative ? name.slice(4) : name;
  if (!Object.hasOwn(PREDICATES, plain)) throw new Error(`There is no predicate #${name}?`);
  return PREDICATES[plain](node, operands, context) !== negative;
}

/** Longest text, characters, that counts as one statement. */
const STATEMENT = 300;

/** Values that a shell cannot misunderstand: escaped, or numbers. */
const HARMLESS_IN_SHELL =
  /saniti[sz]e|escape|quot|^JSON\.stringify\(|(?:^|\.)(?:pid|PID|port|length)$|^(?:Number|parseInt|int|Math\.\w{1,9})\(/i;
/** The program that is run, at the beginning of a command: chosen by this code, not by its input. */
const PROGRAM =
  /(?:cmd|command|bin|binary|exe|executable|program|cli|tool|interpreter)(?:path)?\)?$|^util\.get\w{1,40}\(\)$/i;

/** The beginning of an SQL statement; a second word keeps prose out. */
const SQL =
  /^[\s(]{0,200}(?:SELECT\s[\s\S]{0,2000}?\sFROM\s|(?:INSERT|REPLACE)\s{1,20}INTO\s|UPDATE\s[\s\S]{0,300}?\sSET\s|DELETE\s{1,20}FROM\s|DROP\s{1,20}(?:TABLE|DATABASE)\s|ALTER\s{1,20}TABLE\s)/i;
/** Values that are placeholders, names of tables and columns, or made of nothing but placeholders. */
const HARMLESS_IN_SQL =
  /placeholders?|table|column|condition|clause|(?:sql|query|filters?)$|schema|fields?\b|keys?\)?$|where(?:_?clause)?$|order_?by|(?:^|\.)(?:limit|offset|length|count)$|["'`](?:\?|%s|\$\d?)[, ]{0,2}["'`]|escape|quote|ident|^(?:int|Number|parseInt|float)\(/i;

function isSqlWithValue(node: Node, language: Language): boolean {
  const pieces = piecesOf(node, language);
  const written = pieces.map((piece) => "text" in piece ? piece.text : "x").join("");
  if (!SQL.test(`${written} `)) return false;
  if (!("text" in pieces[0])) return false;
  return pieces.some((piece) =>
    "value" in piece && !HARMLESS_IN_SQL.test(piece.value.text.slice(0, 200))
  );
}

const REQUEST: Readonly<Record<Language, RegExp>> = (() => {
  const javascript =
    /\b(?:req|request|ctx(?:\.request)?)\.(?:query|body|params?|headers|cookies|originalUrl)\b/;
  return {
    javascript,
    typescript: javascript,
    python:
      /\b(?:flask\.)?request\.(?:args|form|values|json|cookies|headers|GET|POST|query_params|get_json|data)\b/,
  };
})();
/** Calls that leave nothing of a text that could do harm, with what they are given. */
const HARMLESS =
  /\b(?:encodeURIComponent|encodeURI|parseInt|Number|Boolean|int|float|bool|len|escape|escapeHtml|escapeHTML|secure_filename|basename|typeof)\([^()]{0,200}(?:\([^()]{0,200}\)[^()]{0,100}){0,3}\)/g;

function isFromRequest(node: Node, language: Language): boolean {
  const pattern = REQUEST[language];
  return piecesOf(node, language).some((piece) => {
    if ("text" in piece) return false;
    const named = valueOf(piece.value, language);
    return [piece.value, named].some(({ type, text }) =>
      !/function/.test(type) && text.length < 500 && pattern.test(text.replace(HARMLESS, ""))
    );
  });
}

function importPattern(name: string, language: Language): RegExp {
  const module = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return cached(
    language === "python"
      ? String
        .raw`^[ \t]{0,40}(?:from\s{1,9}${module}(?:\.[\w.]{1,99})?\s|import\s[^\n]{0,200}?\b${module}\b)`
      : String
        .raw`(?:\bfrom\s{0,9}|\brequire\(\s{0,9}|\bimport\(?\s{0,9})["'\x60](?:node:)?${module}(?:["'\x60]|/)`,
    "m",
  );
}

const patterns = new Map<string, RegExp>();

/** Patterns of rules, so few that they may be kept. */
function cached(source: string, flags = ""): RegExp {
  let pattern = patterns.get(source);
  if (pattern === undefined) patterns.set(source, pattern = new RegExp(source, flags));
  return pattern;
}
