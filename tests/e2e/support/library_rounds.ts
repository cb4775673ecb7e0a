/**
 * The daemon library under a crowd and under SIGKILL: rounds with real processes, few in the normal
 * suite and many in `tests/chaos/`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "@std/path";
import { machineId } from "../../../platform/machine_id.ts";
import { isLocked } from "../../../server/daemon/lock.ts";
import { type ServicePaths, servicePaths } from "../../../server/library/paths.ts";
import { Peer, type Started, together } from "../../fixtures/library/peer.ts";
import type { ProgramOptions } from "../../fixtures/library/program.ts";
import { eventually } from "./within.ts";

/** A folder for one test, and the service of port 0 in it. */
export interface Place extends AsyncDisposable {
  daemonDir: string;
  paths: ServicePaths;
  /** Loads `count` processes that use it. */
  load(kind: ProgramOptions["kind"], count: number): Promise<Peer[]>;
}

/** Makes a folder; removes it at the end of the block. */
export async function place(
  options: Partial<ProgramOptions["options"]> = {},
): Promise<Place> {
  const root = await Deno.makeTempDir({ prefix: "aichaku-library-" });
  const daemonDir = join(root, "daemon");
  const { port = 0 } = options;
  return {
    daemonDir,
    paths: servicePaths({ daemonDir, port, machine: machineId() }),
    load: (kind, count) =>
      Promise.all(
        Array.from(
          { length: count },
          () => Peer.load({ kind, options: { daemonDir, ...options } }),
        ),
      ),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

/** A port that nobody uses at this moment. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** Starts all of them at once and returns the one that serves, the others and what each was told. */
export async function startAll(
  peers: readonly Peer[],
): Promise<{ main: Peer; clients: Peer[]; started: Started[] }> {
  const started = await Promise.all(peers.map((peer) => peer.start()));
  const mains = peers.filter((_, index) => started[index].isMainProcess);
  assert.equal(mains.length, 1, `${mains.length} processes serve`);
  const [main] = mains;
  assert.deepEqual([...new Set(started.map(({ info }) => info.pid))], [main.pid]);
  assert.equal(new Set(started.map(({ url }) => url)).size, 1);
  return { main, clients: peers.filter((peer) => peer !== main), started };
}

/** Waits until the server counts as many. */
export async function counts(peer: Peer, expected: number): Promise<void> {
  await eventually(
    async () => (await peer.info()).clientCount === expected || undefined,
    `the server counting ${expected}`,
  );
}

/** Waits until `peer` has its part in the server of `main`. */
async function uses(peer: Peer, main: Peer): Promise<void> {
  await eventually(async () => {
    try {
      return (await peer.info()).pid === main.pid || undefined;
    } catch (error) {
      // It has not noticed yet that the last server is gone, or is still looking for the next.
      if (error instanceof Error && error.message.includes("Cannot ask the daemon")) return;
      throw error;
    }
  }, `process ${peer.pid} using the server of ${main.pid}`);
}

/** Asserts that nothing of a server is left. */
export async function assertGone({ paths }: Place, url: string): Promise<void> {
  assert.equal(isLocked(paths.lock), false, "the lock is still held");
  assert.deepEqual([...Deno.readDirSync(paths.folder)].map(({ name }) => name).sort(), [
    "daemon.lock",
    "token",
  ]);
  const { hostname, port } = new URL(url);
  await assert.rejects(
    Deno.connect({ hostname, port: Number(port) }),
    Deno.errors.ConnectionRefused,
  );
}

/** How many, and of what. */
export interface CrowdOptions {
  kind: ProgramOptions["kind"];
  processes: number;
  rounds: number;
  /** After how many rounds the processes are replaced by new ones. */
  freshEvery: number;
}

/**
 * In each round all processes start at once, on the folder that the last round left: one serves, every
 * other is its client, and when the last has left nothing is left.
 */
export async function crowdRounds(options: CrowdOptions): Promise<void> {
  const { kind, processes, rounds, freshEvery } = options;
  await using here = await place();
  for (let round = 0; round < rounds; round += freshEvery) {
    const peers = await here.load(kind, processes);
    await using _ = together(peers);
    for (let again = 0; again < Math.min(freshEvery, rounds - round); again++) {
      await crowdRound(here, peers);
    }
    for (const { code } of await Promise.all(peers.map((peer) => peer.leaves()))) {
      assert.equal(code, 0);
    }
  }
}

async function crowdRound(here: Place, peers: readonly Peer[]): Promise<void> {
  const { main, started } = await startAll(peers);
  const { url } = started[0];
  assert.deepEqual(
    started.map(({ info }) => info.clientCount).sort((a, b) => a - b),
    peers.map((_, index) => index + 1),
    "each registration was counted once",
  );
  assert.equal((await main.info()).clientCount, peers.length);
  assert.equal(await (await fetch(url)).text(), String(main.pid));
  await Promise.all(peers.map((peer) => peer.do("stop")));
  await assertGone(here, url);
}

/**
 * Who is killed in a round: a registered process, the one that serves, one that is just starting, or the
 * one that serves and right after it one that is starting in its place.
 */
export type Victim = "client" | "main" | "starter" | "successor";

/** How many processes, who is killed, and when. */
export interface KillOptions {
  kind: ProgramOptions["kind"];
  processes: number;
  /** One for each round. */
  victims: readonly Victim[];
  /** Default 0: the system chooses. */
  port?: number;
  /** Waits before a starter is killed; by default it is killed at once. */
  moment?(): Promise<void>;
}

/**
 * In each round somebody is killed with SIGKILL: the others go on, or find the next server; a new
 * process is served; the count is that of the living; nothing is stuck.
 */
export async function killRounds(options: KillOptions): Promise<void> {
  const { kind, processes, victims, port = 0, moment = () => Promise.resolve() } = options;
  await using here = await place({ port });
  await using stack = new AsyncDisposableStack();
  const add = async (count: number) => {
    const peers = await here.load(kind, count);
    stack.use(together(peers));
    return peers;
  };
  let living = await add(processes);
  let { main } = await startAll(living);
  for (const victim of victims) {
    const [next, starter] = await add(2);
    if (victim === "main" || victim === "successor") await kill(main);
    if (victim === "client") await kill(living.find((peer) => peer !== main)!);
    if (victim === "starter" || victim === "successor") {
      await starter.tell("start");
      await moment();
    }
    await kill(starter);

    const { isMainProcess, info } = await next.start();
    const mainDied = !living.includes(main);
    assert.equal(isMainProcess, mainDied, `serving after the kill of a ${victim}`);
    if (isMainProcess) main = next;
    assert.equal(info.pid, main.pid);
    living.push(next);
    for (const peer of living) await uses(peer, main);
    await counts(main, living.length);
  }
  await Promise.all(living.map((peer) => peer.do("stop")));
  assert.equal(isLocked(here.paths.lock), false);

  async function kill(peer: Peer): Promise<void> {
    peer.kill("SIGKILL");
    await peer.gone();
    living = living.filter((one) => one !== peer);
  }
}
