/**
 * The comparison as a document for people: `docs/conformance.md`. The same results give the same text,
 * so that a change in the repository is a change in behaviour.
 *
 * @module
 */

import { type Comparison, type Row, staleInAll } from "./compare.ts";

/** A comparison, and what it is of. */
export interface Compared {
  /** The way that the messages took. */
  pairing: string;
  revision: string;
  comparison: Comparison;
}

/** What the report is about. */
export interface ReportOptions {
  /** Name and version of the suite. */
  suite: string;
  /** Version of the daemon. */
  version: string;
  /** The suite as a client of servers. */
  servers: readonly Compared[];
  /** The suite as a server of clients. */
  clients: readonly Compared[];
}

/** The document, in Markdown that still has to be formatted. */
export function report({ suite, version, servers, clients }: ReportOptions): string {
  const reasons = usedReasons(servers);
  return `# Conformance

Written by \`deno task conformance\`; do not edit.

The official suite (\`${suite}\`, all scenarios) is run for each revision of the protocol: against a
fixture server over Streamable HTTP, directly, and against aichaku ${version} at \`/mcp/{server}\` with
that same server as a stdio child, once speaking the legacy era (v1 SDK) and once speaking 2026-07-28
only (v2 SDK). The results are compared check by check: whatever passes directly, with a server that
speaks the revision by itself, must pass through the daemon, whatever era the server behind it speaks.
The fixture is \`tests/conformance/fixture_server.ts\`; what is mapped to what is told in
[bridge.md](bridge.md).

## Servers

${overview("server behind the daemon", servers)}

What the suite tells for information only counts as neither. A named client is one that says who it is
(\`?client=\`), at a server that was seen to ask: it has a process for itself.

## Exceptions

${
    reasons.size === 0
      ? "None."
      : [...reasons].map(([reason, scenarios], index) =>
        `${index + 1}. ${reason} (${scenarios.map((name) => `\`${name}\``).join(", ")})`
      ).join("\n")
  }

## Clients

The suite plays the server (all scenarios but those about authorization). Its checks of an official
client (v2 SDK) that is connected directly are compared with those of the same client behind
\`aichaku mcp --stdio\`, where the suite's server is a remote server of the daemon, and with those of
this project's client SDK, which finds out by itself which era is spoken (\`era: "auto"\`). The client is
\`tests/conformance/client_program.ts\`.

${overview("way", clients)}

## Every check

One word: the same directly and on every way. Otherwise: directly, then on each way.

${sections("Servers", servers, [...reasons.keys()])}

${sections("Clients", clients, [])}
`;
}

function overview(way: string, compared: readonly Compared[]): string {
  return table(
    ["revision", way, "pass directly", "pass through", "exceptions", "worse"],
    compared.map(({ pairing, revision, comparison: { rows } }) => [
      revision,
      pairing,
      count(rows, (row) => row.direct === "SUCCESS"),
      count(rows, (row) => row.direct === "SUCCESS" && row.through === "SUCCESS"),
      count(rows, (row) => row.verdict === "excepted"),
      count(rows, (row) => row.verdict === "worse"),
    ]),
  );
}

/** What a person who runs the task is told at its end: nothing when all is well. */
export function complaints(compared: readonly Compared[]): string[] {
  const said = new Set<string>();
  for (const { pairing, revision, comparison: { directFailures, worse } } of compared) {
    for (const row of directFailures) {
      said.add(`${revision} ${name(row)}: the fixture itself fails (${row.direct})`);
    }
    for (const row of worse) {
      const why = row.message === undefined ? "" : `: ${row.message}`;
      said.add(
        `${revision} ${name(row)}: ${row.direct} directly, ${row.through} (${pairing})${why}`,
      );
    }
  }
  for (const pairing of new Set(compared.map(({ pairing }) => pairing))) {
    const own = compared.filter((each) => each.pairing === pairing);
    for (const stale of staleInAll(own.map(({ comparison }) => comparison))) {
      said.add(`${stale} (${pairing}): listed as an exception, and passes; take it out`);
    }
  }
  return [...said];
}

/** A table for each revision. */
function sections(
  title: string,
  compared: readonly Compared[],
  reasons: readonly string[],
): string {
  return [...new Set(compared.map(({ revision }) => revision))].map((revision) => {
    const ways = compared.filter((each) => each.revision === revision);
    const head = ["scenario", "check", "result", ...ways.map(({ pairing }) => pairing)];
    return `### ${title}, ${revision}\n\n${table(head, lines(ways, reasons))}`;
  }).join("\n\n");
}

function lines(ways: readonly Compared[], reasons: readonly string[]): string[][] {
  const found = new Map<string, Row>();
  const byWay = ways.map(({ comparison: { rows } }) => {
    for (const row of rows) if (!found.has(name(row))) found.set(name(row), row);
    return new Map(rows.map((row) => [name(row), row]));
  });
  return [...found]
    .sort(([, a], [, b]) => a.scenario.localeCompare(b.scenario))
    .map(([key, first]) => {
      const rows = byWay.map((rows) => rows.get(key));
      const isSame = rows.every((row) => row !== undefined && row.through === first.direct);
      return [
        `\`${first.scenario}\``,
        `\`${first.check}\``,
        WORDS[first.direct],
        ...rows.map((row) => isSame ? "" : cell(row, reasons)),
      ];
    });
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
  if (row === undefined) return "-";
  const word = WORDS[row.through];
  if (row.verdict !== "excepted") return row.verdict === "worse" ? `**${word}**` : word;
  return `${word} (${reasons.indexOf(row.exception!.reason) + 1})`;
}

/** Reason → scenarios that it was needed for. */
function usedReasons(compared: readonly Compared[]): Map<string, string[]> {
  const used = new Map<string, string[]>();
  for (const { comparison: { rows } } of compared) {
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
