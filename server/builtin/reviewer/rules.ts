/**
 * The one table of rules.
 *
 * @module
 */

import { WASM_FILES } from "./grammar.ts";
import type { Language } from "./language.ts";
import type { Rule } from "./rule.ts";
import { JAVASCRIPT_RULES } from "./rules_javascript.ts";
import { JAVASCRIPT_SETTINGS_RULES } from "./rules_javascript_settings.ts";
import { PYTHON_RULES } from "./rules_python.ts";
import { PYTHON_SETTINGS_RULES } from "./rules_python_settings.ts";
import { SECRET_RULES } from "./rules_secrets.ts";

/** Every rule, in the order they are documented. */
export const RULES: readonly Rule[] = [
  ...SECRET_RULES,
  ...JAVASCRIPT_RULES,
  ...JAVASCRIPT_SETTINGS_RULES,
  ...PYTHON_RULES,
  ...PYTHON_SETTINGS_RULES,
];

/** The rules for a file: those of its language, and those for every text file. */
export function rulesFor(language: Language | undefined): readonly Rule[] {
  return RULES.filter(({ languages }) =>
    languages === "any" || (language !== undefined && languages.includes(language))
  );
}

/** Raised by hand when the predicates or the engine come to other findings with the same rules. */
const ENGINE = 3;

let version: Promise<string> | undefined;

/** 12 hexadecimal digits that change whenever anything changes that decides about findings. */
export function rulesVersion(): Promise<string> {
  return version ??= (async () => {
    const table = RULES.map((rule) => ({ ...rule, examples: undefined }));
    const text = JSON.stringify(
      [ENGINE, WASM_FILES, table],
      (_key, value) => value instanceof RegExp ? String(value) : value,
    );
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    return new Uint8Array(digest).slice(0, 6).toHex();
  })();
}
