/**
 * Which language a file is in: said by the caller, or taken from its name, or from its first line.
 *
 * @module
 */

import type { GrammarName } from "./grammar.ts";

/** A language that has rules of its own. */
export type Language = "typescript" | "javascript" | "python";

interface LanguageFacts {
  /** Other names a caller may use, lower case. */
  aliases: readonly string[];
  extensions: readonly string[];
  /** Program in a `#!` line. */
  interpreter: RegExp;
  /** Grammars to try, until one takes the whole text. */
  grammars: readonly GrammarName[];
}

const LANGUAGES: Record<Language, LanguageFacts> = {
  typescript: {
    aliases: ["ts", "tsx", "typescriptreact"],
    extensions: [".ts", ".tsx", ".mts", ".cts"],
    interpreter: /\b(?:deno|tsx|ts-node)\b/,
    grammars: ["typescript", "tsx"],
  },
  javascript: {
    aliases: ["js", "jsx", "node", "javascriptreact"],
    extensions: [".js", ".jsx", ".mjs", ".cjs"],
    interpreter: /\b(?:node|bun)\b/,
    // The second for the type annotations of Flow, most of which it takes.
    grammars: ["javascript", "tsx"],
  },
  python: {
    aliases: ["py", "python3"],
    extensions: [".py", ".pyi", ".pyw"],
    interpreter: /\bpython[\d.]{0,8}\b/,
    grammars: ["python"],
  },
};

/** Names of the languages that have rules of their own. */
export const LANGUAGE_NAMES = Object.keys(LANGUAGES) as Language[];

/** The language a caller named, in any of its usual spellings; undefined when it is not known here. */
export function languageNamed(name: string): Language | undefined {
  const wanted = name.trim().toLowerCase();
  return LANGUAGE_NAMES.find((language) =>
    language === wanted || LANGUAGES[language].aliases.includes(wanted)
  );
}

/** The language of a file, by its extension (any case), else by its `#!` line. */
export function languageOf(path: string, text: string): Language | undefined {
  const name = path.toLowerCase();
  const byName = LANGUAGE_NAMES.find((language) =>
    LANGUAGES[language].extensions.some((extension) => name.endsWith(extension))
  );
  if (byName !== undefined) return byName;
  if (!text.startsWith("#!")) return undefined;
  const line = text.slice(2, 200).split(/[\r\n]/, 1)[0];
  return LANGUAGE_NAMES.find((language) => LANGUAGES[language].interpreter.test(line));
}

/** The grammars to parse a file of a language with, the likeliest first. */
export function grammarsOf(language: Language, path: string): readonly GrammarName[] {
  const { grammars } = LANGUAGES[language];
  return path.toLowerCase().endsWith(".tsx") ? grammars.toReversed() : grammars;
}
