/**
 * Deadlines for tests: what does not happen in time fails with the name of what was awaited, instead
 * of hanging the run.
 *
 * @module
 */

/** Milliseconds that are plenty even for a busy machine: a bound, never a measure. */
export const PLENTY_MS = 20_000;

/** `promise`, or an error that says what did not happen. */
export function within<T>(promise: Promise<T>, what: string, ms = PLENTY_MS): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`Not within ${ms} ms: ${what}`)), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/**
 * Asks again and again until the answer is right. For states that announce themselves to nobody, such
 * as a process being gone.
 */
export async function eventually<T>(
  ask: () => T | undefined | Promise<T | undefined>,
  what: string,
  ms = PLENTY_MS,
): Promise<T> {
  const end = performance.now() + ms;
  while (true) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`Not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
