/**
 * The journal of children: which process groups this daemon started, in `children.json`, so that the
 * next start, or `doctor --reap`, can end what a killed daemon left behind even where there was no
 * reaper. Written by rename at every start and end of a child; rare enough.
 *
 * @module
 */

import { readIfThere, replaceFile } from "../../platform/atomic_file.ts";
import { processStartTime } from "../../platform/process.ts";
import type { Logger } from "./log.ts";
import type { Reaper } from "./reaper.ts";

/** One child as it is written down. */
export interface JournaledChild {
  /** Leader of its process group. */
  pid: number;
  /** See {@linkcode processStartTime}: tells it from a later process of the same id. */
  startTime: number | null;
  /** Name of the server. */
  server: string;
}

/** What `children.json` holds. */
export interface ChildrenJournal {
  /** The daemon that started them. */
  instanceId: string;
  children: JournaledChild[];
}

/** Takes note of children as they come and go. */
export interface ChildRegistry {
  add(pid: number, server: string): void;
  remove(pid: number): void;
}

/** Options of {@linkcode createChildRegistry}. */
export interface ChildRegistryOptions {
  instanceId: string;
  /** `children.json`. */
  path: string;
  reaper: Reaper | undefined;
  log: Logger;
  /** Whether the journal is still this daemon's: not after its run folder was deleted. */
  isOurs(): boolean;
  startTimeOf?: (pid: number) => number | null;
}

/** A registry that writes the journal and tells the reaper. */
export function createChildRegistry(options: ChildRegistryOptions): ChildRegistry {
  const { instanceId, path, reaper, log, isOurs, startTimeOf = processStartTime } = options;
  const children = new Map<number, JournaledChild>();
  // Also without children: the next start sweeps for the mark of this instance.
  write();
  return {
    add(pid, server) {
      reaper?.add(pid);
      children.set(pid, { pid, startTime: startTimeOf(pid), server });
      write();
    },
    remove(pid) {
      if (!children.delete(pid)) return;
      reaper?.remove(pid);
      write();
    },
  };

  function write(): void {
    const journal: ChildrenJournal = { instanceId, children: [...children.values()] };
    try {
      if (!isOurs()) return;
      replaceFile(path, JSON.stringify(journal) + "\n");
    } catch (error) {
      // A full disk must not keep servers from starting; the reaper knows as well.
      log.error("cannot write the journal of children", { path, error });
    }
  }
}

/** The journal of the last daemon; undefined when there is none, or none that can be understood. */
export function readChildrenJournal(path: string): ChildrenJournal | undefined {
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  try {
    const { instanceId, children } = JSON.parse(text);
    if (typeof instanceId !== "string" || instanceId === "" || !Array.isArray(children)) {
      return undefined;
    }
    return { instanceId, children: children.filter(isChild) };
  } catch {
    return undefined; // Damaged: as good as none.
  }
}

function isChild(value: unknown): value is JournaledChild {
  if (typeof value !== "object" || value === null) return false;
  const { pid, startTime, server } = value as Record<string, unknown>;
  return Number.isSafeInteger(pid) && (pid as number) > 1 && typeof server === "string" &&
    (startTime === null || typeof startTime === "number");
}
