/**
 * Keeping a port open: Deno (2.9.6) ends its HTTP listener when there are too many open files for a
 * connection, and nothing would ever be heard on that port again.
 *
 * Guarantees: a server that ends is opened again until there is one, or until it is not wanted any more;
 * each reason is told once. Not guaranteed: that nobody else takes the port meanwhile.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { pause } from "../../platform/pause.ts";

/** What is kept open. */
export interface OpenServer {
  /** Settles when it listens no more, for whatever reason. */
  readonly finished: Promise<void>;
}

/** Options of {@linkcode keepOpen}. */
export interface KeepOpenOptions<S extends OpenServer> {
  clock: Clock;
  /** Opens the next one, at the same address. */
  reopen(): S;
  /** Told why the port was lost, or could not be opened again yet; once for each reason. */
  onLost(error: unknown): void;
}

/** A port that is kept open. */
export interface KeptOpen<S extends OpenServer> {
  /** From now on it is not opened again. @returns the server that is open; undefined when none is. */
  release(): S | undefined;
}

/** Milliseconds until a port that was lost is opened again, and between two attempts. */
const REOPEN_MS = 500;

/** Keeps the port of `first` open, for as long as it is not released. */
export function keepOpen<S extends OpenServer>(
  first: S,
  { clock, reopen, onLost }: KeepOpenOptions<S>,
): KeptOpen<S> {
  const releasing = new AbortController();
  let server: S | undefined = first;
  let told: string | undefined;
  void stayOpen();
  return {
    release() {
      releasing.abort();
      return server;
    },
  };

  async function stayOpen(): Promise<void> {
    while (server !== undefined) {
      try {
        await server.finished;
      } catch (error) {
        tell(error);
      }
      server = undefined;
      while (server === undefined && !releasing.signal.aborted) {
        // Given up when it is released: the loop sees that.
        await pause(clock, REOPEN_MS, releasing.signal).catch(() => {});
        if (!releasing.signal.aborted) open();
      }
    }
  }

  function open(): void {
    try {
      server = reopen();
      told = undefined;
    } catch (error) {
      tell(error);
    }
  }

  /** Another program may have taken the port, and keep it: that is told once, not twice a second. */
  function tell(error: unknown): void {
    if (String(error) === told) return;
    told = String(error);
    onLost(error);
  }
}
