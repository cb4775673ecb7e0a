/**
 * What `aichaku doctor` finds, and how it is told.
 *
 * @module
 */

import type { Reaped } from "../../server/daemon/reap.ts";

/** Only a `problem` makes the command fail: a `warning` is worth knowing, and works nevertheless. */
export type Level = "ok" | "warning" | "problem";

/** What a finding is about. */
export type Area =
  | "home"
  | "run folder"
  | "token"
  | "configuration"
  | "daemon"
  | "servers"
  | "files"
  | "processes"
  | "cache"
  | "log";

/** One thing that was looked at. */
export interface Finding {
  area: Area;
  level: Level;
  /** What is so. */
  text: string;
  /** What to do about it. */
  remedy?: string;
}

/** It is as it should be. */
export function fine(area: Area, text: string): Finding {
  return { area, level: "ok", text };
}

/** It works, and may surprise. */
export function warning(area: Area, text: string, remedy?: string): Finding {
  return { area, level: "warning", text, remedy };
}

/** It is wrong. */
export function problem(area: Area, text: string, remedy?: string): Finding {
  return { area, level: "problem", text, remedy };
}

/** What a check threw, as a finding. */
export function broken(area: Area, error: unknown): Finding {
  return problem(area, error instanceof Error ? error.message : String(error));
}

/** What `--reap` did. */
export interface ReapReport {
  /** Processes that were ended. */
  ended: readonly Reaped[];
  /** Files that were removed. */
  removed: readonly string[];
  /** Why nothing could be done; undefined when it could. */
  refused: string | undefined;
}

/** Everything that one run has to tell. */
export interface Report {
  findings: readonly Finding[];
  /** Undefined without `--reap`. */
  reap: ReapReport | undefined;
}

/** Whether nothing is wrong. */
export function isHealthy({ findings }: Report): boolean {
  return findings.every(({ level }) => level !== "problem");
}

const SIGNS: Readonly<Record<Level, string>> = { ok: "✅", warning: "⚠️ ", problem: "❌" };

/** For a person. */
export function prettyReport(report: Report): string {
  const lines = report.reap === undefined ? [] : reapLines(report.reap);
  for (const { area, level, text, remedy } of report.findings) {
    lines.push(`${SIGNS[level]} ${area}: ${indented(text)}`);
    if (remedy !== undefined) lines.push(`   → ${indented(remedy)}`);
  }
  const problems = report.findings.filter(({ level }) => level === "problem").length;
  const warnings = report.findings.filter(({ level }) => level === "warning").length;
  const wrong = problems === 0 ? "Nothing is wrong" : counted(problems, "problem");
  lines.push("", warnings === 0 ? `${wrong}.` : `${wrong}, ${counted(warnings, "warning")}.`);
  return lines.join("\n") + "\n";
}

/** For a program. */
export function jsonReport(report: Report): string {
  const { findings, reap } = report;
  return JSON.stringify({ ok: isHealthy(report), findings, reap }, null, 2) + "\n";
}

function reapLines({ ended, removed, refused }: ReapReport): string[] {
  if (refused !== undefined) return [`Nothing was ended: ${refused}.`, ""];
  const lines = ended.map(({ pid, server }) =>
    `Ended process ${pid}${server === undefined ? "" : ` (server ${server})`}.`
  );
  lines.push(...removed.map((path) => `Removed ${path}.`));
  return [...(lines.length > 0 ? lines : ["There was nothing to end."]), ""];
}

/** Lines after the first stand below the text, not below the sign. */
function indented(text: string): string {
  return text.replaceAll("\n", "\n   ");
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
