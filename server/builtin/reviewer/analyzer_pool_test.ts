import assert from "node:assert/strict";
import { FakeClock, settle } from "../../../tests/fixtures/fake_clock.ts";
import { AnalyzerPool, type PoolOptions, type WorkerEvents } from "./analyzer_pool.ts";

/** A process that a test plays. */
class Played {
  readonly lines: string[] = [];
  killed = false;
  readonly events: WorkerEvents;

  constructor(events: WorkerEvents) {
    this.events = events;
  }

  send(line: string) {
    this.lines.push(line);
    return Promise.resolve();
  }

  kill() {
    this.killed = true;
  }

  answer() {
    const { path } = JSON.parse(this.lines.at(-1)!);
    this.events.onLine(
      JSON.stringify({ path, language: "x", status: "complete", findings: [], rulesVersion: "1" }),
    );
  }
}

function bench(options: Partial<PoolOptions> = {}) {
  const clock = new FakeClock();
  const started: Played[] = [];
  const pool = new AnalyzerPool({
    start(events) {
      const process = new Played(events);
      started.push(process);
      return process;
    },
    clock,
    size: 2,
    deadlineMs: 1_000,
    idleMs: 5_000,
    ...options,
  });
  const review = (path: string, signal?: AbortSignal) => pool.review({ path, content: "" }, signal);
  return { clock, started, pool, review };
}

Deno.test("work is spread over as many processes as may be, and what comes later waits", async () => {
  const { started, review, pool } = bench();
  const results = ["a", "b", "c"].map((path) => review(path));
  assert.deepEqual(started.map(({ lines }) => lines.length), [1, 1]);
  started[1].answer();
  await settle();
  assert.deepEqual(started.map(({ lines }) => lines.length), [1, 2]);
  started[0].answer();
  started[1].answer();
  assert.deepEqual((await Promise.all(results)).map(({ path, status }) => [path, status]), [
    ["a", "complete"],
    ["b", "complete"],
    ["c", "complete"],
  ]);
  await pool[Symbol.asyncDispose]();
  assert.ok(started.every(({ killed }) => killed));
});

Deno.test("a text that takes too long is failed, its process killed, and the next one reviewed", async () => {
  const { clock, started, review, pool } = bench({ size: 1 });
  const [slow, next] = [review("slow.py"), review("next.py")];
  clock.advance(1_000);
  const result = await slow;
  assert.deepEqual([result.status, result.language, result.findings], ["failed", "python", []]);
  assert.match(result.skipped ?? "", /not done within 1 s, and was ended/);
  assert.ok(started[0].killed);
  assert.equal(started.length, 2);
  // Its last words come too late to be anybody's.
  started[0].answer();
  started[0].events.onEnd("was ended by SIGKILL");
  started[1].answer();
  assert.equal((await next).status, "complete");
  await pool[Symbol.asyncDispose]();
});

Deno.test("a process that dies fails its text only", async () => {
  const { started, review, pool } = bench({ size: 1 });
  const [first, second] = [review("a"), review("b")];
  started[0].events.onEnd("exited with code 1: out of memory");
  assert.match((await first).skipped ?? "", /its process exited with code 1: out of memory/);
  started[1].answer();
  assert.equal((await second).status, "complete");
  await pool[Symbol.asyncDispose]();
});

Deno.test("without a process to be had every text fails, and says why", async () => {
  const { review, pool } = bench({
    start() {
      throw new Error("no such program");
    },
  });
  for (const result of await Promise.all([review("a"), review("b")])) {
    assert.equal(result.status, "failed");
    assert.match(result.skipped ?? "", /cannot be started: no such program/);
  }
  await pool[Symbol.asyncDispose]();
});

Deno.test("who gives up is released at once; what waits is not done any more", async () => {
  const { started, review, pool } = bench({ size: 1 });
  const [running, waiting] = [new AbortController(), new AbortController()];
  const results = [review("a", running.signal), review("b", waiting.signal)];
  running.abort(new Error("gone"));
  waiting.abort(new Error("gone"));
  for (const result of results) await assert.rejects(result, /gone/);
  started[0].answer();
  await settle();
  assert.equal(started[0].lines.length, 1);
  await assert.rejects(review("c", running.signal), /gone/);
  await pool[Symbol.asyncDispose]();
});

Deno.test("processes without work end, and new work starts new ones", async () => {
  const { clock, started, review, pool } = bench();
  const first = review("a");
  started[0].answer();
  await first;
  clock.advance(4_999);
  assert.equal(started[0].killed, false);
  clock.advance(1);
  assert.ok(started[0].killed);
  assert.equal(pool.size, 0);
  const second = review("b");
  started[1].answer();
  await second;
  await pool[Symbol.asyncDispose]();
});

Deno.test("too much that waits is refused as failed; so is what comes after the end", async () => {
  const { review, pool } = bench({ size: 1, maxWaiting: 1 });
  const results = [review("a"), review("b"), review("c")];
  assert.match((await results[2]).skipped ?? "", /too busy/);
  await pool[Symbol.asyncDispose]();
  for (const result of [results[0], results[1], review("d")]) {
    assert.equal((await result).status, "failed");
  }
});

Deno.test("an unknown language is the caller's mistake", async () => {
  const { pool } = bench();
  await assert.rejects(
    pool.review({ content: "", language: "cobol" }),
    (error) => error instanceof RangeError && /cobol/.test(error.message),
  );
  await pool[Symbol.asyncDispose]();
});
