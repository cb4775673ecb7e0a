/**
 * What a part of the bench gives back: tables to read, and what has to be shown beside what was found.
 *
 * @module
 */

import type { Task } from "../scripts/lib/task.ts";
import type { Programs } from "./contenders/mod.ts";
import type { Pinning } from "./machine.ts";

/** A table. */
export interface Table {
  title: string;
  head: readonly string[];
  rows: readonly (readonly string[])[];
}

/** What has to be shown, and what was found. */
export interface Verdict {
  /** Such as "throughput of supergateway's, 32 connections, 100 B". */
  what: string;
  found: number;
  /** How `found` and `bound` are written. */
  unit: "x" | "%" | "MB" | "ms";
  /** Which side of the bound is right. */
  wanted: "at least" | "at most";
  bound: number;
}

/** What came of one part. */
export interface Section {
  title: string;
  /** How it was measured, and what is not; Markdown. */
  text: string;
  tables: Table[];
  verdicts: Verdict[];
  /** What could not be measured, because a call failed. Default none. */
  problems?: readonly string[];
  /** Everything that was measured, for the JSON. */
  data: unknown;
}

/** How a part is to measure. */
export interface PartOptions {
  programs: Programs;
  /** How often everyone takes a turn. */
  rounds: number;
  /** Length of a turn, whole seconds. */
  seconds: number;
  /** Less of everything, for a first look. */
  quick: boolean;
  pinning: Pinning | undefined;
  /** Whether this contender of the part was asked for. */
  wants(contender: string): boolean;
}

/** A part. */
export interface Part {
  name: string;
  /** What `--only NAME/…` may name. */
  contenders: readonly string[];
  /** Whether `--quick` has it. */
  inQuick: boolean;
  /** Contenders that `--quick` is without, unless they are named. Default none. */
  notInQuick?: readonly string[];
  /** How often everyone takes a turn, unless asked otherwise. Default 5. */
  rounds?: number;
  run(task: Task, options: PartOptions): Promise<Section>;
}

/** A verdict, where the value is known: no contender was left out. */
export function verdict(
  what: string,
  found: number | undefined,
  [wanted, bound, unit]: readonly [Verdict["wanted"], number, Verdict["unit"]],
): Verdict[] {
  return found === undefined ? [] : [{ what, found, unit, wanted, bound }];
}

/** Whether it was shown. */
export function isMet({ found, wanted, bound }: Verdict): boolean {
  return wanted === "at least" ? found >= bound : found <= bound;
}
