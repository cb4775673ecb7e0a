/**
 * Compares what the suite found at a server directly with what it found at the same server behind the
 * daemon. Guarantees that every check that passes directly is accounted for: it passes through the
 * daemon as well, or it is in the list of exceptions, or it is named as worse.
 *
 * @module
 */

import type { Check, Results, Status } from "./results.ts";

/** Checks that may be worse through the daemon, and why. */
export interface Exception {
  scenario: string;
  /** Ids of the checks. */
  checks: readonly string[];
  /** For the reader of the report. */
  reason: string;
}

/** What became of a check on its way through the daemon. */
export type Verdict =
  /** Passes both ways. */
  | "same"
  /** Fails, or is not reached, through the daemon only. */
  | "worse"
  /** The same, and named in the list of exceptions. */
  | "excepted"
  /** Does not pass directly: the daemon owes nothing. */
  | "not owed";

/** A check, both ways. */
export interface Row {
  scenario: string;
  check: string;
  direct: Status;
  through: Status;
  /** Why it is worse, in the suite's words. */
  message: string | undefined;
  verdict: Verdict;
  exception: Exception | undefined;
}

/** The comparison of one run with another. */
export interface Comparison {
  rows: Row[];
  /** Checks of the server itself that fail: the run proves nothing about them. */
  directFailures: Row[];
  /** Checks that are worse without being an exception. */
  worse: Row[];
  /** Exceptions that are not needed, as `scenario/check`. */
  stale: string[];
}

const MISSING: Check = { status: "MISSING", message: "the check was not reached" };
const FAILING: readonly Status[] = ["FAILURE", "WARNING"];

/** Compares. Exceptions of scenarios that were not run are left alone. */
export function compare(
  { direct, through }: { direct: Results; through: Results },
  exceptions: readonly Exception[],
): Comparison {
  const rows: Row[] = [];
  for (const scenario of union(direct, through)) {
    const before = direct.get(scenario) ?? new Map<string, Check>();
    const after = through.get(scenario) ?? new Map<string, Check>();
    for (const check of union(before, after)) {
      const [there, here] = [before.get(check) ?? MISSING, after.get(check) ?? MISSING];
      const exception = exceptions.find((each) =>
        each.scenario === scenario && each.checks.includes(check)
      );
      const verdict = judge(there.status, here.status);
      rows.push({
        scenario,
        check,
        direct: there.status,
        through: here.status,
        message: verdict === "worse" ? here.message : undefined,
        verdict: verdict === "worse" && exception !== undefined ? "excepted" : verdict,
        exception,
      });
    }
  }
  return {
    rows,
    directFailures: rows.filter((row) => FAILING.includes(row.direct)),
    worse: rows.filter((row) => row.verdict === "worse"),
    stale: exceptions
      .filter(({ scenario }) => direct.has(scenario) || through.has(scenario))
      .flatMap(({ scenario, checks }) => checks.map((check) => ({ scenario, check })))
      .filter(({ scenario, check }) =>
        !rows.some((row) =>
          row.verdict === "excepted" && row.scenario === scenario && row.check === check
        )
      )
      .map(({ scenario, check }) => `${scenario}/${check}`),
  };
}

/** An exception that one of several runs needs is needed. */
export function staleInAll(comparisons: readonly Comparison[]): string[] {
  const needed = new Set(
    comparisons.flatMap(({ rows }) =>
      rows.filter(({ verdict }) => verdict === "excepted")
        .map(({ scenario, check }) => `${scenario}/${check}`)
    ),
  );
  const stale = new Set(comparisons.flatMap(({ stale }) => stale));
  return [...stale].filter((name) => !needed.has(name));
}

function judge(direct: Status, through: Status): "same" | "worse" | "not owed" {
  if (direct === "SUCCESS") return through === "SUCCESS" ? "same" : "worse";
  // Reached and failed only behind the daemon: some other check was replaced by this one.
  if (FAILING.includes(through) && !FAILING.includes(direct)) return "worse";
  return "not owed";
}

function union<K>(a: ReadonlyMap<K, unknown>, b: ReadonlyMap<K, unknown>): K[] {
  return [...new Set([...a.keys(), ...b.keys()])];
}
