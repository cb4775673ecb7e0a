/**
 * What the two ways to listen have in common: options, the port that is taken, and which requests are
 * still being answered.
 *
 * @module
 */

import type { Control } from "./control.ts";
import type { Report } from "./report.ts";

/** Where to listen and who answers. */
export interface ListenOptions {
  /** A literal address. */
  hostname: string;
  /** 0 lets the system choose. */
  port: number;
  /**
   * Makes the answers below `/.daemon/`, once the port is known. Called before the first request is
   * accepted.
   */
  control(bound: { hostname: string; port: number }): Control;
  report: Report;
}

/** An open port. */
export interface Listener {
  readonly port: number;
  /**
   * Refuses new requests for the application with 503, waits until the running ones are answered but not
   * longer than `graceMs`, then closes the port and every connection. Streams that do not end by
   * themselves are ended at once. Until then the reserved addresses are answered.
   */
  close(graceMs: number): Promise<void>;
}

/** Somebody else listens there. */
export class PortTaken extends Error {
  override name = "PortTaken";
}

/** What a request is told that comes while the server ends. */
export const DRAINING_TEXT = JSON.stringify({ error: "The server is ending" });

/** Headers of {@linkcode DRAINING_TEXT}. */
export const DRAINING_HEADERS = {
  "content-type": "application/json",
  "connection": "close",
  "retry-after": "1",
};

/**
 * Whether a response goes on until somebody ends it: a stream of events that was asked for with GET. One
 * that answers a POST (MCP's Streamable HTTP) ends with the call it answers, and is worth waiting for.
 *
 * @param type Its content type, or what the request accepts where that is all that is known.
 */
export function isEndless(method: string | undefined, type: unknown): boolean {
  return method === "GET" && typeof type === "string" && /\btext\/event-stream\b/i.test(type);
}

/** Requests that are being answered. */
export class Running {
  #count = 0;
  #idle: (() => void) | undefined;

  /** One more; the function that is returned ends it, once. */
  enter(): () => void {
    this.#count++;
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      if (--this.#count === 0) this.#idle?.();
    };
  }

  /** Resolves when none is left. For one waiter. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#count === 0) resolve();
      else this.#idle = resolve;
    });
  }
}
