/**
 * The text of a configuration as a tree that knows where everything stands. Comments, trailing commas
 * and a byte order mark are welcome. Guarantees: whatever the text is, the outcome is a tree or a
 * {@linkcode ConfigError}; a key such as `__proto__` is a key like any other; of a key given twice the
 * last counts, and both lines are told.
 *
 * @module
 */

import {
  createScanner,
  type Node,
  type ParseError,
  type ParseErrorCode,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";

export type { Node };

/** A configuration that cannot be used. The message has one line per problem: `file:line:column: …`. */
export class ConfigError extends Error {
  override name = "ConfigError";
  /** Each problem, with its place and what to do. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: { cause?: unknown }) {
    super(problems.join("\n"), options);
    this.problems = problems;
  }
}

/** Deeper than any configuration; the parser recurses, and would end the stack of a hostile text. */
const DEEPEST = 100;

/** Broken JSON makes a parser stumble again and again; more than these says nothing new. */
const MOST_SYNTAX_ERRORS = 5;

// jsonc-parser declares SyntaxKind as an ambient `const enum`, which single files cannot read.
const OPEN_BRACE = 1, CLOSE_BRACE = 2, OPEN_BRACKET = 3, CLOSE_BRACKET = 4, END_OF_FILE = 17;

const SYNTAX_HINTS: Readonly<Record<string, string>> = {
  InvalidSymbol: 'a word that JSON does not have; texts stand in double quotes ("like this")',
  InvalidNumberFormat: "a number that JSON cannot have",
  PropertyNameExpected: 'a key in double quotes is missing ("key": value)',
  ValueExpected: "a value is missing",
  ColonExpected: 'a ":" is missing between key and value',
  CommaExpected: 'a "," is missing before this',
  CloseBraceExpected: 'a closing "}" is missing',
  CloseBracketExpected: 'a closing "]" is missing',
  EndOfFileExpected: "more text after the end of the JSON; remove it",
  InvalidCommentToken: "a comment that cannot be read",
  UnexpectedEndOfComment: 'a comment that is not closed with "*/"',
  UnexpectedEndOfString: "a text that is not closed with a double quote",
  UnexpectedEndOfNumber: "a number that stops in the middle",
  InvalidUnicode: "a \\u that is not followed by four hexadecimal digits",
  InvalidEscapeCharacter:
    'a "\\" that starts no escape JSON knows; write "\\\\" for one backslash, as in Windows paths',
  InvalidCharacter: "a control character; write it as an escape, such as \\t",
};

/** The tree of a configuration and the places in its text. */
export class ConfigDocument {
  readonly root: Node;
  readonly #file: string;
  readonly #lineStarts: readonly number[];

  /**
   * @param file Name of the file for messages.
   * @param text The text; a byte order mark at its head is skipped.
   * @throws {ConfigError} When it is not JSON (comments and trailing commas aside) or no object.
   */
  constructor(file: string, text: string) {
    this.#file = file;
    const json = text.startsWith("\uFEFF") ? text.slice(1) : text;
    this.#lineStarts = lineStartsOf(json);
    refuseDepth(json, (offset) => this.atOffset(offset));
    const errors: ParseError[] = [];
    const root = parseTree(json, errors, { allowTrailingComma: true });
    if (json.trim() === "") {
      throw new ConfigError([`${file}:1:1: The file is empty: write {} into it, or remove it.`]);
    }
    if (errors.length > 0 || !root) {
      // Each bracket that is not closed is missed at the end of the file: once is enough there.
      const found = new Set(
        errors.map(({ offset, error }) =>
          `${this.atOffset(offset)}: Invalid JSON: ${hint(error)}.`
        ),
      );
      const shown = [...found].slice(0, MOST_SYNTAX_ERRORS);
      throw new ConfigError(shown.length > 0 ? shown : [`${file}:1:1: Invalid JSON.`]);
    }
    if (root.type !== "object") {
      throw new ConfigError([
        `${this.at(root)}: The file holds ${kindOf(toData(root))}; it must be an object, such as ` +
        `{ "mcpServers": {} }.`,
      ]);
    }
    this.root = root;
  }

  /** `file:line:column` of a node, line and column from 1, columns in UTF-16 units as editors count. */
  at(node: Node): string {
    return this.atOffset(node.offset);
  }

  /** `file:line:column` of an offset into the text. */
  atOffset(offset: number): string {
    const line = this.#lineAt(offset);
    return `${this.#file}:${line}:${offset - this.#lineStarts[line - 1]! + 1}`;
  }

  /** Line of a node, from 1. */
  lineOf(node: Node): number {
    return this.#lineAt(node.offset);
  }

  #lineAt(offset: number): number {
    let low = 0;
    let high = this.#lineStarts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#lineStarts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }
}

/** One key of an object with its value. */
export interface Property {
  /** Where the key stands. */
  key: Node;
  /** Where the value stands. */
  node: Node;
  /** The value as plain data; see {@linkcode toData}. */
  value: unknown;
}

/** The keys of an object node, in the order of the text; of a key given twice, the last. */
export function propertiesOf(object: Node): Map<string, Property> {
  const properties = new Map<string, Property>();
  for (const { children } of object.children ?? []) {
    const [key, node] = children ?? [];
    if (!key || !node) continue;
    properties.delete(key.value);
    properties.set(key.value, { key, node, value: toData(node) });
  }
  return properties;
}

/** Every key that an object of the tree has more than once, with its places in order. */
export function duplicateKeys(root: Node): Node[][] {
  const found: Node[][] = [];
  const waiting: Node[] = [root];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (node.type === "object") {
      const places = Map.groupBy(
        (node.children ?? []).flatMap(({ children }) => children?.[0] ?? []),
        (key) => key.value as string,
      );
      for (const keys of places.values()) if (keys.length > 1) found.push(keys);
    }
    for (const child of node.children ?? []) waiting.push(child);
  }
  return found;
}

/** The node at a path below `node`; the deepest one on the way when there is none. */
export function nodeAt(node: Node, path: readonly PropertyKey[]): Node {
  const [step, ...rest] = path;
  if (step === undefined) return node;
  const next = node.type === "array"
    ? node.children?.[Number(step)]
    : node.children?.findLast(({ children }) => children?.[0]?.value === step)?.children?.[1];
  return next ? nodeAt(next, rest) : node;
}

/** A node as plain data. Objects become Maps, so that no key of the file can touch a prototype. */
export function toData(node: Node): unknown {
  if (node.type === "array") return (node.children ?? []).map(toData);
  if (node.type !== "object") return node.value;
  return new Map([...propertiesOf(node)].map(([key, { value }]) => [key, value]));
}

/** What kind of JSON value it is, for messages that must not show the value itself. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** A text of the file in quotes for a message: escaped, and cut when it is long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? text.slice(0, 79) + "…" : text);
}

function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (const { index, 0: lineEnd } of text.matchAll(/\r\n|\r|\n/g)) {
    starts.push(index + lineEnd.length);
  }
  return starts;
}

function refuseDepth(text: string, at: (offset: number) => string): void {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (let token = scanner.scan() as number; token !== END_OF_FILE; token = scanner.scan()) {
    if (token === OPEN_BRACE || token === OPEN_BRACKET) depth++;
    if (token === CLOSE_BRACE || token === CLOSE_BRACKET) depth--;
    if (depth > DEEPEST) {
      throw new ConfigError([
        `${at(scanner.getTokenOffset())}: Objects and arrays nest deeper than ${DEEPEST} levels: ` +
        `remove some.`,
      ]);
    }
  }
}

function hint(code: ParseErrorCode): string {
  const name = printParseErrorCode(code);
  return SYNTAX_HINTS[name] ?? name;
}
