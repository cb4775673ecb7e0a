/**
 * The signals that mean "end yourself", per system.
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
