/**
 * Adding a server to the text of a configuration, and removing one. Everything else in the text stays
 * as it is; see `edit_object.ts`. Nothing is written here, and nothing is checked beyond what is needed
 * to find the place: whether the result is a valid configuration is for `parseConfig` to say.
 *
 * @module
 */

import { applyEdits } from "jsonc-parser";
import { ConfigDocument, ConfigError, kindOf, type Node, propertiesOf, quote } from "./document.ts";
import { insertProperty, type Json, removeProperty, replaceValue, styleOf } from "./edit_object.ts";
import { SERVER_MAPS } from "./foreign.ts";
import { mapServerName } from "./names.ts";

/** A text, and the name of its file for messages. */
export interface ConfigText {
  file: string;
  text: string;
}

/** Where an entry stands. */
interface EntryPlace {
  /** The section it is in. */
  section: Node;
  /** Which of its properties it is. */
  index: number;
}

/**
 * The text with a server. One that is there already is replaced where it stands.
 *
 * It goes into `mcpServers`; in a file that has only another client's word for that, into that section.
 *
 * @param entry What stands behind the name, in our keys or another client's.
 * @throws {ConfigError} When the text is no configuration.
 */
export function withServer(
  { file, text }: ConfigText,
  { name, entry }: { name: string; entry: Json },
): string {
  const blank = text.trim() === "";
  const source = blank ? "{}\n" : text;
  // Of several under one name the last counts: the others go.
  const places = entriesNamed({ file, text: source }, name);
  if (places.length > 1) {
    return withServer({ file, text: without(source, places[0]!) }, { name, entry });
  }
  const document = new ConfigDocument(file, source);
  const style = styleOf(source, document.root);
  const [place] = places;
  if (place) {
    const property = place.section.children![place.index]!;
    return applyEdits(source, replaceValue(source, property, { value: entry, style }));
  }
  const section = sectionFor(document);
  if (section?.node.type === "object") {
    const property = { key: name, value: entry };
    return applyEdits(source, insertProperty(source, section.node, { property, style }));
  }
  const value = { [name]: entry };
  if (section) return applyEdits(source, replaceValue(source, section.property, { value, style }));
  const property = { key: "mcpServers", value };
  return applyEdits(source, insertProperty(source, document.root, { property, style }));
}

/**
 * The text without a server, in whichever section and however often it is there.
 *
 * @param name The name as written in the file, or as it is mapped.
 * @returns undefined when it is not there.
 * @throws {ConfigError} When the text is no configuration.
 */
export function withoutServer({ file, text }: ConfigText, name: string): string | undefined {
  const [place] = entriesNamed({ file, text }, name);
  if (!place) return undefined;
  const rest = without(text, place);
  return withoutServer({ file, text: rest }, name) ?? rest;
}

/** Where a server stands, as `file:line:column`; undefined when it is not in the text. */
export function placeOfServer({ file, text }: ConfigText, name: string): string | undefined {
  if (text.trim() === "") return undefined;
  const place = entriesNamed({ file, text }, name).at(-1);
  return place && new ConfigDocument(file, text).at(place.section.children![place.index]!);
}

/** Every entry that is called like this once names are mapped, in the order of the text. */
function entriesNamed({ file, text }: ConfigText, name: string): EntryPlace[] {
  const called = mapServerName(name);
  const { root } = new ConfigDocument(file, text);
  return [...propertiesOf(root)].flatMap(([key, { node: section }]) => {
    if (!isServerMap(key) || section.type !== "object") return [];
    return (section.children ?? []).flatMap(({ children }, index) => {
      const given = children?.[0]?.value;
      return mapServerName(given) === called ? [{ section, index }] : [];
    });
  });
}

function without(text: string, { section, index }: EntryPlace): string {
  return applyEdits(text, removeProperty(text, section, index));
}

/** The section that a new server goes into; undefined when the text has none. */
function sectionFor(document: ConfigDocument): { property: Node; node: Node } | undefined {
  const sections = [...propertiesOf(document.root)].filter(([key]) => isServerMap(key));
  const [key, section] = sections.find(([key]) => key === "mcpServers") ??
    sections.find(([, { node }]) => node.type === "object") ?? [];
  if (key === undefined || section === undefined) return undefined;
  const { node, value } = section;
  if (node.type !== "object" && value !== null) {
    throw new ConfigError([
      `${document.at(node)}: ${quote(key)} is ${
        kindOf(value)
      }: it must be an object of servers by ` +
      "name.",
    ]);
  }
  return { property: node.parent!, node };
}

function isServerMap(key: string): boolean {
  return key === "mcpServers" || SERVER_MAPS.has(key);
}
