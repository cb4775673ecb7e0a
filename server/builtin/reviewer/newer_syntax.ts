/**
 * Syntax that is younger than the grammars, written in an older way of the same length and of the same
 * meaning to any rule. Used only for a text that a grammar did not take as it is; so it may be rough: in
 * a string it changes nothing that decides about a finding.
 *
 * @module
 */

const NEWER: readonly [newer: RegExp, older: string][] = [
  // TypeScript 5.0.
  [/\bexport type \*/g, "export      *"],
  // TypeScript 4.7: variance of type parameters.
  [/(?<=[<,]\s{0,40})in out (?=[\w$]{1,80}[\s,>])/g, "       "],
  [/(?<=[<,]\s{0,40})out (?=[\w$]{1,80}[\s,>])/g, "    "],
  [/(?<=[<,]\s{0,40})in (?=[\w$]{1,80}[\s,>])/g, "   "],
  // ES2026: explicit resource management in loops, deferred imports.
  [/\bfor \(await using (?=[\w$]{1,80} of\b)/g, "for (const       "],
  [/\bfor \(using (?=[\w$]{1,80} of\b)/g, "for (const "],
  [/\bimport defer \*/g, "import       *"],
];

/** The text with what is newer in its older form; offsets stay. */
export function withOlderSyntax(text: string): string {
  return NEWER.reduce((older, [pattern, form]) => older.replace(pattern, form), text);
}
