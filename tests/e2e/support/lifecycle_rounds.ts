/**
 * Rounds of starting and killing, in two sizes: a small one with every run of the tests, a large one
 * with `deno task chaos`.
 *
 * @module
 */

import { deepEqual, equal, ok } from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import { processesMarked } from "../../../platform/marked_processes.ts";
import { processStartTime } from "../../../platform/process.ts";
import { readAnnouncement } from "../../../server/daemon/announce.ts";
import { isLocked } from "../../../server/daemon/lock.ts";
import { DaemonFixture } from "../../fixtures/daemon.ts";
import { childrenOf } from "./processes.ts";
import { eventually } from "./within.ts";

/** Milliseconds after the death of a daemon in which everything that it started has to be gone. */
export const ORPHAN_MS = 2_000;

/** Every process of the stubborn servers of this run of the tests has it in its environment. */
const STUBBORN_MARK = `AICHAKU_TEST_STUBBORN_${Deno.pid}`;

/** A configuration with one server, which does not want to end, and neither do its children. */
export const STUBBORN = {
  mcpServers: {
    stubborn: {
      command: "sh",
      args: [fromFileUrl(new URL("../../fixtures/servers/stubborn.sh", import.meta.url))],
      env: { [STUBBORN_MARK]: "yes" },
    },
  },
};

/** A process, so that it is recognized when its id was given to another one. */
interface Recognized {
  pid: number;
  startTime: number;
}

/** Starts the stubborn server. @returns it and its children, one of them of another session. */
export async function startStubborn(daemon: DaemonFixture): Promise<Recognized[]> {
  const { status } = await daemon.rpc("stubborn", { jsonrpc: "2.0", id: 1, method: "tools/list" });
  equal(status, 200);
  // The server answers before its children run what makes them stubborn.
  return await eventually(async () => {
    const marked = processesMarked(daemon.instanceId);
    const sleeping = marked.filter((pid) => commandOf(pid).startsWith("sleep"));
    if (sleeping.length < 2) return undefined;
    const pids = new Set([...marked, ...await daemon.childPids()]);
    return recognize([...pids].filter((pid) => !commandOf(pid).includes("aichaku-reaper")));
  }, "a stubborn server and two stubborn children");
}

/** Fails when one of them is alive too long after `since`, on the clock of `performance`. */
export async function allGone(
  left: readonly Recognized[],
  { since, instanceId }: { since: number; instanceId: string },
): Promise<void> {
  const alive = () => [
    ...left.filter(({ pid, startTime }) => processStartTime(pid) === startTime),
    ...recognize(processesMarked(instanceId)),
  ];
  while (alive().length > 0) {
    const late = performance.now() - since > ORPHAN_MS;
    ok(
      !late,
      `alive ${ORPHAN_MS} ms after their daemon died: ${alive().map(described).join("; ")}`,
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function recognize(pids: readonly number[]): Recognized[] {
  return pids.flatMap((pid) => {
    const startTime = processStartTime(pid);
    return startTime === null ? [] : [{ pid, startTime }];
  });
}

function described({ pid }: Recognized): string {
  return `${pid} ${commandOf(pid)}`;
}

function commandOf(pid: number): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
  } catch {
    return ""; // Gone meanwhile.
  }
}

/** How large {@linkcode crowdRounds} is. */
export interface CrowdOptions {
  starters: number;
  rounds: number;
}

/**
 * A crowd starts the daemon at once: every one of them is told of the same daemon, every round. Between
 * the rounds the daemon is stopped and killed by turns.
 */
export async function crowdRounds({ starters, rounds }: CrowdOptions): Promise<void> {
  await using home = await DaemonFixture.create();
  const before = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    const results = await Promise.all(
      Array.from({ length: starters }, () => home.cli("mcp", "--start-server", "--json")),
    );
    const where = `round ${round}`;
    const failures = results.filter(({ code, stderr }) => code !== 0 || stderr !== "");
    deepEqual(failures, [], where);
    const told = new Set(results.map(({ stdout }) => JSON.parse(stdout).instanceId));
    deepEqual([...told], [home.instanceId], where);
    equal((await home.health()).instanceId, home.instanceId, where);
    ok(!before.has(home.instanceId), where);
    before.add(home.instanceId);
    if (round % 2 === 0) await home.kill9();
    else equal((await home.cli("mcp", "--stop-server")).code, 0, where);
  }
}

