/**
 * Runs the official MCP conformance suite against a fixture server, directly and through the daemon,
 * and compares the two check by check:
 *
 *     deno task conformance                            all revisions; writes docs/conformance.md
 *     deno task conformance --revision 2025-11-25      one; writes nothing
 *
 * Exits 1 when a check that passes directly fails through the daemon and is no named exception, when an
 * exception is named without need, or when the fixture itself fails. The suite comes from the npm
 * registry. `AICHAKU_TEST_BIN` names a compiled program to run instead of the source.
 *
 * @module
 */

import { join } from "@std/path";
import { parseArgs } from "node:util";
import { VERSION } from "../protocol/version.ts";
import { compare, type Comparison } from "../tests/conformance/compare.ts";
import { EXCEPTIONS } from "../tests/conformance/exceptions.ts";
import { complaints, report } from "../tests/conformance/report.ts";
import { runSuite, SUITE } from "../tests/conformance/suite.ts";
import { DaemonFixture } from "../tests/fixtures/daemon.ts";
import { Child, run } from "./lib/child.ts";
import { denoRun, ROOT, temporaryFolder } from "./lib/project.ts";
import { runTask, type Task, TaskProblem } from "./lib/task.ts";

const REVISIONS = ["2025-06-18", "2025-11-25"];
const FIXTURE = "tests/conformance/fixture_server.ts";
const REPORT = join(ROOT, "docs", "conformance.md");

/** Milliseconds for the fixture to listen, its packages perhaps to be fetched first. */
const START_MS = 60_000;

/** Revisions that were asked for. */
function chosenRevisions(): string[] {
  const { values } = parseArgs({
    args: Deno.args,
    options: { revision: { type: "string", multiple: true } },
  });
  const unknown = values.revision?.find((revision) => !REVISIONS.includes(revision));
  if (unknown !== undefined) {
    throw new TaskProblem(`unknown --revision ${unknown}; one of ${REVISIONS.join(", ")}`);
  }
  return values.revision ?? REVISIONS;
}

async function conformance({ stack, signal }: Task): Promise<number> {
  const revisions = chosenRevisions();
  const fixture = stack.use(
    new Child({ command: Deno.execPath(), args: denoRun(FIXTURE, "legacy", "http") }),
  );
  const [, direct] = await fixture.says(/"url":"([^"]+)"/, { signal, ms: START_MS });
  const daemon = stack.use(
    await DaemonFixture.start({
      config: {
        mcpServers: {
          fixture: { command: Deno.execPath(), args: denoRun(FIXTURE, "legacy", "stdio") },
        },
      },
    }),
  );

  const comparisons = new Map<string, Comparison>();
  for (const revision of revisions) {
    const suiteAt = async (url: string) => {
      const { path } = stack.use(await temporaryFolder());
      return await runSuite({ url, revision, folder: path, signal });
    };
    comparisons.set(
      revision,
      compare({
        direct: await suiteAt(direct),
        through: await suiteAt(`${daemon.url}/mcp/fixture`),
      }, EXCEPTIONS),
    );
    console.log(summary(revision, comparisons.get(revision)!));
  }

  if (revisions.length === REVISIONS.length) {
    await writeReport(report({ suite: SUITE, version: VERSION, comparisons }), { signal });
  }
  const wrong = complaints(comparisons);
  for (const line of wrong) console.error(line);
  return wrong.length === 0 ? 0 : 1;
}

function summary(revision: string, { rows }: Comparison): string {
  const passing = rows.filter(({ direct }) => direct === "SUCCESS");
  const same = passing.filter(({ through }) => through === "SUCCESS");
  return `${revision}: ${passing.length} checks pass directly, ${same.length} of them through the daemon`;
}

async function writeReport(text: string, { signal }: { signal: AbortSignal }): Promise<void> {
  await Deno.writeTextFile(REPORT, text);
  const formatted = await run(
    { command: Deno.execPath(), args: ["fmt", "--quiet", REPORT], cwd: ROOT },
    { signal, ms: START_MS },
  );
  if (formatted.code !== 0) throw new TaskProblem(`Cannot format ${REPORT}: ${formatted.stderr}`);
  console.log(`written: ${REPORT}`);
}

await runTask("conformance", conformance);
