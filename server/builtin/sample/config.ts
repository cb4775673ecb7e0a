/**
 * The configuration file as data, with its secrets taken out. Variables are shown as they are written,
 * not as what they stand for.
 *
 * @module
 */

import { getNodeValue, type ParseError, parseTree } from "jsonc-parser";
import { redact } from "../redact.ts";

/** What `config://server` shows. */
export interface ShownConfig {
  /** Path of the file; null when there is none and the defaults hold. */
  file: string | null;
  configuration: unknown;
}

/**
 * Reads the file.
 *
 * @throws {Error} It cannot be read, or is not JSON; the message names file, line and remedy, and shows
 * nothing of the text.
 */
export async function readRedactedConfig(file: string): Promise<ShownConfig> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await Deno.readFile(file));
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return { file: null, configuration: {} };
    const remedy = cause instanceof TypeError ? "save it as UTF-8" : "make it a readable file";
    throw new Error(`Cannot read the configuration ${file}: ${remedy}.`, { cause });
  }
  const errors: ParseError[] = [];
  // The tree, not parse(): getNodeValue gives objects without a prototype, where a key of the file
  // named `__proto__` is a key like any other.
  const root = parseTree(text, errors, { allowTrailingComma: true });
  if (root === undefined || errors.length > 0) {
    const before = text.slice(0, errors[0]?.offset ?? 0).split("\n");
    throw new Error(
      `Cannot show the configuration ${file}: line ${before.length}, column ` +
        `${before[before.length - 1].length + 1} is not valid JSON. Correct it there.`,
    );
  }
  return { file, configuration: redact(getNodeValue(root)) };
}
