import assert from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import { systemClock } from "../../../platform/clock.ts";
import { FakeClock } from "../../../tests/fixtures/fake_clock.ts";
import { eventually } from "../../../tests/e2e/support/within.ts";
import { AnalyzerPool } from "./analyzer_pool.ts";
import { reviewText } from "./review.ts";
import { startWorker, type WorkerCommand } from "./worker_process.ts";

const SELF = {
  command: Deno.execPath(),
  args: ["run", "--quiet", "-A", fromFileUrl(new URL("../../../main.ts", import.meta.url))],
};

/** Notes which processes were started and have ended. */
function noted(command: WorkerCommand) {
  const running = new Set<number>();
  const worker: WorkerCommand = {
    ...command,
    onSpawn: (pid) => running.add(pid),
    onExit: (pid) => running.delete(pid),
  };
  const gone = () =>
    eventually(() => running.size === 0 || undefined, `the end of ${[...running]}`);
  return { worker, running, gone };
}

Deno.test("a process gives the same results as the work done here, whatever the text", async () => {
  const { worker, running, gone } = noted(SELF);
  const pool = new AnalyzerPool({
    start: (events) => startWorker(worker, events),
    clock: systemClock,
    size: 1,
  });
  for (
    const input of [
      { path: "a.ts", content: "eval(x);\nconst é = '😀\\u2028';\n" },
      { path: "a.py", content: "import os\nos.system(f'ls {x}')\n" },
      { path: "a.bin", content: "a\0b" },
      { content: "" },
    ]
  ) {
    assert.deepEqual(await pool.review(input), await reviewText(input));
  }
  assert.equal(running.size, 1);
  await pool[Symbol.asyncDispose]();
  await gone();
});

Deno.test("a process that does not answer is really ended", async () => {
  const { worker, running, gone } = noted({ command: "sh", args: ["-c", "while :; do :; done"] });
  const clock = new FakeClock();
  const pool = new AnalyzerPool({
    start: (events) => startWorker(worker, events),
    clock,
    size: 1,
    deadlineMs: 1_000,
  });
  const result = pool.review({ path: "a.js", content: "x" });
  assert.equal(running.size, 1);
  clock.advance(1_000);
  assert.equal((await result).status, "failed");
  await gone();
  await pool[Symbol.asyncDispose]();
});

Deno.test("a process that cannot work says why", async () => {
  const { worker, gone } = noted({ command: "sh", args: ["-c", "echo no parser >&2; exit 3"] });
  const pool = new AnalyzerPool({
    start: (events) => startWorker(worker, events),
    clock: systemClock,
    size: 1,
  });
  const result = await pool.review({ path: "a.js", content: "x" });
  assert.equal(result.skipped, "the review failed: its process exited with code 3: no parser");
  await gone();
  await pool[Symbol.asyncDispose]();
});
