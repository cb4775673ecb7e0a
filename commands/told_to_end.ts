/**
 * Commands that have something at a daemon: told to end (Ctrl-C, SIGTERM, a terminal that is closed), they
 * put it away before they do. A process that just dies leaves its session, and whatever a server keeps
 * for that, to the daemon's patience.
 *
 * @module
 */

import { endingSignals, exitCodeOf, onSignals } from "../platform/signals.ts";
import { ToldToEnd } from "./context.ts";

/**
 * Does `work`. When the process is told to end meanwhile, rejects at once, so that the caller can put away
 * what it has; what the work still does is nobody's any more. A second signal does not wait for that.
 *
 * @throws {ToldToEnd}
 */
export async function unlessToldToEnd<T>(work: () => Promise<T>): Promise<T> {
  const told = Promise.withResolvers<never>();
  let wasTold = false;
  const listening = onSignals(endingSignals(), (signal) => {
    if (wasTold) Deno.exit(exitCodeOf(signal));
    wasTold = true;
    told.reject(new ToldToEnd(signal, exitCodeOf(signal)));
  });
  try {
    return await Promise.race([work(), told.promise]);
  } finally {
    if (!wasTold) listening[Symbol.dispose]();
  }
}
