/**
 * A child process of a task, with everything it starts: ended as one group, so that a task leaves
 * nothing behind.
 *
 * @module
 */

import { settlesWithin } from "../../protocol/deadline.ts";
import { signalGroup } from "../../platform/process_group.ts";
import { TaskProblem } from "./task.ts";

/** What to start. */
export interface ChildOptions {
  command: string;
  args?: readonly string[];
  cwd?: string;
  /** Added to the environment it inherits. */
  env?: Record<string, string>;
  /** Milliseconds between the polite and the final signal. Default 3,000. */
  graceMs?: number;
}

/** Characters of output that are kept, of the end. */
const KEPT = 64 * 1024;

/** Milliseconds to read what a process that is gone had written; what it started may hold the pipe. */
const DRAIN_MS = 1_000;

/** A process that runs in a group of its own. */
export class Child implements AsyncDisposable {
  readonly pid: number;
  readonly status: Promise<Deno.CommandStatus>;
  readonly #name: string;
  readonly #graceMs: number;
  /** It is gone, and what it wrote was read. */
  readonly #ended: Promise<unknown>;
  #output = "";
  #onOutput: (() => void) | undefined;

  /**
   * Starts it.
   *
   * @throws {TaskProblem} when there is no such program.
   */
  constructor({ command, args = [], cwd, env, graceMs = 3_000 }: ChildOptions) {
    this.#name = [command, ...args].join(" ");
    let process: Deno.ChildProcess;
    try {
      process = new Deno.Command(command, {
        args: [...args],
        cwd,
        env,
        detached: true, // Its own group, for signalGroup.
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new TaskProblem(`Cannot start ${command}: no such program on PATH`, { cause: error });
    }
    this.pid = process.pid;
    this.status = process.status;
    this.#graceMs = graceMs;
    const read = Promise.all([this.#collect(process.stdout), this.#collect(process.stderr)]);
    this.#ended = this.status.then(() => settlesWithin(read, DRAIN_MS));
  }

  /** The end of what it wrote, both streams as they came. */
  get output(): string {
    return this.#output;
  }

  /**
   * The first match in what it writes.
   *
   * @throws {TaskProblem} when it ends first, or nothing matches within `ms`.
   */
  async says(pattern: RegExp, { signal, ms }: WaitOptions): Promise<RegExpExecArray> {
    const bound = AbortSignal.any([signal, AbortSignal.timeout(ms)]);
    const found = Promise.withResolvers<RegExpExecArray | undefined>();
    const look = () => {
      const match = pattern.exec(this.#output);
      if (match !== null) found.resolve(match);
    };
    const giveUp = () => found.resolve(undefined);
    bound.addEventListener("abort", giveUp);
    this.#ended.then(giveUp);
    this.#onOutput = look;
    look();
    const match = await found.promise;
    bound.removeEventListener("abort", giveUp);
    this.#onOutput = undefined;
    signal.throwIfAborted();
    if (match === undefined) {
      throw new TaskProblem(`"${this.#name}" did not say ${pattern}. It said:\n${this.#output}`);
    }
    return match;
  }

  /** Ends it and everything in its group. */
  async [Symbol.asyncDispose](): Promise<void> {
    signalGroup(this.pid, "SIGTERM");
    await settlesWithin(this.status, this.#graceMs);
    // Always, and also when the leader is gone: its children need not have ended with it.
    signalGroup(this.pid, "SIGKILL");
    await this.#ended;
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      this.#output = (this.#output + decoder.decode(chunk, { stream: true })).slice(-KEPT);
      this.#onOutput?.();
    }
  }
}

/** How long to wait. */
export interface WaitOptions {
  signal: AbortSignal;
  /** Milliseconds. */
  ms: number;
}

/** How a program ended. */
export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs a program to its end.
 *
 * @throws {TaskProblem} when there is no such program, or it takes longer than `ms`.
 */
export async function run(
  options: ChildOptions,
  { signal, ms }: WaitOptions,
): Promise<Outcome> {
  const { command, args = [], cwd, env } = options;
  const bound = AbortSignal.any([signal, AbortSignal.timeout(ms)]);
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(command, {
      args: [...args],
      cwd,
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      signal: bound,
    }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new TaskProblem(`Cannot start ${command}: no such program on PATH`, { cause: error });
  }
  signal.throwIfAborted();
  const decoder = new TextDecoder();
  if (bound.aborted) {
    throw new TaskProblem(
      `"${[command, ...args].join(" ")}" took longer than ${ms / 1000} s. It said:\n` +
        decoder.decode(output.stderr),
    );
  }
  return {
    code: output.code,
    stdout: decoder.decode(output.stdout),
    stderr: decoder.decode(output.stderr),
  };
}
