/**
 * The comparison as a document for people: `docs/conformance.md`. The same results give the same text,
 * so that a change in the repository is a change in behaviour.
 *
 * @module
 */

import { type Comparison, type Row, staleInAll } from "./compare.ts";

/** What the report is about. */
export interface ReportOptions {
  /** Name and version of the suite. */
  suite: string;
  /** Version of the daemon. */
  version: string;
  /** Revision → comparison. */
  comparisons: ReadonlyMap<string, Comparison>;
}

/** The document, in Markdown that still has to be formatted. */
export function report({ suite, version, comparisons }: ReportOptions): string {
  const revisions = [...comparisons.keys()];
  const reasons = usedReasons(comparisons);
  return `# Conformance

Written by \`deno task conformance\`; do not edit.

The official suite (\`${suite}\`, all scenarios) is run twice for each revision of the protocol: against
a fixture server over Streamable HTTP, directly, and against aichaku ${version} at
\`/mcp/{server}\` with that same server as a stdio child. The results are compared check by check. The
fixture (\`tests/conformance/fixture_server.ts\`) is written with the v1 SDK of MCP.

${
    table(
      ["revision", "checks", "pass directly", "pass through the daemon", "exceptions", "worse"],
      [
        ...comparisons,
      ].map(([revision, { rows }]) => [
        revision,
        count(rows, () => true),
        count(rows, (row) => row.direct === "SUCCESS"),
        count(rows, (row) => row.through === "SUCCESS"),
        count(rows, (row) => row.verdict === "excepted"),
        count(rows, (row) => row.verdict === "worse"),
      ]),
    )
  }

What the suite tells for information only counts as neither.

## Exceptions

${
    reasons.size === 0
      ? "None."
      : [...reasons].map(([reason, scenarios], index) =>
        `${index + 1}. ${scenarios.map((name) => `\`${name}\``).join(", ")}: ${reason}`
      ).join("\n")
  }

## Every check

One word: the same both ways. Two: directly, then through the daemon.

${table(["scenario", "check", ...revisions], lines(comparisons, [...reasons.keys()]))}
`;
}

/** What a person who runs the task is told at its end: nothing when all is well. */
export function complaints(comparisons: ReadonlyMap<string, Comparison>): string[] {
  const said: string[] = [];
  for (const [revision, { directFailures, worse }] of comparisons) {
    for (const row of directFailures) {
      said.push(`${revision} ${name(row)}: the fixture itself fails (${row.direct})`);
    }
    for (const row of worse) {
      const why = row.message === undefined ? "" : `: ${row.message}`;
      said.push(`${revision} ${name(row)}: ${row.direct} directly, ${row.through} through${why}`);
    }
  }
  for (const stale of staleInAll([...comparisons.values()])) {
    said.push(`${stale}: listed as an exception, and passes; take it out of exceptions.ts`);
  }
  return said;
}

function lines(
  comparisons: ReadonlyMap<string, Comparison>,
  reasons: readonly string[],
): string[][] {
  const found = new Map<string, { first: Row; byRevision: Map<string, Row> }>();
  for (const [revision, { rows }] of comparisons) {
    for (const row of rows) {
      const known = found.get(name(row)) ?? { first: row, byRevision: new Map() };
      known.byRevision.set(revision, row);
      found.set(name(row), known);
    }
  }
  return [...found.values()]
    .sort((a, b) => a.first.scenario.localeCompare(b.first.scenario))
    .map(({ first, byRevision }) => [
      `\`${first.scenario}\``,
      `\`${first.check}\``,
      ...[...comparisons.keys()].map((revision) => cell(byRevision.get(revision), reasons)),
    ]);
}

const WORDS = {
  SUCCESS: "pass",
  FAILURE: "FAIL",
  WARNING: "WARN",
  SKIPPED: "skipped",
  INFO: "info",
  MISSING: "-",
};

function cell(row: Row | undefined, reasons: readonly string[]): string {
  if (row === undefined) return "";
  if (row.direct === row.through) return WORDS[row.direct];
  const both = `${WORDS[row.direct]}, ${WORDS[row.through]}`;
  if (row.verdict !== "excepted") return row.verdict === "worse" ? `**${both}**` : both;
  return `${both} (exception ${reasons.indexOf(row.exception!.reason) + 1})`;
}

/** Reason → scenarios that it was needed for. */
function usedReasons(comparisons: ReadonlyMap<string, Comparison>): Map<string, string[]> {
  const used = new Map<string, string[]>();
  for (const { rows } of comparisons.values()) {
    for (const { verdict, scenario, exception } of rows) {
      if (verdict !== "excepted") continue;
      const scenarios = used.get(exception!.reason) ?? [];
      if (!scenarios.includes(scenario)) scenarios.push(scenario);
      used.set(exception!.reason, scenarios);
    }
  }
  return used;
}

function name({ scenario, check }: Row): string {
  return `${scenario}/${check}`;
}

function count(rows: readonly Row[], test: (row: Row) => boolean): string {
  return String(rows.filter(test).length);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
