import assert from "node:assert/strict";
import { TaskProblem } from "../scripts/lib/task.ts";
import type { Generated } from "./load.ts";
import type { Load } from "./request.ts";
import type { Run, Target } from "./target.ts";
import { loadTables, takeTurns } from "./turns.ts";

const SMALL: Load = { connections: 1, bytes: 100, text: "plain" };
const MANY: Load = { ...SMALL, connections: 32 };
const LARGE: Load = { ...MANY, bytes: 1000 };

/** A target without a process, and the runs it met as `NAME LOAD`, with `?` when answers were looked at. */
function fake(
  name: string,
  met: string[],
  { takes, generated }: Pick<Target, "takes"> & {
    generated?: (run: Run) => Partial<Generated>;
  } = {},
): Target {
  return {
    name,
    takes,
    pids: () => Promise.resolve([]),
    generate: (run) => {
      const { connections, bytes } = run.load;
      met.push(`${name} ${connections}/${bytes}${run.verify ? "?" : ""}`);
      return Promise.resolve({
        ...{ requests: 10, seconds: 2, p50Ms: 1, p99Ms: 2, failed: 0, wrong: 0, sample: "" },
        ...generated?.(run),
      });
    },
  };
}

function turns(loads: readonly Load[], rounds = 1) {
  return { loads, rounds, seconds: 2, pinning: undefined, signal: AbortSignal.timeout(10_000) };
}

Deno.test("every answer is looked at once, then all take turns under each load in each round", async () => {
  const met: string[] = [];
  const { measurements, failures } = await takeTurns(
    [fake("a", met), fake("b", met)],
    turns([SMALL, MANY], 2),
  );
  const round = ["a 1/100", "b 1/100", "a 32/100", "b 32/100"];
  assert.deepEqual(met, ["a 32/100?", "b 32/100?", ...round, ...round]);
  assert.deepEqual(failures, []);
  assert.deepEqual(measurements.map(({ round }) => round), [1, 1, 1, 1, 2, 2, 2, 2]);
  assert.equal(measurements[0].perSecond, 5);
});

Deno.test("who cannot take a load is not asked to", async () => {
  const met: string[] = [];
  const small = fake("small", met, { takes: ({ bytes }) => bytes < 1000 });
  await takeTurns([small], turns([MANY, LARGE]));
  assert.deepEqual(met, ["small 32/100?", "small 32/100"]);
});

Deno.test("who gives a wrong answer has failed under that load, and goes on under the others", async () => {
  const met: string[] = [];
  const wrong = fake("wrong", met, {
    generated: ({ load }) => load === LARGE ? { wrong: 3, sample: "an error" } : {},
  });
  const taken = await takeTurns([wrong, fake("right", met)], turns([MANY, LARGE]));
  assert.equal(met.includes("wrong 32/1000"), false);
  assert.equal(met.includes("wrong 32/100"), true);
  assert.match(taken.failures[0].problem, /wrong gave 3 wrong answers to 10 calls.*an error/);
  const [, large] = loadTables(taken, "wrong");
  assert.equal(large.title, "32 connections, 1000 B");
  assert.deepEqual(large.rows.map(([name, calls]) => [name, calls]), [
    ["right", "5"],
    ["wrong", "failed"],
  ]);
});

Deno.test("failed calls and answers that are too short are failures also when nobody looks", async () => {
  const failing = fake("failing", [], { generated: ({ verify }) => verify ? {} : { failed: 1 } });
  const short = fake("short", [], { generated: () => ({ bytes: 10 * 999 }) });
  const { failures } = await takeTurns([failing, short], turns([LARGE]));
  assert.match(
    failures.map(({ problem }) => problem).join("\n"),
    /short gave answers of 999 bytes/,
  );
  assert.match(failures.map(({ problem }) => problem).join("\n"), /failing failed 1 of 10 calls/);
});

Deno.test("an interruption is no failure of whoever was being measured", async () => {
  const abort = new AbortController();
  const interrupted = fake("a", [], {
    generated: () => {
      abort.abort(new Error("interrupted"));
      throw new TaskProblem("wrk ended");
    },
  });
  await assert.rejects(
    takeTurns([interrupted], { ...turns([MANY]), signal: abort.signal }),
    /interrupted/,
  );
});
