/**
 * The results as a document.
 *
 * @module
 */

import type { Machine } from "./machine.ts";
import { isMet, type Section, type Table, type Verdict } from "./section.ts";

/** All that a bench found. */
export interface BenchResults {
  version: string;
  /** What was measured: the source, or a compiled program. */
  program: "source" | "compiled";
  /** ISO 8601. */
  when: string;
  machine: Machine;
  /** The load generator for HTTP and its version. */
  wrk: string;
  /** Whether runs with one connection were pinned to one core. */
  pinned: boolean;
  sections: Section[];
}

/** More load than this part of the cores before the bench, and the results say so. */
const BUSY = 0.25;

/** The results as Markdown, still to be formatted. */
export function render(results: BenchResults): string {
  const { version, program, when, machine, wrk, pinned, sections } = results;
  const verdicts = sections.flatMap(({ verdicts }) => verdicts);
  return [
    "# Bench",
    "Written by `deno task bench`; do not edit. How it is measured and how to read it is in " +
    "[docs/benchmarks.md](../docs/benchmarks.md).",
    `aichaku ${version} (${program}), ${when}, ${machine.os}, ${machine.cores} x ${machine.cpu}, ` +
    `Deno ${machine.deno}, Node ${machine.node}, ${wrk}. Contenders take turns within a run, and ` +
    "every number is the median of the rounds. Compare the ratios: the absolute numbers belong to " +
    `this machine and this hour.${
      pinned ? " Runs with one connection are pinned to one core." : ""
    }`,
    ...machine.loadBefore > BUSY * machine.cores
      ? [
        `**The machine was busy before the bench began (load ${machine.loadBefore}): not to be ` +
        "relied on.**",
      ]
      : [],
    ...verdicts.length > 0 ? ["## Targets", verdictTable(verdicts)] : [],
    ...sections.flatMap(({ problems = [] }) => problems).map((problem) =>
      `**Failed:** ${problem.slice(0, 400).replaceAll("\n", " ")}`
    ),
    ...sections.map(renderSection),
  ].join("\n\n") + "\n";
}

/** One part as Markdown. */
export function renderSection({ title, text, tables }: Section): string {
  return [
    `## ${title}`,
    text,
    ...tables.flatMap(({ title, ...table }) => [
      ...title === "" ? [] : [`### ${title}`],
      renderTable(table),
    ]),
  ].join("\n\n");
}

function verdictTable(verdicts: readonly Verdict[]): string {
  return renderTable({
    head: ["what", "found", "target", "met"],
    rows: verdicts.map((verdict) => [
      verdict.what,
      withUnit(verdict.found, verdict.unit),
      `${verdict.wanted} ${withUnit(verdict.bound, verdict.unit)}`,
      isMet(verdict) ? "yes" : "**no**",
    ]),
  });
}

/** Three digits: more would be noise. */
function withUnit(value: number, unit: Verdict["unit"]): string {
  const digits = value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
  return unit === "x" ? `${digits}x` : `${digits} ${unit}`;
}

function renderTable({ head, rows }: Omit<Table, "title">): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
