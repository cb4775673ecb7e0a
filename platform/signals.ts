/**
 * The signals that mean "end yourself", per system, and the exit codes that go with them.
 *
 * @module
 */

/** `SIGINT` and `SIGTERM`; on Windows Ctrl-C and Ctrl-Break, which is all that Deno delivers there. */
export function terminationSignals(os: typeof Deno.build.os = Deno.build.os): Deno.Signal[] {
  return os === "windows" ? ["SIGINT", "SIGBREAK"] : ["SIGINT", "SIGTERM"];
}

/**
 * Calls `handler` for each of `signals`, until disposed.
 *
 * @param handler Given the signal's name.
 */
export function onSignals(
  signals: readonly Deno.Signal[],
  handler: (signal: Deno.Signal) => void,
): Disposable {
  const listeners = signals.map((signal) => ({ signal, listener: () => handler(signal) }));
  for (const { signal, listener } of listeners) Deno.addSignalListener(signal, listener);
  return {
    [Symbol.dispose]() {
      for (const { signal, listener } of listeners) Deno.removeSignalListener(signal, listener);
    },
  };
}

/** {@linkcode terminationSignals}, and the loss of the terminal where there is such a signal. */
export function endingSignals(os: typeof Deno.build.os = Deno.build.os): Deno.Signal[] {
  return os === "windows" ? terminationSignals(os) : [...terminationSignals(os), "SIGHUP"];
}

const NUMBERS: Partial<Record<Deno.Signal, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGTERM: 15,
  SIGBREAK: 21,
};

/** Exit code of a program that one of {@linkcode endingSignals} has ended, as shells give it. */
export function exitCodeOf(signal: Deno.Signal): number {
  return 128 + (NUMBERS[signal] ?? 0);
}
