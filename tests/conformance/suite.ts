/**
 * Runs the official conformance suite, as the client of a server and as the server of a client.
 *
 * @module
 */

import { join } from "@std/path";
import { type Outcome, run } from "../../scripts/lib/child.ts";
import { TaskProblem } from "../../scripts/lib/task.ts";
import { readResults, type Results } from "./results.ts";

/** The suite, and its version: another one has other checks. */
export const SUITE = "@modelcontextprotocol/conformance@0.2.0-alpha.12";

/** What to run, and where. */
export interface SuiteOptions {
  /** Revision of the protocol, such as `2025-11-25`. */
  revision: string;
  /** Folder for what the suite writes; must exist, and nothing else may write to it. */
  folder: string;
  signal: AbortSignal;
  /** Default all of them. */
  scenarios?: readonly string[];
}

/** Milliseconds that one scenario may take. */
const SCENARIO_MS = 15_000;

/** The same for a client, which may have to start a daemon for itself. */
const CLIENT_MS = 60_000;

/** Milliseconds that all of them, and fetching the suite, may take. */
const RUN_MS = 300_000;

/**
 * Runs scenarios against a server.
 *
 * @throws {TaskProblem} when the suite itself does not run.
 */
export async function runServerSuite(
  { url, scenarios, ...options }: SuiteOptions & { url: string },
): Promise<Results> {
  const all: Results = new Map();
  for (const scenario of scenarios ?? [undefined]) {
    const what = scenario === undefined ? ["--suite", "all"] : ["--scenario", scenario];
    const args = ["server", "--url", url, ...what, "--timeout", String(SCENARIO_MS)];
    for (const found of await runSuite(args, { of: "server", ...options })) all.set(...found);
  }
  return all;
}

/**
 * Runs scenarios with a client, other than those about authorization.
 *
 * @param command Starts the client; the address of the server is added to it. No argument may have a
 * space in it: the suite gives it to a shell.
 * @throws {TaskProblem} when the suite itself does not run.
 */
export async function runClientSuite(
  { command, scenarios, ...options }: SuiteOptions & { command: readonly string[] },
): Promise<Results> {
  const all: Results = new Map();
  for (const scenario of scenarios ?? await clientScenarios(options)) {
    const args = ["client", "--command", command.join(" "), "--scenario", scenario];
    const results = await runSuite([...args, "--timeout", String(CLIENT_MS)], {
      of: "client",
      ...options,
    });
    for (const found of results) all.set(...found);
  }
  return all;
}

/** Names of the scenarios for clients of a revision, without those about authorization. */
async function clientScenarios({ revision, folder, signal }: SuiteOptions): Promise<string[]> {
  const { stdout } = await suite(["list", "--client", "--spec-version", revision], {
    folder,
    signal,
  });
  return [...stdout.matchAll(/^ +- (\S+)/gm)].map(([, name]) => name)
    .filter((name) => !name.startsWith("auth/"));
}

async function runSuite(
  args: readonly string[],
  { of, revision, folder, signal }: SuiteOptions & { of: "server" | "client" },
): Promise<Results> {
  const output = join(folder, crypto.randomUUID());
  const { code, stdout, stderr } = await suite(
    [...args, "--spec-version", revision, "--output-dir", output],
    { folder, signal },
  );
  let results: Results;
  try {
    results = await readResults(output, { of });
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

function suite(
  args: readonly string[],
  { folder, signal }: { folder: string; signal: AbortSignal },
): Promise<Outcome> {
  return run({
    command: Deno.execPath(),
    args: ["run", "-A", "--quiet", "--no-config", "--no-lock", `npm:${SUITE}`, ...args],
    cwd: folder,
  }, { signal, ms: RUN_MS });
}
