/**
 * Reviews one text. What it guarantees: the same text and name always give the same findings in the
 * same order; what was not looked at is said in `skipped`, so that an empty list is never a false
 * all-clear; it ends soon after its time budget.
 *
 * It matches patterns, it does not understand programs: what a rule cannot see in the text of one file
 * it does not report.
 *
 * @module
 */

import { excerptAt, type Hidden } from "./excerpt.ts";
import { type Language, LANGUAGE_NAMES, languageNamed, languageOf, scan } from "./language.ts";
import { Lines } from "./lines.ts";
import type { Finding, ReviewResult } from "./result.ts";
import type { Rule, View } from "./rule.ts";
import { rulesFor, rulesVersion } from "./rules.ts";
import { checkSource } from "./source.ts";
import { blanked, isCode, type Span } from "./spans.ts";

/** Lines longer than this are generated or data, not written by a person: they are left out. */
export const MAX_LINE_LENGTH = 20_000;
/** Most findings of one file. */
export const MAX_FINDINGS = 1_000;
/** Time for one file, milliseconds, looked at between matches. */
const BUDGET_MS = 10_000;

/** What is reviewed. */
export interface ReviewInput {
  /** Name to show, also the source of the language. Default `-`. */
  path?: string;
  content: string;
  /** Language, when the name does not tell. */
  language?: string;
}

/** What tests replace. */
export interface ReviewOptions {
  /** Milliseconds that only go forward. */
  now?: () => number;
}

/** A match before it has a line and an excerpt. */
interface Match {
  rule: Rule;
  start: number;
  end: number;
}

/**
 * The review of one text.
 *
 * @throws {RangeError} The named language is not known.
 */
export async function reviewText(
  input: ReviewInput,
  { now = () => performance.now() }: ReviewOptions = {},
): Promise<ReviewResult> {
  const path = input.path ?? "-";
  const version = await rulesVersion();
  const source = checkSource(input.content);
  const result = (language: string, findings: Finding[], skipped: string[]): ReviewResult => ({
    path,
    language,
    findings,
    ...(skipped.length === 0 ? {} : { skipped: skipped.join("; ") }),
    rulesVersion: version,
  });
  const named = input.language === undefined ? undefined : namedLanguage(input.language);
  if ("skipped" in source) {
    return result(named ?? languageOf(path, "") ?? "unknown", [], [source.skipped]);
  }

  const { text } = source;
  const language = named ?? languageOf(path, text);
  const lines = new Lines(text);
  const skipped: string[] = [];
  if (language === undefined) {
    skipped.push("unsupported language: only secrets were looked for");
  }
  const long = longLines(lines);
  if (long.length > 0) {
    skipped.push(
      `${long.length === 1 ? "line" : "lines"} ${lineList(long)} longer than ${MAX_LINE_LENGTH} ` +
        "characters not reviewed",
    );
  }

  const search = new Search(text, { language, without: long.map((line) => lines.range(line)) });
  const deadline = now() + BUDGET_MS;
  const matches: Match[] = [];
  let dropped = false;
  // Secrets first: where they are decides what any excerpt may show.
  const ordered = [...rulesFor(language)].sort((a, b) => Number(hides(b)) - Number(hides(a)));
  for (const rule of ordered) {
    for (const match of search.find(rule)) {
      if (matches.length < MAX_FINDINGS) matches.push(match);
      else dropped = true;
      // The search for secrets goes on: each one that is not found could show in an excerpt.
      if ((dropped && !hides(rule)) || now() > deadline) break;
    }
    if (now() > deadline) {
      skipped.push(`not done within ${BUDGET_MS / 1_000} s: the rest was not looked for`);
      // Without every secret's place no line can be shown safely.
      if (hides(rule)) return result(language ?? "unknown", [], skipped);
      break;
    }
  }
  if (dropped) skipped.push(`more than ${MAX_FINDINGS} findings: the rest is not listed`);

  const hidden = search.hidden();
  const findings = matches.map(({ rule, start, end }): Finding => {
    const from = lines.position(start);
    const to = lines.position(end);
    return {
      rule: rule.id,
      severity: rule.severity,
      ...from,
      endLine: to.line,
      endColumn: to.column,
      message: rule.message,
      excerpt: excerptAt(text, { offset: start, lines, hidden }),
      cwe: rule.cwe,
      remedy: rule.remedy,
    };
  });
  return result(language ?? "unknown", findings.sort(byPlace), skipped);
}

function namedLanguage(name: string): Language {
  const language = languageNamed(name);
  if (language !== undefined) return language;
  throw new RangeError(
    `Cannot review as language ${JSON.stringify(name)}: known are ${LANGUAGE_NAMES.join(", ")}. ` +
      "Leave language out to have it taken from the name of the file.",
  );
}

const hides = (rule: Rule): boolean => rule.pattern.source.includes("(?<secret>");

/** One text in its views, searched rule by rule. */
class Search {
  readonly #text: string;
  readonly #spans: readonly Span[];
  readonly #views: Record<View, string>;
  readonly #hidden: Hidden[] = [];

  constructor(
    text: string,
    { language, without }: { language: Language | undefined; without: readonly Hidden[] },
  ) {
    this.#text = text;
    this.#spans = language === undefined ? [] : scan(text, language);
    this.#views = {
      all: blanked(text, without),
      text: blanked(blanked(text, this.#spans.filter(({ kind }) => kind === "comment")), without),
      code: blanked(blanked(text, this.#spans), without),
    };
  }

  *find(rule: Rule): Generator<Match> {
    if (rule.context !== undefined && !rule.context.test(this.#views.text)) return;
    if (rule.unless?.test(this.#views.text)) return;
    const pattern = new RegExp(rule.pattern, rule.pattern.flags + (hides(rule) ? "dg" : "g"));
    for (const match of this.#views[rule.view].matchAll(pattern)) {
      const start = match.index;
      if (match[0] === "" || rule.except?.test(match[0])) continue;
      if (rule.view === "text" && !isCode(this.#spans, start)) continue;
      const secret = match.indices?.groups?.secret;
      if (secret !== undefined) this.#hidden.push({ start: secret[0], end: secret[1] });
      yield { rule, start, end: start + match[0].length };
    }
  }

  /** Where the secrets found so far are, by start. */
  hidden(): readonly Hidden[] {
    return this.#hidden.sort((a, b) => a.start - b.start || a.end - b.end);
  }
}

function longLines(lines: Lines): number[] {
  const long: number[] = [];
  for (let line = 1; line <= lines.count; line++) {
    const { start, end } = lines.range(line);
    if (end - start > MAX_LINE_LENGTH) long.push(line);
  }
  return long;
}

function lineList(numbers: readonly number[]): string {
  const shown = numbers.slice(0, 5).join(", ");
  return numbers.length > 5 ? `${shown} and ${numbers.length - 5} more` : shown;
}

function byPlace(a: Finding, b: Finding): number {
  return a.line - b.line || a.column - b.column || (a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : 0);
}
