/**
 * A daemon restarted under load: many SDK clients call in a loop while it comes and goes.
 *
 * @module
 */

import { AichakuClient, AichakuError } from "../../../client/mod.ts";
import type { DaemonFixture } from "../../fixtures/daemon.ts";

/** What the clients saw. */
export interface RestartOutcome {
  /** Calls that got their own answer. */
  right: number;
  /** Calls that got somebody else's answer, or none that makes sense. */
  wrong: string[];
  /** Reasons of the calls that failed. */
  failed: Map<string, number>;
  /** Longest time in which no client got an answer, milliseconds. */
  outageMs: number;
  /** Instance ids seen, the first one included. */
  instances: Set<string>;
}

/** Restarts the daemon `restarts` times under `clients` clients that call `echo` of server `m`. */
export async function restartUnderLoad(
  daemon: DaemonFixture,
  { clients, restarts }: { clients: number; restarts: number },
): Promise<RestartOutcome> {
  const outcome: RestartOutcome = {
    right: 0,
    wrong: [],
    failed: new Map(),
    outageMs: 0,
    instances: new Set([daemon.instanceId]),
  };
  let stop = false;
  let lastRight = performance.now();

  const run = async (index: number) => {
    await using client = new AichakuClient({ server: "m", mode: "daemon", home: daemon.home });
    for (let call = 0; !stop; call++) {
      const text = `client ${index} call ${call}`;
      try {
        const result = await client.callTool("echo", { text });
        const got = (result.content?.[0] as { text?: string } | undefined)?.text;
        if (got !== text) {
          outcome.wrong.push(`${text}: ${got}`);
          continue;
        }
        outcome.right++;
        const now = performance.now();
        outcome.outageMs = Math.max(outcome.outageMs, now - lastRight);
        lastRight = now;
      } catch (error) {
        const reason = error instanceof AichakuError ? error.reason ?? error.kind : String(error);
        outcome.failed.set(reason, (outcome.failed.get(reason) ?? 0) + 1);
      }
    }
  };

  const running = Array.from({ length: clients }, (_, index) => run(index));
  try {
    for (let round = 0; round < restarts; round++) {
      const before = outcome.right;
      // Each daemon has done some work before it goes.
      while (outcome.right < before + clients * 5) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      const { code, stderr } = await daemon.cli("mcp", "--restart-server");
      if (code !== 0) throw new Error(`--restart-server failed: ${stderr}`);
      outcome.instances.add(daemon.instanceId);
    }
    const before = outcome.right;
    while (outcome.right < before + clients) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  } finally {
    stop = true;
    await Promise.all(running);
  }
  return outcome;
}
