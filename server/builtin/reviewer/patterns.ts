/**
 * Pieces of patterns that several rules share. Every quantifier is bounded; see {@linkcode Rule}.
 *
 * @module
 */

/** Blanks and line breaks. */
export const S = String.raw`\s{0,100}`;

/** The arguments of a call up to wherever what follows matches, never past the call's own `)`. */
export const ARGUMENTS = (() => {
  const level0 = String.raw`\([^()]{0,300}\)`;
  const level1 = String.raw`\((?:[^()]|${level0}){0,300}\)`;
  const level2 = String.raw`\((?:[^()]|${level1}){0,300}\)`;
  return String.raw`(?:[^()]|${level2}){0,600}?`;
})();

/** JavaScript, view `code`: a string or template without substitutions that is not built upon. */
export const JS_STATIC = String.raw`(["'\x60])\s{0,5000}\1(?!${S}[+.])`;

/** JavaScript, view `text`: a template with a substitution, or a string with something added. */
export const JS_BUILT = String.raw`(?:\x60(?:[^\x60\\]|\\[\s\S]){0,2000}?\$\{` +
  String.raw`|"(?:[^"\\\n]|\\.){0,1000}"${S}\+(?!${S}["'\x60])` +
  String.raw`|'(?:[^'\\\n]|\\.){0,1000}'${S}\+(?!${S}["'\x60]))`;

/** Python, view `code`: a string that is not formatted. */
export const PY_STRING = String.raw`[rRbBuU]{0,2}("""|'''|"|')\s{0,5000}\1`;

/** Python, view `code`: such a string as a whole argument. */
export const PY_STATIC = String.raw`${PY_STRING}${S}[,)]`;

/** The beginning of an SQL statement, in capitals or not; a second word keeps prose out. */
export const SQL = String.raw`\s{0,200}(?i:` + [
  String.raw`SELECT\s(?=[\s\S]{0,1000}?\sFROM\b)`,
  String.raw`INSERT\s{1,20}INTO\s`,
  String.raw`REPLACE\s{1,20}INTO\s`,
  String.raw`UPDATE\s(?=[\s\S]{0,300}?\sSET\b)`,
  String.raw`DELETE\s{1,20}FROM\s`,
].join("|") + ")";

/**
 * Python, view `text`: a formatted string with a field, or a string with `%`, `+` or `.format(`.
 *
 * @param begin Pattern of what the string begins with.
 * @param field Pattern that must hold after the `{` of a field.
 */
export function pythonBuilt(begin = "", field = ""): string {
  const quote = `("""|'''|"|')`;
  // Numbered groups: the caller's own groups must come after this piece.
  return String
    .raw`(?:(?:[fF][rR]?|[rR][fF])${quote}${begin}(?:(?!\1)[\s\S]){0,2000}?(?<!\{)\{(?!\{)${field}` +
    String
      .raw`|[rRbBuU]{0,2}${quote}${begin}(?:(?!\2)(?:\\[\s\S]|[^\\])){0,2000}\2${S}(?:%|\+|\.format${S}\())`;
}
