/**
 * Suppressing a finding where it stands: a comment `aichaku-ignore RULE: reason` at the end of the line of
 * the finding, or alone on the line above it. Several rules are separated by commas.
 *
 * It works on the findings, with the text beside them, so that whoever reviewed needs to know nothing of
 * it. A suppression without a reason does not count, and is a finding itself.
 *
 * @module
 */

import type { Finding } from "../../server/builtin/reviewer/result.ts";

/** A finding that is not counted, and why. */
export type Suppressed = Finding & { reason: string };

/** Id of the finding that a suppression without a reason is. */
export const UNEXPLAINED = "unexplained-suppression";

interface Suppression {
  /** The line whose findings it is about. */
  line: number;
  rules: readonly string[];
  reason: string;
}

/** How comments begin in the languages that are reviewed, and in configuration files and pages. */
const COMMENT = /(\/\/|\/\*|#|<!--|--|;)\s*aichaku-ignore(?![\w-])([^\r\n]*)/;

/** The findings that count, and those that do not. */
export function applySuppressions(
  findings: readonly Finding[],
  text: string,
): { findings: Finding[]; suppressed: Suppressed[] } {
  // Most texts have none.
  if (!text.includes("aichaku-ignore")) return { findings: [...findings], suppressed: [] };
  const { valid, unexplained } = suppressionsOf(text);
  const kept: Finding[] = [];
  const suppressed: Suppressed[] = [];
  for (const finding of findings) {
    const by = valid.find(({ line, rules }) =>
      line === finding.line && rules.includes(finding.rule)
    );
    if (by === undefined) kept.push(finding);
    else suppressed.push({ ...finding, reason: by.reason });
  }
  const all = [...kept, ...unexplained].sort((a, b) =>
    a.line - b.line || a.column - b.column || (a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : 0)
  );
  return { findings: all, suppressed };
}

function suppressionsOf(text: string): { valid: Suppression[]; unexplained: Finding[] } {
  const valid: Suppression[] = [];
  const unexplained: Finding[] = [];
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) {
    const match = COMMENT.exec(line);
    if (match === null) continue;
    const before = line.slice(0, match.index);
    const suppression = readSuppression(match[2]);
    if (suppression === undefined) unexplained.push(unexplainedAt(index + 1, match, line));
    else valid.push({ ...suppression, line: before.trim() === "" ? index + 2 : index + 1 });
  }
  return { valid, unexplained };
}

/** `RULE, RULE: reason`, with the end of a block comment taken off. */
function readSuppression(text: string): Omit<Suppression, "line"> | undefined {
  const colon = text.indexOf(":");
  if (colon === -1) return undefined;
  const rules = text.slice(0, colon).split(",").map((rule) => rule.trim());
  const reason = text.slice(colon + 1).replace(/(\*\/|-->)\s*$/, "").trim();
  const isComplete = rules.every((rule) => /^[\w-]+$/.test(rule)) && /\p{L}/u.test(reason);
  return isComplete ? { rules, reason } : undefined;
}

function unexplainedAt(line: number, match: RegExpExecArray, text: string): Finding {
  return {
    rule: UNEXPLAINED,
    severity: "low",
    line,
    column: match.index + 1,
    endLine: line,
    endColumn: text.length + 1,
    message: "This suppression names no rule or no reason, and does not count.",
    // Not what follows, which nobody has looked at for secrets.
    excerpt: `${match[1]} aichaku-ignore`,
    cwe: "CWE-1078",
    remedy: "Write why the finding is no problem here: aichaku-ignore RULE: reason",
  };
}
