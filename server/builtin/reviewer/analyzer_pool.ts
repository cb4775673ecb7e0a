/**
 * Reviews in processes of their own, so that no text can stall this one: a process that does not end its
 * work in time is killed, and that text is told as failed, never as clean. Processes rather than
 * workers, because Deno (2.7 to 2.9) cannot end a worker that is in a loop: it goes on for ever.
 *
 * Processes are started when there is work, at most so many; they end when there has been none for a
 * while, and with this process, because their stdin ends with it.
 *
 * @module
 */

import type { Clock } from "../../../platform/clock.ts";
import type { Analyzer } from "./analyzer.ts";
import { languageNamed, languageOf } from "./language.ts";
import type { ReviewResult } from "./result.ts";
import type { ReviewInput } from "./review.ts";
import { rulesVersion } from "./rules.ts";

/** One process, started. */
export interface WorkerProcess {
  /** Sends one line. Rejects when the process is gone. */
  send(line: string): Promise<void>;
  /** Ends it at once. */
  kill(): void;
}

/** What a process tells. */
export interface WorkerEvents {
  onLine(line: string): void;
  /** It has ended, whoever ended it. */
  onEnd(how: string): void;
}

/** Options of {@linkcode AnalyzerPool}. */
export interface PoolOptions {
  /** Starts a process. Throws when that is impossible. */
  start(events: WorkerEvents): WorkerProcess;
  clock: Clock;
  /** Processes at once. */
  size: number;
  /** Milliseconds for one text, the start of a process included. Default 20,000. */
  deadlineMs?: number;
  /** Milliseconds without work after which processes end. Default 60,000. */
  idleMs?: number;
  /** Texts that may wait. Default 10,000. */
  maxWaiting?: number;
}

interface Job {
  input: ReviewInput;
  signal: AbortSignal | undefined;
  done: PromiseWithResolvers<ReviewResult>;
}

/** A process and what it works on. */
interface Seat {
  process: WorkerProcess;
  job: Job | undefined;
  timer: Disposable | undefined;
}

/** See the module. */
export class AnalyzerPool implements Analyzer {
  readonly #options: Required<PoolOptions>;
  readonly #waiting: Job[] = [];
  readonly #seats = new Set<Seat>();
  #idleTimer: Disposable | undefined;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = { deadlineMs: 20_000, idleMs: 60_000, maxWaiting: 10_000, ...options };
  }

  /** Processes that run. */
  get size(): number {
    return this.#seats.size;
  }

  async review(input: ReviewInput, signal?: AbortSignal): Promise<ReviewResult> {
    signal?.throwIfAborted();
    if (input.language !== undefined && languageNamed(input.language) === undefined) {
      // The one mistake that is the caller's: told by whoever knows all languages.
      const { reviewText } = await import("./review.ts");
      return await reviewText({ ...input, content: "" });
    }
    if (this.#closed) return await failed(input, "the reviewer is being stopped");
    if (this.#waiting.length >= this.#options.maxWaiting) {
      return await failed(input, `too busy: ${this.#waiting.length} texts wait already`);
    }
    const job: Job = { input, signal, done: Promise.withResolvers() };
    const onAbort = () => {
      const at = this.#waiting.indexOf(job);
      if (at !== -1) this.#waiting.splice(at, 1);
      // One that is being worked on is finished, and its result dropped: it is nearly done.
      job.done.reject(signal!.reason);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#waiting.push(job);
    this.#pump();
    try {
      return await job.done.promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Ends every process; what they work on fails. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#idleTimer?.[Symbol.dispose]();
    const jobs = this.#waiting.splice(0);
    for (const seat of [...this.#seats]) {
      if (seat.job !== undefined) jobs.push(seat.job);
      this.#end(seat);
    }
    await Promise.all(jobs.map((job) => this.#fail(job, "the reviewer was stopped")));
  }

  #pump(): void {
    this.#idleTimer?.[Symbol.dispose]();
    this.#idleTimer = undefined;
    while (this.#waiting.length > 0) {
      const seat = this.#freeSeat();
      if (seat === undefined) return;
      this.#work(seat, this.#waiting.shift()!);
    }
    if (this.#closed || [...this.#seats].some(({ job }) => job !== undefined)) return;
    this.#idleTimer = this.#options.clock.after(this.#options.idleMs, () => {
      for (const seat of [...this.#seats]) this.#end(seat);
    });
  }

  #freeSeat(): Seat | undefined {
    for (const seat of this.#seats) if (seat.job === undefined) return seat;
    if (this.#seats.size >= this.#options.size) return undefined;
    const seat: Partial<Seat> = { job: undefined, timer: undefined };
    try {
      seat.process = this.#options.start({
        onLine: (line) => this.#onLine(seat as Seat, line),
        onEnd: (how) => this.#onEnd(seat as Seat, how),
      });
    } catch (error) {
      const [job] = this.#waiting.splice(0, 1);
      const reason = error instanceof Error ? error.message : String(error);
      void this.#fail(job, `its process cannot be started: ${reason}`);
      return this.#waiting.length > 0 ? this.#freeSeat() : undefined;
    }
    this.#seats.add(seat as Seat);
    return seat as Seat;
  }

  #work(seat: Seat, job: Job): void {
    seat.job = job;
    this.#watch(seat, job);
    const line = JSON.stringify(job.input);
    // A process that is gone tells its end as well, which fails the job.
    seat.process.send(line).catch(() => {});
  }

  #watch(seat: Seat, job: Job): void {
    const { clock, deadlineMs } = this.#options;
    const due = clock.now() + deadlineMs;
    seat.timer = clock.after(deadlineMs, () => {
      if (seat.job !== job) return;
      // Late by more than itself: this machine slept, and the process with it.
      if (clock.now() - due > deadlineMs) return this.#watch(seat, job);
      this.#end(seat);
      void this.#fail(job, `not done within ${deadlineMs / 1_000} s, and was ended`);
      this.#pump();
    });
  }

  #onLine(seat: Seat, line: string): void {
    const { job } = seat;
    if (job === undefined || !this.#seats.has(seat)) return;
    seat.timer?.[Symbol.dispose]();
    seat.job = undefined;
    job.done.resolve(JSON.parse(line));
    this.#pump();
  }

  #onEnd(seat: Seat, how: string): void {
    const { job } = seat;
    if (!this.#seats.has(seat)) return;
    this.#end(seat);
    if (job !== undefined) void this.#fail(job, `its process ${how}`);
    this.#pump();
  }

  #end(seat: Seat): void {
    this.#seats.delete(seat);
    seat.timer?.[Symbol.dispose]();
    seat.job = undefined;
    seat.process.kill();
  }

  async #fail(job: Job, reason: string): Promise<void> {
    job.done.resolve(await failed(job.input, reason));
  }
}

/** The result of a text that was not reviewed. */
async function failed({ path, language }: ReviewInput, reason: string): Promise<ReviewResult> {
  const shown = path ?? "-";
  return {
    path: shown,
    language: languageNamed(language ?? "") ?? languageOf(shown, "") ?? "unknown",
    status: "failed",
    findings: [],
    skipped: `the review failed: ${reason}`,
    rulesVersion: await rulesVersion(),
  };
}
