/**
 * What one daemon holds, as it is and at its most.
 *
 * @module
 */

import { DaemonFixture } from "../../tests/fixtures/daemon.ts";
import { residentMb, usageOf } from "../machine.ts";

/** Milliseconds that a daemon is left in peace before it is looked at. */
const REST_MS = 6_000;

/** Milliseconds between two looks. */
const LOOK_MS = 20;

/** A daemon with one echo server behind it. */
export function startDaemon(echo: string): Promise<DaemonFixture> {
  return DaemonFixture.start({ config: { mcpServers: { echo: { command: echo } } } });
}

/** Resident memory of a daemon. */
export interface Held {
  mb: number;
  /** The part of it that no file stands behind: not the program's code, which the system can drop. */
  anonymousMb: number;
}

/** What it holds after a rest. Linux. */
export async function rested({ pid }: DaemonFixture, signal: AbortSignal): Promise<Held> {
  await pause(REST_MS, signal);
  const { residentMb, anonymousMb } = (await usageOf([pid]))!;
  return { mb: residentMb, anonymousMb };
}

/** The most that it holds while `body` runs, MB. Linux. */
export async function peakMb({ pid }: DaemonFixture, body: () => Promise<void>): Promise<number> {
  let peak = 0;
  let over = false;
  const looking = (async () => {
    while (!over) {
      peak = Math.max(peak, (await residentMb(pid))!);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  })();
  try {
    await body();
  } finally {
    over = true;
    await looking;
  }
  return peak;
}

/** Waits. @throws when it is interrupted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, Math.min(LOOK_MS, ms)));
  }
}
