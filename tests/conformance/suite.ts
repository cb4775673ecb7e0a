/**
 * Runs the official conformance suite against a URL.
 *
 * @module
 */

import { join } from "@std/path";
import { run } from "../../scripts/lib/child.ts";
import { TaskProblem } from "../../scripts/lib/task.ts";
import { readResults, type Results } from "./results.ts";

/** The suite, and its version: another one has other checks. */
export const SUITE = "@modelcontextprotocol/conformance@0.2.0-alpha.12";

/** What to run, and where. */
export interface SuiteOptions {
  /** MCP endpoint. */
  url: string;
  /** Revision of the protocol, such as `2025-11-25`. */
  revision: string;
  /** Folder for what the suite writes; must exist, and nothing else may write to it. */
  folder: string;
  signal: AbortSignal;
}

/** Milliseconds that one scenario may take. */
const SCENARIO_MS = 15_000;

/** Milliseconds that all of them, and fetching the suite, may take. */
const RUN_MS = 300_000;

/**
 * Runs all scenarios of a revision.
 *
 * @throws {TaskProblem} when the suite itself does not run.
 */
export async function runServerSuite(
  { url, revision, folder, signal }: SuiteOptions,
): Promise<Results> {
  const output = join(folder, "results");
  const { code, stdout, stderr } = await run({
    command: Deno.execPath(),
    args: [
      ...["run", "-A", "--quiet", "--no-config", "--no-lock", `npm:${SUITE}`],
      ...["server", "--url", url, "--suite", "all", "--spec-version", revision],
      ...["--timeout", String(SCENARIO_MS), "--output-dir", output],
    ],
    cwd: folder,
  }, { signal, ms: RUN_MS });
  let results: Results;
  try {
    results = await readResults(output);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new TaskProblem(
      `The suite wrote no results (exit code ${code}). It comes from the npm registry, which must be ` +
        `reachable. It said:\n${stdout}${stderr}`,
      { cause: error },
    );
  }
  // Its exit code says what the results say, and an empty run looks like a good one.
  if (results.size === 0) throw new TaskProblem(`The suite has no scenarios for ${revision}`);
  return results;
}
