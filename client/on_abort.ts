/**
 * Listening to an `AbortSignal`, with one listener on the signal however many wait for it: a signal
 * that a user shares between calls would otherwise make Node 20 warn of a leak at the eleventh.
 *
 * @module
 */

const waiting = new WeakMap<AbortSignal, Set<{ run(): void }>>();

/**
 * Calls `listener` once: when the signal fires, or at once when it has fired already.
 *
 * @returns what stops listening. Must be called when the wait is over; harmless afterwards.
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    listener();
    return () => {};
  }
  const entry = { run: listener };
  const all = waiting.get(signal) ?? listenTo(signal);
  all.add(entry);
  return () => {
    all.delete(entry);
    if (all.size === 0 && waiting.get(signal) === all) {
      waiting.delete(signal);
      signal.removeEventListener("abort", fire);
    }
  };
}

function listenTo(signal: AbortSignal): Set<{ run(): void }> {
  const all = new Set<{ run(): void }>();
  waiting.set(signal, all);
  signal.addEventListener("abort", fire, { once: true });
  return all;
}

function fire(this: AbortSignal): void {
  const all = waiting.get(this);
  waiting.delete(this);
  for (const { run } of all ?? []) run();
}
