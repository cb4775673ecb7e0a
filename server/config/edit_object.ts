/**
 * Changes to the keys of an object in a JSONC text that leave everything else as its author wrote it:
 * comments, order, spacing, line ends, trailing commas. `modify` of jsonc-parser is not used because it
 * removes the comments around a key that goes, and moves the comment at the end of a line behind the
 * key that comes.
 *
 * What a change adds looks like its neighbours: on one line where they are, else indented as they are.
 *
 * @module
 */

import { createScanner, type Edit } from "jsonc-parser";
import type { Node } from "./document.ts";

/** A plain JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** How the author writes. */
export interface Style {
  /** One step of indentation. */
  unit: string;
  /** The end of a line. */
  eol: string;
}

/** What an object gets. */
export interface NewProperty {
  key: string;
  value: Json;
}

// jsonc-parser declares SyntaxKind as an ambient `const enum`, which single files cannot read.
const COMMA = 5, LINE_COMMENT = 12, BLOCK_COMMENT = 13, LINE_BREAK = 14, SPACE = 15;

/** Arrays stay on one line up to this column. */
const WIDTH = 80;

/** The style of a text, as far as it shows one; else two spaces and line feeds. */
export function styleOf(text: string, root: Node): Style {
  const [first] = root.children ?? [];
  const unit = first && ownLineIndent(text, first.offset);
  return { unit: unit || "  ", eol: /\r\n|\n|\r/.exec(text)?.[0] ?? "\n" };
}

/** The edits that add a key at the end of an object. */
export function insertProperty(
  text: string,
  object: Node,
  { property: { key, value }, style }: { property: NewProperty; style: Style },
): Edit[] {
  const written = (pad: string | undefined) =>
    `${JSON.stringify(key)}: ${format(value, { pad, style })}`;
  const last = object.children?.at(-1);
  if (!last) {
    const inside = text.slice(object.offset + 1, endOf(object) - 1);
    const outer = lineIndent(text, object.offset);
    const pad = outer + style.unit;
    const from = object.offset + 1 + inside.trimEnd().length;
    const content = style.eol + pad + written(pad) + style.eol + outer;
    return [{ offset: from, length: endOf(object) - 1 - from, content }];
  }
  const end = endOf(last);
  const comma = commaAfter(text, end);
  const commas: Edit[] = comma === undefined ? [{ offset: end, length: 0, content: "," }] : [];
  const from = comma === undefined ? end : comma + 1;
  const trailing = comma === undefined ? "" : ",";
  const lineEnd = commentsEnd(text, from);
  let pad = ownLineIndent(text, last.offset);
  // Behind a comment up to the end of the line, only a line of its own is left.
  if (pad === undefined && lineEnd > from) pad = lineIndent(text, object.offset) + style.unit;
  if (pad === undefined) {
    return [...commas, { offset: from, length: 0, content: ` ${written(undefined)}${trailing}` }];
  }
  const content = style.eol + pad + written(pad) + trailing;
  return [...commas, { offset: lineEnd, length: 0, content }];
}

/** The edit that gives a property another value. */
export function replaceValue(
  text: string,
  property: Node,
  { value, style }: { value: Json; style: Style },
): Edit[] {
  const old = property.children![1]!;
  const pad = ownLineIndent(text, property.offset);
  const content = format(value, { pad, style });
  return [{ offset: old.offset, length: old.length, content }];
}

/** The edits that remove the property at an index of an object. Comments outside of it stay. */
export function removeProperty(text: string, object: Node, index: number): Edit[] {
  const properties = object.children ?? [];
  const property = properties[index]!;
  const { offset: start } = property;
  let end = endOf(property);
  const edits: Edit[] = [];
  const comma = commaAfter(text, end);
  if (comma !== undefined) {
    if (text.slice(end, comma).trim() === "") end = comma + 1;
    else edits.push({ offset: comma, length: 1, content: "" });
  } else if (index > 0) {
    // The last one goes: the comma before it would be one too many for other readers of the file.
    const before = commaAfter(text, endOf(properties[index - 1]!));
    if (before !== undefined) edits.push({ offset: before, length: 1, content: "" });
  }
  const inside = text.slice(object.offset + 1, start) + text.slice(end, endOf(object) - 1);
  if (properties.length === 1 && inside.trim() === "") {
    return [{ offset: object.offset + 1, length: object.length - 2, content: "" }];
  }
  const [from, to] = withSpace(text, start, end);
  return [...edits, { offset: from, length: to - from, content: "" }];
}

/** A removed range with the space that would be left over: a whole line, or the gap on one side. */
function withSpace(text: string, start: number, end: number): [number, number] {
  const after = /^[ \t]*/.exec(text.slice(end))![0].length;
  const lineBreak = /^(?:\r\n|\n|\r)/.exec(text.slice(end + after))?.[0];
  const indent = ownLineIndent(text, start);
  if (indent !== undefined) {
    return lineBreak === undefined
      ? [start, end + after]
      : [start - indent.length, end + after + lineBreak.length];
  }
  const isLast = lineBreak !== undefined || text[end + after] === "}";
  const before = /[ \t]*$/.exec(text.slice(0, start))![0].length;
  return isLast ? [start - before, end] : [start, end + after];
}

/** Where the comma behind an offset is; undefined when something else comes first. */
function commaAfter(text: string, offset: number): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(offset);
  return scanner.scan() as number === COMMA ? scanner.getTokenOffset() : undefined;
}

/** The end of the comments that stand behind an offset on its line; the offset itself without any. */
function commentsEnd(text: string, offset: number): number {
  const scanner = createScanner(text, false);
  scanner.setPosition(offset);
  let end = offset;
  for (;;) {
    const token = scanner.scan() as number;
    if (token === LINE_COMMENT || token === BLOCK_COMMENT) {
      end = scanner.getTokenOffset() + scanner.getTokenLength();
    } else if (token === LINE_BREAK) return end;
    // A comment before something else on the line belongs to that.
    else if (token !== SPACE) return offset;
  }
}

/** What stands before an offset on its line, if that is nothing but space; else undefined. */
function ownLineIndent(text: string, offset: number): string | undefined {
  return /^[ \t]*$/.exec(text.slice(lineStart(text, offset), offset))?.[0];
}

/** The space at the head of the line of an offset. */
function lineIndent(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, offset), offset))![0];
}

function lineStart(text: string, offset: number): number {
  return Math.max(text.lastIndexOf("\n", offset - 1), text.lastIndexOf("\r", offset - 1)) + 1;
}

function endOf(node: Node): number {
  return node.offset + node.length;
}

/** A value as text: on one line without a `pad`, which is the indentation of the line it begins on. */
function format(value: Json, { pad, style }: { pad: string | undefined; style: Style }): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const isArray = Array.isArray(value);
  const [open, close] = isArray ? "[]" : "{}";
  const inner = pad === undefined ? undefined : pad + style.unit;
  const items = isArray
    ? value.map((item) => format(item, { pad: inner, style }))
    : Object.entries(value).map(([key, item]) =>
      `${JSON.stringify(key)}: ${format(item, { pad: inner, style })}`
    );
  if (items.length === 0) return open! + close!;
  const gap = isArray ? "" : " ";
  const line = open + gap + items.join(", ") + gap + close;
  const fits = isArray && pad !== undefined && pad.length + line.length <= WIDTH &&
    !line.includes(style.eol);
  if (inner === undefined || fits) return line;
  return open + style.eol + items.map((item) => inner + item).join("," + style.eol) +
    style.eol + pad + close;
}
