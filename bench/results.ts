/**
 * From measurements to what is printed: medians over the rounds, and ratios within a round, since only
 * what was measured side by side can be compared.
 *
 * @module
 */

import type { Flood, Latencies } from "./flood.ts";
import type { Load, Measured } from "./load.ts";
import type { Machine } from "./machine.ts";

/** One contender under one load in one round. */
export interface Measurement extends Load, Measured {
  contender: string;
  round: number;
}

/** Medians of a contender under a load. */
export interface Summary extends Load, Measured {
  contender: string;
  /** Throughput over that of the others: contender → median over the rounds. */
  ratios: Record<string, number>;
}

/** All that a bench found. */
export interface BenchResults {
  version: string;
  /** ISO 8601. */
  when: string;
  machine: Machine;
  settings: { rounds: number; seconds: number; wrk: string; pinned: boolean };
  contenders: { name: string; about: string; memoryMb: { idle?: number; after?: number } }[];
  summaries: Summary[];
  flood: Flood;
  measurements: Measurement[];
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
    ({ contender, connections, bytes }) => JSON.stringify([contender, connections, bytes]),
  );
  return [...groups.values()].map((group) => {
    const { contender, connections, bytes } = group[0];
    const rivals = measurements.filter((each) =>
      each.connections === connections && each.bytes === bytes && each.contender !== contender
    );
    const ratios = Map.groupBy(rivals, (rival) => rival.contender);
    return {
      contender,
      connections,
      bytes,
      perSecond: median(group.map(({ perSecond }) => perSecond)),
      p50: median(group.map(({ p50 }) => p50)),
      p99: median(group.map(({ p99 }) => p99)),
      ratios: Object.fromEntries(
        [...ratios].map(([name, theirs]) => [name, median(ratiosByRound(group, theirs))]),
      ),
    };
  });
}

function ratiosByRound(own: readonly Measurement[], theirs: readonly Measurement[]): number[] {
  return own.flatMap(({ round, perSecond }) =>
    theirs.filter((rival) => rival.round === round).map((rival) => perSecond / rival.perSecond)
  );
}

/** More load than this part of the cores before the bench, and the results say so. */
const BUSY = 0.25;

/** The results as Markdown, still to be formatted. */
export function render(results: BenchResults): string {
  const { version, when, machine, settings, contenders, summaries, flood } = results;
  const names = contenders.map(({ name }) => name);
  const loads = Map.groupBy(
    summaries,
    ({ connections, bytes }) =>
      `${connections} connection${connections === 1 ? "" : "s"}, ${size(bytes)}`,
  );
  const busy = machine.loadBefore > BUSY * machine.cores;
  return `# Bench

Written by \`deno task bench\`; do not edit. aichaku ${version}, ${when}, ${machine.os}, ${machine.cores} x
${machine.cpu}, Deno ${machine.deno}, ${settings.wrk}. Each contender and
load was measured ${settings.rounds} times for ${settings.seconds} s, all contenders taking turns; medians. Compare the ratios: the absolute numbers
belong to this machine and this hour.${
    settings.pinned ? " Runs with one connection are pinned to one core." : ""
  }${
    busy
      ? `\n\n**The machine was busy before the bench began (load ${machine.loadBefore}): not to be relied on.**`
      : ""
  }

${contenders.map(({ name, about }) => `- **${name}**: ${about}`).join("\n")}

${
    [...loads].map(([load, rows]) =>
      `## ${load}\n\n${
        table(
          ["contender", "calls/s", "p50 ms", "p99 ms", ...names.map((name) => `x ${name}`)],
          rows.map((row) => [
            row.contender,
            row.perSecond.toFixed(0),
            row.p50.toFixed(3),
            row.p99.toFixed(3),
            ...names.map((name) => row.ratios[name]?.toPrecision(3) ?? ""),
          ]),
        )
      }`
    ).join("\n\n")
  }

## Beside a flood

One client keeps ${flood.queued} calls waiting at a shared server, another one makes single calls, both over
the Unix socket.

${
    table(
      ["client", "calls", "p50 ms", "p99 ms"],
      [
        row("single calls, alone", flood.alone),
        row("single calls, beside the flood", flood.beside),
        row("the flood itself", flood.flooding),
      ],
    )
  }

## Resident memory, MB

The contender's own process, without the echo server.

${
    table(
      ["contender", "before", "after"],
      contenders.map(({ name, memoryMb: { idle, after } }) => [name, mb(idle), mb(after)]),
    )
  }
`;
}

function row(name: string, { calls, p50, p99 }: Latencies): string[] {
  return [name, String(calls), p50.toFixed(3), p99.toFixed(3)];
}

function size(bytes: number): string {
  return bytes >= 1024 && bytes % 1024 === 0 ? `${bytes / 1024} KiB` : `${bytes} B`;
}

function mb(value: number | undefined): string {
  return value === undefined ? "unknown" : value.toFixed(0);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
