/**
 * The frame of a task that starts processes: whatever it opened is closed again however it ends, an
 * interruption included, and what it throws becomes one message and exit code 1.
 *
 * @module
 */

import { onSignals, terminationSignals } from "../../platform/signals.ts";

/** Something that the person who runs the task can mend; told without a stack. */
export class TaskProblem extends Error {
  override name = "TaskProblem";
}

/** What a task is given. */
export interface Task {
  /** Closed when the task is over: first what was opened last. */
  stack: AsyncDisposableStack;
  /** Aborted by SIGINT and SIGTERM. Every wait of a task takes it. */
  signal: AbortSignal;
}

/**
 * Runs a task and exits with the code it returns. A second SIGINT exits at once.
 *
 * @param name Begins each message.
 */
export async function runTask(
  name: string,
  body: (task: Task) => Promise<number>,
): Promise<never> {
  const abort = new AbortController();
  using _signals = onSignals(terminationSignals(), (signal) => {
    if (abort.signal.aborted) Deno.exit(1);
    console.error(`${name}: ${signal}, cleaning up`);
    abort.abort(new TaskProblem(`interrupted by ${signal}`));
  });
  let code: number;
  try {
    await using stack = new AsyncDisposableStack();
    code = await body({ stack, signal: abort.signal });
  } catch (error) {
    code = 1;
    console.error(isForPeople(error) ? `${name}: ${error.message}` : error);
  }
  Deno.exit(code);
}

/** Whether its message is all that a person needs. */
function isForPeople(error: unknown): error is Error {
  if (error instanceof TaskProblem) return true;
  // What `parseArgs` of node:util throws: a wrong option.
  return error instanceof Error && "code" in error &&
    String(error.code).startsWith("ERR_PARSE_ARGS");
}
