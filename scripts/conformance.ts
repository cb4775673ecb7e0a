/**
 * Runs the official MCP conformance suite against a fixture server, directly and through the daemon, and
 * with an official client, directly and through what is ours; and compares the two check by check:
 *
 *     deno task conformance                            everything; writes docs/conformance.md
 *     deno task conformance --revision 2025-11-25      one revision; writes nothing
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
import { learnThatItAsks } from "../tests/conformance/learn.ts";
import {
  CLIENT_WAYS,
  type Era,
  eraOf,
  type Pairing,
  PAIRINGS,
  type Revision,
  REVISIONS,
} from "../tests/conformance/pairings.ts";
import { type Compared, complaints, report } from "../tests/conformance/report.ts";
import type { Results } from "../tests/conformance/results.ts";
import { runClientSuite, runServerSuite, SUITE } from "../tests/conformance/suite.ts";
import { DaemonFixture } from "../tests/fixtures/daemon.ts";
import { Child, run } from "./lib/child.ts";
import { denoRun, ROOT, temporaryFolder } from "./lib/project.ts";
import { runTask, type Task, TaskProblem } from "./lib/task.ts";

const FIXTURE = "tests/conformance/fixture_server.ts";
const CLIENT = "tests/conformance/client_program.ts";
const REPORT = join(ROOT, "docs", "conformance.md");

/** Milliseconds for the fixture to listen, its packages perhaps to be fetched first. */
const START_MS = 60_000;

/** Revisions that were asked for. */
function chosenRevisions(): readonly Revision[] {
  const { values } = parseArgs({
    args: Deno.args,
    options: { revision: { type: "string", multiple: true } },
  });
  const { revision: named } = values;
  if (named === undefined) return REVISIONS;
  const unknown = named.find((revision) => !(REVISIONS as readonly string[]).includes(revision));
  if (unknown === undefined) return named as Revision[];
  throw new TaskProblem(`unknown --revision ${unknown}; one of ${REVISIONS.join(", ")}`);
}

async function conformance(task: Task): Promise<number> {
  const revisions = chosenRevisions();
  const servers = await compareServers(task, revisions);
  const clients = await compareClients(task, revisions);
  const wrong = complaints([...servers, ...clients]);
  if (revisions.length === REVISIONS.length) {
    await writeReport(report({ suite: SUITE, version: VERSION, servers, clients }), task);
  }
  for (const line of wrong) console.error(line);
  return wrong.length === 0 ? 0 : 1;
}

/** The suite as a client, against the fixture and against the daemon before it. */
async function compareServers(task: Task, revisions: readonly Revision[]): Promise<Compared[]> {
  const { stack, signal } = task;
  const daemon = stack.use(await DaemonFixture.start({ config: { mcpServers: children() } }));
  const direct = new Map<Revision, Results>();
  for (const revision of revisions) {
    direct.set(revision, await suiteAt(await directUrl(task, eraOf(revision)), revision, task));
  }
  const compared: Compared[] = [];
  for (const pairing of PAIRINGS) {
    const url = `${daemon.url}/mcp/${pairing.server}`;
    if (pairing.hasAsked) await learnThatItAsks(url, signal);
    for (const revision of pairing.revisions.filter((each) => revisions.includes(each))) {
      const through = await suiteAt(url + pairing.query, revision, task);
      const exceptions = EXCEPTIONS.filter(({ pairings }) => pairings.includes(pairing.name));
      const comparison = compare({ direct: direct.get(revision)!, through }, exceptions);
      compared.push({ pairing: pairing.name, revision, comparison });
      console.log(`${pairing.name}, ${revision}: ${summary(comparison)}`);
    }
  }
  return compared;
}

/** The suite as a server, of an official client and of what is ours. */
async function compareClients(task: Task, revisions: readonly Revision[]): Promise<Compared[]> {
  const compared: Compared[] = [];
  for (const revision of revisions) {
    const ways = CLIENT_WAYS.filter(({ revisions }) => revisions.includes(revision));
    if (ways.length === 0) continue;
    const direct = await clientBy("direct", revision, task);
    for (const { name, way } of ways) {
      const comparison = compare({ direct, through: await clientBy(way, revision, task) }, []);
      compared.push({ pairing: name, revision, comparison });
      console.log(`${name}, ${revision}: ${summary(comparison)}`);
    }
  }
  return compared;
}

async function clientBy(way: string, revision: Revision, { stack, signal }: Task) {
  const { path } = stack.use(await temporaryFolder());
  const command = [Deno.execPath(), ...denoRun(CLIENT, way)];
  return await runClientSuite({ command, revision, folder: path, signal });
}

/** The fixture as children of the daemon; each a server of its own. */
function children(): Record<string, unknown> {
  const child = ({ era, server }: Pairing) => ({
    command: Deno.execPath(),
    args: denoRun(FIXTURE, era, "stdio"),
    // Whatever is learned of one must not be known of another.
    env: { FIXTURE_NAME: server },
  });
  return Object.fromEntries(PAIRINGS.map((pairing) => [pairing.server, child(pairing)]));
}

const started = new Map<Era, Promise<string>>();

/** Where the fixture of an era serves by itself; it is started once. */
function directUrl({ stack, signal }: Task, era: Era): Promise<string> {
  let url = started.get(era);
  if (url === undefined) {
    const fixture = stack.use(
      new Child({ command: Deno.execPath(), args: denoRun(FIXTURE, era, "http") }),
    );
    url = fixture.says(/"url":"([^"]+)"/, { signal, ms: START_MS }).then(([, url]) => url);
    started.set(era, url);
  }
  return url;
}

async function suiteAt(url: string, revision: Revision, { stack, signal }: Task): Promise<Results> {
  const { path } = stack.use(await temporaryFolder());
  return await runServerSuite({ url, revision, folder: path, signal });
}

function summary({ rows }: Comparison): string {
  const passing = rows.filter(({ direct }) => direct === "SUCCESS");
  const same = passing.filter(({ through }) => through === "SUCCESS");
  return `${passing.length} checks pass directly, ${same.length} of them this way`;
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
