/**
 * From measurements to numbers that can be compared: medians over the rounds, and ratios within a round,
 * since only what was measured side by side can be compared.
 *
 * @module
 */

import type { Load } from "./request.ts";
import type { Measured } from "./target.ts";

/** One contender under one load in one round. */
export interface Measurement extends Measured {
  contender: string;
  round: number;
  load: Load;
}

/** Medians of a contender under a load. */
export interface Summary extends Measured {
  contender: string;
  load: Load;
}

/** The middle one; of an even number, the mean of the middle two. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error("Cannot take the median of no values");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return Number.isInteger(middle)
    ? (sorted[middle - 1] + sorted[middle]) / 2
    : sorted[Math.floor(middle)];
}

/** One summary for each contender and load, in the order in which they were first measured. */
export function summarize(measurements: readonly Measurement[]): Summary[] {
  const groups = Map.groupBy(
    measurements,
    ({ contender, load }) => JSON.stringify([contender, loadName(load)]),
  );
  return [...groups.values()].map((group) => {
    const cpu = group.flatMap(({ cpuUs }) => cpuUs === undefined ? [] : [cpuUs]);
    return {
      contender: group[0].contender,
      load: group[0].load,
      perSecond: median(group.map(({ perSecond }) => perSecond)),
      p50: median(group.map(({ p50 }) => p50)),
      p99: median(group.map(({ p99 }) => p99)),
      cpuUs: cpu.length === 0 ? undefined : median(cpu),
    };
  });
}

/** One measurement's place: who, and under which load. */
export interface Place {
  contender: string;
  load: Load;
}

/**
 * How many times a value of one is that of another: the median over the rounds that have both.
 *
 * @returns undefined when no round has both.
 */
export function ratio(
  measurements: readonly Measurement[],
  { of, to, value = ({ perSecond }) => perSecond }: {
    of: Place;
    to: Place;
    /** Default the throughput. */
    value?: (measured: Measured) => number | undefined;
  },
): number | undefined {
  const at = ({ contender, load }: Place) => {
    const name = loadName(load);
    return new Map(
      measurements
        .filter((each) => each.contender === contender && loadName(each.load) === name)
        .map((each) => [each.round, value(each)]),
    );
  };
  const theirs = at(to);
  const ratios = [...at(of)].flatMap(([round, own]) => {
    const other = theirs.get(round);
    return own === undefined || other === undefined || other === 0 ? [] : [own / other];
  });
  return ratios.length === 0 ? undefined : median(ratios);
}

/** A load in words; no two loads have the same. */
export function loadName({ connections, bytes, text, answerOnly }: Load): string {
  const many = `${connections} connection${connections === 1 ? "" : "s"}`;
  const kind = text === "plain" ? "" : ` of ${text}`;
  return `${many}, ${sizeName(bytes)}${kind}${answerOnly ? " in the answer alone" : ""}`;
}

/** A size in words. */
export function sizeName(bytes: number): string {
  if (bytes >= 1024 && bytes % 1024 !== 0) return `${bytes} B`;
  if (bytes >= 1024 * 1024) return `${bytes / 1024 / 1024} MiB`;
  return bytes >= 1024 ? `${bytes / 1024} KiB` : `${bytes} B`;
}
