/**
 * Both ends of a process that reviews: one text a line in, one result a line out, in order. It ends when
 * its stdin does.
 *
 * @module
 */

import { LineSplitter } from "../../../protocol/ndjson.ts";
import type { WorkerEvents, WorkerProcess } from "./analyzer_pool.ts";
import type { ReviewResult } from "./result.ts";
import { type ReviewInput, reviewText } from "./review.ts";
import { rulesVersion } from "./rules.ts";
import { MAX_FILE_BYTES } from "./source.ts";

/** Name of the hidden built-in that {@linkcode serveWorker} is. */
export const WORKER_NAME = "reviewer-worker";

/** How such a process is run. */
export interface WorkerCommand {
  /** This program: `[...args, "mcp", "--serve-builtin", WORKER_NAME]` is appended. */
  command: string;
  args: readonly string[];
  /** Added to the environment of this process. Default none. */
  env?: Readonly<Record<string, string>>;
  /** Takes note of it, so that it does not outlive its daemon. */
  onSpawn?(pid: number): void;
  onExit?(pid: number): void;
}

/** Longest line: a text escaped to six times its size, or the findings of one. */
const MAX_LINE = 8 * MAX_FILE_BYTES;
/** Characters of its stderr that are told when it ends. */
const LAST_WORDS = 400;

/** Starts one. @throws when the program cannot be run. */
export function startWorker(worker: WorkerCommand, events: WorkerEvents): WorkerProcess {
  const child = new Deno.Command(worker.command, {
    args: [...worker.args, "mcp", "--serve-builtin", WORKER_NAME],
    env: { ...worker.env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    // A group of its own, as every child of the daemon has: so it can be ended by that.
    detached: true,
  }).spawn();
  worker.onSpawn?.(child.pid);
  const writer = child.stdin.getWriter();
  const encoder = new TextEncoder();
  const lines = new LineSplitter(events.onLine, {
    maxLength: MAX_LINE,
    onOversize: () => child.kill("SIGKILL"),
  });
  let lastWords = "";
  const decoder = new TextDecoder();
  const drained = Promise.all([
    drain(child.stdout, (chunk) => lines.push(chunk)),
    drain(child.stderr, (chunk) => {
      lastWords = (lastWords + decoder.decode(chunk, { stream: true })).slice(-LAST_WORDS);
    }),
  ]);
  let ended = false;
  void watch();
  return {
    async send(line) {
      await writer.write(encoder.encode(`${line}\n`));
    },
    kill() {
      if (!ended) child.kill("SIGKILL");
    },
  };

  async function watch(): Promise<void> {
    const { code, signal } = await child.status;
    ended = true;
    worker.onExit?.(child.pid);
    await drained;
    // Broken already when the process was killed, which is an end as well.
    await writer.close().catch(() => {});
    const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
    events.onEnd(lastWords === "" ? how : `${how}: ${lastWords.trim()}`);
  }
}

async function drain(
  stream: ReadableStream<Uint8Array>,
  onChunk: (chunk: Uint8Array) => void,
): Promise<void> {
  try {
    for await (const chunk of stream) onChunk(chunk);
  } catch {
    // The pipe of a process that was killed; its status tells how it ended.
  }
}

/** Reviews what comes on stdin until it ends: the other side of {@linkcode startWorker}. */
export async function serveWorker(): Promise<void> {
  console.log = console.info = console.debug = console.error;
  const inputs: string[] = [];
  const lines = new LineSplitter((line) => inputs.push(line), {
    maxLength: MAX_LINE,
    onOversize: () => inputs.push("{}"),
  });
  const encoder = new TextEncoder();
  const writer = Deno.stdout.writable.getWriter();
  for await (const chunk of Deno.stdin.readable) {
    lines.push(chunk);
    for (const line of inputs.splice(0)) {
      const { result, broken } = await reviewed(JSON.parse(line));
      await writer.write(encoder.encode(`${JSON.stringify(result)}\n`));
      // After a fault inside the parser its memory is not to be trusted: the next one starts fresh.
      if (broken) return;
    }
  }
}

/** The review, or the failure as one: a process that answers is worth more than one that just ends. */
async function reviewed(
  input: Partial<ReviewInput>,
): Promise<{ result: ReviewResult; broken: boolean }> {
  const { path = "-", content } = input;
  try {
    if (content === undefined) throw new Error("the text is too long to be handed over");
    return { result: await reviewText({ ...input, content }), broken: false };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const result: ReviewResult = {
      path,
      language: "unknown",
      status: "failed",
      findings: [],
      skipped: `the review failed: ${reason}`,
      rulesVersion: await rulesVersion(),
    };
    return { result, broken: true };
  }
}
