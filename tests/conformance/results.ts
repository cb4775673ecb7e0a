/**
 * What a run of the official suite found: read from the files it writes, check by check. Its ticks are
 * not enough: a scenario can show one with nothing passed.
 *
 * @module
 */

import { join } from "@std/path";

/** How the suite judges a check. `MISSING` is ours: the check was not reached at all. */
export type Status = "SUCCESS" | "FAILURE" | "WARNING" | "SKIPPED" | "INFO" | "MISSING";

/** A check. */
export interface Check {
  status: Status;
  /** Why it is not a success; undefined when the suite does not say. */
  message: string | undefined;
}

/** Scenario → id of the check → how it went. */
export type Results = Map<string, Map<string, Check>>;

/** The worst first: a check that the suite makes several times counts as its worst time. */
const WORST_FIRST: readonly Status[] = ["FAILURE", "WARNING", "SKIPPED", "SUCCESS", "INFO"];

/** A check as the suite writes it. */
interface WrittenCheck {
  id: string;
  status: Status;
  errorMessage?: string;
}

/** Reads the folder that the suite was given as its output: as the client of a server, or as its server. */
export async function readResults(
  folder: string,
  { of }: { of: "server" | "client" },
): Promise<Results> {
  const results: Results = new Map();
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) names.push(name);
  for (const name of names.sort()) {
    const [, prefix, scenario] = /^(server-)?(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(name) ?? [];
    const isOurs = scenario !== undefined && (prefix !== undefined) === (of === "server");
    if (!isOurs) throw new Error(`Not a result of the suite: ${name} in ${folder}`);
    const written = JSON.parse(await Deno.readTextFile(join(folder, name, "checks.json")));
    results.set(scenario, gather(written));
  }
  return results;
}

/** One check for each id. */
export function gather(written: readonly WrittenCheck[]): Map<string, Check> {
  const checks = new Map<string, Check>();
  for (const { id, status, errorMessage } of written) {
    const rank = WORST_FIRST.indexOf(status);
    if (rank < 0) throw new Error(`Check ${id} has an unknown status ${JSON.stringify(status)}`);
    const known = checks.get(id);
    if (known !== undefined && WORST_FIRST.indexOf(known.status) <= rank) continue;
    checks.set(id, { status, message: errorMessage });
  }
  return checks;
}
