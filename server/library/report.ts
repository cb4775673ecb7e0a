/**
 * What the library has to say, on stderr: faults of the application always, the daemon's life with
 * `debug`. stdout belongs to the program.
 *
 * @module
 */

/** Takes what is to be said. */
export interface Report {
  /** What happens in the daemon's life. */
  debug(message: string): void;
  /** The application failed at a request. */
  fault(message: string, error: unknown): void;
}

/** Reports on stderr. */
export function stderrReport(debug: boolean): Report {
  const head = `[daemon ${Deno.pid}]`;
  return {
    debug(message) {
      if (debug) console.error(`${head} ${message}`);
    },
    fault: (message, error) => console.error(`${head} ${message}:`, error),
  };
}