/** Who is killed: the daemon that serves, the one that is just being started, or its starter. */
export type Victim = "daemon" | "young daemon" | "starter";

/** How {@linkcode killRounds} goes on. */
export interface KillOptions {
  victims: readonly Victim[];
  /** Passes some time, so that the kill falls into any part of a start or a life. */
  moment(): Promise<void>;
}

/**
 * SIGKILL, then a start: it serves, whatever was killed when; no lock is stuck, and nothing that a dead
 * daemon had started is alive for long.
 */
export async function killRounds({ victims, moment }: KillOptions): Promise<void> {
  await using home = await DaemonFixture.create({ config: STUBBORN });
  for (const [round, victim] of victims.entries()) {
    try {
      await KILL[victim](home, moment);
      const next = await home.cli("mcp", "--start-server");
      deepEqual({ code: next.code, stderr: next.stderr }, { code: 0, stderr: "" });
      const { status } = await home.rpc("stubborn", {
        jsonrpc: "2.0",
        id: round,
        method: "tools/list",
      });
      equal(status, 200);
      equal(isLocked(home.paths.daemonLock), true);
      equal(isLocked(home.paths.spawnLock), false);
      // Quicker than to stop it, and the next start has something to clear away.
      await killDaemon(home);
    } catch (error) {
      endStubborn();
      throw new Error(`round ${round}, victim: ${victim}`, { cause: error });
    }
  }
}

const KILL: Record<Victim, (home: DaemonFixture, moment: () => Promise<void>) => Promise<void>> = {
  async daemon(home, moment) {
    equal((await home.cli("mcp", "--start-server")).code, 0);
    const { instanceId } = home;
    const left = await startStubborn(home);
    await moment();
    const since = await killDaemon(home);
    // The next start helps; by turns it is left to the reaper alone.
    const gone = allGone(left, { since, instanceId });
    if (left[0].pid % 2 === 0) await gone;
    else await Promise.all([gone, home.cli("mcp", "--start-server")]);
  },

  async "young daemon"(home, moment) {
    const starter = home.command(["mcp", "--start-server"]).spawn();
    const output = starter.output();
    const daemon = await eventually(async () => {
      const [child] = await childrenOf(starter.pid);
      return child ?? livingDaemon(home);
    }, "the daemon that is being started");
    await moment();
    killIfThere(daemon);
    // Either it was up already, or the starter says how it ended; it does not wait for the dead.
    const { code, stderr } = await output;
    if (code !== 0) ok(new TextDecoder().decode(stderr).includes("it ended by SIGKILL"));
  },

  async starter(home, moment) {
    const starter = home.command(["mcp", "--start-server"]).spawn();
    const output = starter.output();
    await moment();
    killIfThere(starter.pid);
    await output;
  },
};

/**
 * SIGKILL. Waits for the end of the process alone: another one, of a start that was under way, may take
 * the lock at once. @returns when, on the clock of `performance`.
 */
async function killDaemon({ pid }: DaemonFixture): Promise<number> {
  Deno.kill(pid, "SIGKILL");
  const since = performance.now();
  await eventually(() => processStartTime(pid) === null, `end of process ${pid}`);
  return since;
}

/** The daemon that is announced, if it lives: its starter was done already. */
function livingDaemon({ paths }: DaemonFixture): number | undefined {
  const announced = readAnnouncement(paths);
  const lives = announced !== undefined && processStartTime(announced.pid) === announced.startTime;
  return lives ? announced.pid : undefined;
}

/** What a round that failed has left, and what nothing but this would end. */
function endStubborn(): void {
  for (const entry of Deno.readDirSync("/proc")) {
    const pid = Number(entry.name);
    if (!(pid > 0) || !environmentOf(pid).includes(`\0${STUBBORN_MARK}=`)) continue;
    killIfThere(pid);
  }
}

function environmentOf(pid: number): string {
  try {
    return `\0${Deno.readTextFileSync(`/proc/${pid}/environ`)}`;
  } catch {
    return ""; // Somebody else's, or gone.
  }
}

function killIfThere(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // It was faster.
  }
}
