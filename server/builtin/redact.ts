/**
 * Takes secrets out of data that is shown. It errs on the side of hiding: what stands under a name that
 * sounds like a secret goes, whatever it is, and so does every text in a known format of a secret. It
 * cannot know a secret that has no telling name and no known format.
 *
 * References to variables (`${DOCS_TOKEN}`, also after `Bearer`) stay: they are what a person looks for,
 * and no secret.
 *
 * @module
 */

import { SECRET_FORMATS } from "./secret_formats.ts";

/** What stands where a secret was. */
export const REDACTED = "[redacted]";

/** Names of things that are secret: keys of objects, variables, headers, options, URL parameters. */
const SECRET_NAME = new RegExp(
  [
    "token|secret|passw(?:or)?d|passphrase|credential|authori[sz]ation|bearer|cookie|signature",
    "api[-_.]?key|access[-_.]?key|private[-_.]?key|session[-_.]?(?:id|key)|\\bjwt\\b|\\bdsn\\b",
    // As the last word of a name: DB_PASS, OPENAI_KEY, x-auth.
    "(?:^|[-_.])(?:auth|key|pass|pat|pin|pwd)$",
  ].join("|"),
  "i",
);

/** The same last words in camel case: signingKey, dbPass. */
const SECRET_CAMEL_NAME = /[a-z](?:Auth|Key|Pass|Pwd)$/;

/** Whether a value under this name is to be hidden. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) || SECRET_CAMEL_NAME.test(name);
}

const REFERENCE = /^(?:(?:Bearer|Basic|Token) )?\$\{(?:env:|input:)?[A-Za-z_][\w.-]*\}$/;

/**
 * A copy of JSON data with its secrets replaced by {@linkcode REDACTED}. Maps become objects. Booleans
 * and null are kept everywhere: they cannot hold a secret, and `requireToken` is not one.
 */
export function redact(value: unknown): unknown {
  return redactValue(value, false);
}

function redactValue(value: unknown, secret: boolean): unknown {
  if (typeof value === "string") {
    if (REFERENCE.test(value)) return value;
    return secret ? REDACTED : redactText(value);
  }
  if (typeof value === "number") return secret ? REDACTED : value;
  if (Array.isArray(value)) return redactList(value, secret);
  if (value instanceof Map) return redactEntries(value.entries(), secret);
  if (typeof value === "object" && value !== null) {
    return redactEntries(Object.entries(value), secret);
  }
  return value;
}

function redactEntries(entries: Iterable<[string, unknown]>, secret: boolean): unknown {
  // fromEntries defines keys, so that one named `__proto__` is a key like any other.
  return Object.fromEntries(
    Array.from(
      entries,
      ([key, value]) => [key, redactValue(value, secret || isSecretName(key))],
    ),
  );
}

/** Arguments of a command: `["--api-key", "…"]` hides what follows the option. */
function redactList(values: readonly unknown[], secret: boolean): unknown[] {
  let follows = false;
  return values.map((value) => {
    const hide = secret || follows;
    follows = typeof value === "string" && /^--?[A-Za-z][\w-]*$/.test(value) && isSecretName(value);
    // An option after an option: the one before it had no value.
    return redactValue(value, hide && !(follows && !secret));
  });
}

/** A text with what looks like a secret in it replaced by {@linkcode REDACTED}. */
export function redactText(text: string): string {
  let shown = text
    // user:password@ and token@ of a URL.
    .replace(/(\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#@]{1,500}@/gi, `$1${REDACTED}@`)
    // NAME=value, --name=value, ?name=value&…, "Name: value" of a header, when the name tells.
    .replace(
      /([A-Za-z][\w.-]{0,100})(\s{0,4}[=:]\s{0,4})((?:(?:Bearer|Basic|Token)\s)?[^\s&,;"']+)/gi,
      (whole, name, separator, value) =>
        isSecretName(name) && !REFERENCE.test(value) ? `${name}${separator}${REDACTED}` : whole,
    )
    .replace(/\b(Bearer|Basic)\s(?!\$\{)[\w.~+/=-]{8,}/g, `$1 ${REDACTED}`)
    // A JSON Web Token.
    .replace(/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, REDACTED);
  for (const { pattern } of SECRET_FORMATS) {
    shown = shown.replace(new RegExp(pattern, pattern.flags + "g"), REDACTED);
  }
  return shown;
}
