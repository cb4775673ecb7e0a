/**
 * `--rules`: which rules count. `js-eval`, `secret-*`, and with `!` before it what is left out; the last
 * one that matches decides. A list that only leaves out begins with all.
 *
 * @module
 */

/** Whether a rule counts. */
export type RuleFilter = (rule: string) => boolean;

/** A filter of patterns. */
export function ruleFilter(patterns: readonly string[]): RuleFilter {
  if (patterns.length === 0) return () => true;
  const steps = patterns.map((pattern) => ({
    counts: !isNegative(pattern),
    test: tester(pattern),
  }));
  const first = !steps[0].counts;
  return (rule) => steps.reduce((counts, step) => step.test(rule) ? step.counts : counts, first);
}

/** The patterns that no rule matches: mistyped ones, with which everything would look clean. */
export function unmatched(patterns: readonly string[], rules: readonly string[]): string[] {
  return patterns.filter((pattern) => !rules.some(tester(pattern)));
}

/** `a,b` and `--rules a --rules b` mean the same. */
export function splitPatterns(given: readonly string[]): string[] {
  return given.flatMap((list) => list.split(",")).map((one) => one.trim()).filter((one) => one);
}

function isNegative(pattern: string): boolean {
  return pattern.startsWith("!");
}

function tester(pattern: string): (rule: string) => boolean {
  const text = isNegative(pattern) ? pattern.slice(1) : pattern;
  const escaped = text.split("*").map((part) => part.replaceAll(/[\\^$.+?()[\]{}|]/g, "\\$&"));
  const expression = new RegExp(`^${escaped.join(".*")}$`);
  return (rule) => expression.test(rule);
}
