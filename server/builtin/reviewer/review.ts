/**
 * Reviews one text. What it guarantees: the same text and name always give the same findings in the
 * same order; what was not looked at is said in `skipped`, so that an empty list is never a false
 * all-clear; it ends soon after its time budget.
 *
 * It looks at one file and knows no types; values are followed only as far as `pieces.ts` says.
 *
 * @module
 */

import { Deadline, TimeIsUp } from "./deadline.ts";
import { excerptAt, type Hidden } from "./excerpt.ts";
import { type Language, LANGUAGE_NAMES, languageNamed, languageOf } from "./language.ts";
import { Lines } from "./lines.ts";
import type { Match } from "./match.ts";
import type { Finding, ReviewResult, ReviewStatus } from "./result.ts";
import type { Rule, TextRule, TreeRule } from "./rule.ts";
import { rulesFor, rulesVersion } from "./rules.ts";
import { searchText } from "./search_text.ts";
import { searchTree } from "./search_tree.ts";
import { checkSource } from "./source.ts";

/** Lines longer than this are generated or data, not written by a person: they are left out. */
export const MAX_LINE_LENGTH = 20_000;
/** Most findings of one file. */
export const MAX_FINDINGS = 1_000;
/** Longest text that is parsed, UTF-16 units. */
export const MAX_CODE_LENGTH = 1024 * 1024;
/** Time for one file, milliseconds. */
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
  const named = input.language === undefined ? undefined : namedLanguage(input.language);
  const source = checkSource(input.content);
  const outline = { path, rulesVersion: await rulesVersion() };
  if ("skipped" in source) {
    const language = named ?? languageOf(path, "") ?? "unknown";
    return answer({
      ...outline,
      language,
      status: "skipped",
      findings: [],
      skipped: [source.skipped],
    });
  }
  const { text } = source;
  const language = named ?? languageOf(path, text);
  const search = new Review(text, { path, language, deadline: new Deadline(BUDGET_MS, now) });
  const { status, skipped, findings } = await search.run();
  return answer({ ...outline, language: language ?? "unknown", status, findings, skipped });
}

function answer(
  { path, language, status, findings, skipped, rulesVersion }:
    & Omit<ReviewResult, "skipped">
    & { skipped: readonly string[] },
): ReviewResult {
  return {
    path,
    language,
    status,
    findings,
    ...(skipped.length === 0 ? {} : { skipped: skipped.join("; ") }),
    rulesVersion,
  };
}

function namedLanguage(name: string): Language {
  const language = languageNamed(name);
  if (language !== undefined) return language;
  throw new RangeError(
    `Cannot review as language ${JSON.stringify(name)}: known are ${LANGUAGE_NAMES.join(", ")}. ` +
      "Leave language out to have it taken from the name of the file.",
  );
}

const isText = (rule: Rule): rule is TextRule => rule.kind === "text";
const isTree = (rule: Rule): rule is TreeRule => rule.kind === "tree";

interface Outcome {
  status: ReviewStatus;
  skipped: string[];
  findings: Finding[];
}

/** One text on its way through the rules. */
class Review {
  readonly #text: string;
  readonly #path: string;
  readonly #language: Language | undefined;
  readonly #deadline: Deadline;
  readonly #lines: Lines;
  readonly #skipped: string[] = [];

  constructor(
    text: string,
    { path, language, deadline }: {
      path: string;
      language: Language | undefined;
      deadline: Deadline;
    },
  ) {
    this.#text = text;
    this.#path = path;
    this.#language = language;
    this.#deadline = deadline;
    this.#lines = new Lines(text);
  }

