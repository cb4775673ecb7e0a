/**
 * The analyzers of this process: one for each way to run workers, shared by every reviewer that is
 * connected, so that a text that one client has had reviewed is known to all. Ended with the last of
 * them.
 *
 * @module
 */

import { systemClock } from "../../../platform/clock.ts";
import { type Analyzer, localAnalyzer } from "./analyzer.ts";
import { cachedAnalyzer } from "./analyzer_cache.ts";
import { AnalyzerPool } from "./analyzer_pool.ts";
import { startWorker, type WorkerCommand } from "./worker_process.ts";

interface Shared {
  analyzer: Analyzer;
  holders: number;
}

const shared = new Map<string, Shared>();

/** Processes at once, at most: the machine is its user's. */
const MAX_PROCESSES = 2;

/**
 * An analyzer to use until it is released.
 *
 * @param worker How to run a process for the work; without it, the work is done here.
 */
export function holdAnalyzer(
  worker: WorkerCommand | undefined,
): { analyzer: Analyzer; release(): Promise<void> } {
  const key = worker === undefined ? "" : JSON.stringify(worker);
  let held = shared.get(key);
  if (held === undefined) {
    held = { analyzer: cachedAnalyzer(newAnalyzer(worker)), holders: 0 };
    shared.set(key, held);
  }
  held.holders++;
  const { analyzer } = held;
  let released = false;
  return {
    analyzer,
    async release() {
      if (released) return;
      released = true;
      if (--held.holders > 0) return;
      shared.delete(key);
      await analyzer[Symbol.asyncDispose]();
    },
  };
}

function newAnalyzer(worker: WorkerCommand | undefined): Analyzer {
  if (worker === undefined) return localAnalyzer();
  return new AnalyzerPool({
    start: (events) => startWorker(worker, events),
    clock: systemClock,
    size: Math.max(1, Math.min(MAX_PROCESSES, navigator.hardwareConcurrency - 1)),
  });
}
