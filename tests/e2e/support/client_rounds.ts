/**
 * Rounds of killing clients under their calls, in two sizes: a small one with every run of the tests, a
 * large one with `deno task chaos`.
 *
 * @module
 */

import { deepEqual, equal } from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import { processesMarked } from "../../../platform/marked_processes.ts";
import { isLocked } from "../../../server/daemon/lock.ts";
import { DaemonFixture } from "../../fixtures/daemon.ts";
import { serverReport } from "./control_plane.ts";
import { initialize, textOf } from "./mcp_session.ts";
import { isAlive } from "./processes.ts";
import { asking } from "./servers.ts";
import { eventually, within } from "./within.ts";

/**
 * Who is killed: a program with the client SDK, a stdio bridge, or a stdio bridge that may be just
 * starting the daemon.
 */
export type ClientVictim = "sdk" | "bridge" | "first bridge";

/** How {@linkcode clientRounds} goes on. */
export interface ClientRoundsOptions {
  victims: readonly ClientVictim[];
  /** Passes some time, so that the kill falls into any part of a client's life. */
  moment(): Promise<void>;
}

/**
 * SIGKILL of a client with calls in flight: the next one is served, no lock is stuck, and nothing of the
 * dead one is left: no call, no process.
 */
export async function clientRounds({ victims, moment }: ClientRoundsOptions): Promise<void> {
  await using home = await DaemonFixture.create({ config: { mcpServers: { s: asking() } } });
  for (const [round, victim] of victims.entries()) {
    try {
      const key = `round ${round}`;
      await kill(home, { victim, key, moment });
      equal((await home.cli("mcp", "--start-server")).code, 0);
      equal(await call(home, "echo", { text: key }), key);
      equal(isLocked(home.paths.daemonLock), true);
      equal(isLocked(home.paths.spawnLock), false);
      // What the server still works on ends here; its answers go to nobody.
      await call(home, "open", { key });
      await eventually(async () => {
        const { callsInFlight, callsQueued } = await serverReport(home, "s");
        return callsInFlight + callsQueued === 0;
      }, "the end of the dead client's calls");
      const { pid, instances } = await serverReport(home, "s");
      equal(instances.length, 1);
      deepEqual(processesMarked(home.instanceId), [pid]);
    } catch (error) {
      throw new Error(`round ${round}, victim: ${victim}\n${home.log(50)}`, { cause: error });
    }
  }
}

async function kill(
  home: DaemonFixture,
  { victim, key, moment }: Pick<ClientRoundsOptions, "moment"> & {
    victim: ClientVictim;
    key: string;
  },
): Promise<void> {
  if (victim === "first bridge") await home.cli("mcp", "--stop-server");
  else equal((await home.cli("mcp", "--start-server")).code, 0);
  const child = victim === "sdk" ? sdkClient(home, key) : await bridge(home, key);
  await moment();
  child.kill("SIGKILL");
  await within(child.status, "end of the client");
  // Its other end is gone, so that closing it fails.
  if (victim !== "sdk") await child.stdin.close().catch(() => {});
  equal(await isAlive(child.pid), false);
}

function sdkClient(home: DaemonFixture, key: string): Deno.ChildProcess {
  const program = fromFileUrl(new URL("../../fixtures/killed_client.ts", import.meta.url));
  const config = fromFileUrl(new URL("../../../deno.json", import.meta.url));
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--no-lock", "--config", config, program, home.home, key],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

async function bridge(home: DaemonFixture, key: string): Promise<Deno.ChildProcess> {
  const args = ["mcp", "--stdio", "--server", "s"];
  const child = home.command(args, { stdin: "piped", stdout: "null", stderr: "null" }).spawn();
  const hold = { name: "hold", arguments: { key, text: "for nobody" } };
  const messages = [
    initialize("2025-11-25"),
    { jsonrpc: "2.0", method: "notifications/initialized" },
    ...[1, 2, 3].map((id) => ({ jsonrpc: "2.0", id, method: "tools/call", params: hold })),
  ];
  const writer = child.stdin.getWriter();
  const text = messages.map((message) => JSON.stringify(message) + "\n").join("");
  await writer.write(new TextEncoder().encode(text));
  writer.releaseLock();
  return child;
}

async function call(home: DaemonFixture, name: string, args: unknown): Promise<string> {
  const message = {
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name, arguments: args },
  };
  return textOf({ answer: (await home.rpc("s", message)).body });
}