  async run(): Promise<Outcome> {
    const rules = rulesFor(this.#language);
    let matches: Match[] = [];
    let hidden: readonly Hidden[];
    try {
      // Secrets first: where they are decides what any excerpt may show.
      const found = searchText(this.#text, {
        rules: rules.filter(isText),
        deadline: this.#deadline,
      });
      matches = found.matches;
      hidden = found.hidden;
    } catch (error) {
      if (!(error instanceof TimeIsUp)) throw error;
      // Without every secret's place no line can be shown safely.
      return { status: "failed", skipped: [NOT_DONE], findings: [] };
    }
    try {
      matches.push(...await this.#code(rules.filter(isTree)));
    } catch (error) {
      if (!(error instanceof TimeIsUp)) throw error;
      this.#skipped.push(NOT_DONE);
    }
    if (matches.length > MAX_FINDINGS) {
      matches.length = MAX_FINDINGS;
      this.#skipped.push(`more than ${MAX_FINDINGS} findings: the rest is not listed`);
    }
    const findings = matches.map((match) => this.#finding(match, hidden)).sort(byPlace);
    const status = this.#skipped.length === 0 ? "complete" : "degraded";
    return { status, skipped: this.#skipped, findings };
  }

  async #code(rules: readonly TreeRule[]): Promise<Match[]> {
    const language = this.#language;
    if (language === undefined) {
      this.#skipped.push("unsupported language: only secrets were looked for");
      return [];
    }
    if (this.#text.length > MAX_CODE_LENGTH) {
      this.#skipped.push(
        `longer than ${MAX_CODE_LENGTH} characters: only secrets were looked for`,
      );
      return [];
    }
    const long = this.#longLines();
    if (long.length > 0 && this.#isMinified(long)) {
      this.#skipped.push("minified or generated: only secrets were looked for");
      return [];
    }
    if (long.length > 0) {
      this.#skipped.push(
        `${long.length === 1 ? "line" : "lines"} ${lineList(long)} longer than ` +
          `${MAX_LINE_LENGTH} characters not reviewed`,
      );
    }
    const { matches, brokenAt } = await searchTree(this.#text, {
      language,
      path: this.#path,
      rules,
      deadline: this.#deadline,
    });
    if (brokenAt !== undefined) {
      this.#skipped.push(
        `line ${this.#lines.position(brokenAt).line} could not be parsed as ${language}: ` +
          "there, and perhaps after it, rules for code may have missed something",
      );
    }
    if (long.length === 0) return matches;
    const left = new Set(long);
    return matches.filter(({ start }) => !left.has(this.#lines.position(start).line));
  }

  #longLines(): number[] {
    const long: number[] = [];
    for (let line = 1; line <= this.#lines.count; line++) {
      const { start, end } = this.#lines.range(line);
      if (end - start > MAX_LINE_LENGTH) long.push(line);
    }
    return long;
  }

  /** Whether most of it stands in lines that nobody wrote by hand. */
  #isMinified(long: readonly number[]): boolean {
    const length = long.map((line) => this.#lines.range(line))
      .reduce((sum, { start, end }) => sum + end - start, 0);
    return length * 2 > this.#text.length;
  }

  #finding({ rule, start, end }: Match, hidden: readonly Hidden[]): Finding {
    const to = this.#lines.position(end);
    return {
      rule: rule.id,
      severity: rule.severity,
      ...this.#lines.position(start),
      endLine: to.line,
      endColumn: to.column,
      message: rule.message,
      excerpt: excerptAt(this.#text, { offset: start, lines: this.#lines, hidden }),
      cwe: rule.cwe,
      owasp: rule.owasp,
      remedy: rule.remedy,
    };
  }
}

/** Why a file has no findings, or not all: its time was up. */
export const NOT_DONE = `not done within ${BUDGET_MS / 1_000} s: the rest was not looked for`;

function lineList(numbers: readonly number[]): string {
  const shown = numbers.slice(0, 5).join(", ");
  return numbers.length > 5 ? `${shown} and ${numbers.length - 5} more` : shown;
}

function byPlace(a: Finding, b: Finding): number {
  return a.line - b.line || a.column - b.column || (a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : 0);
}
