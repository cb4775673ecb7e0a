/**
 * Where the calls of one client end at a server and those of another begin. A server that tells what it
 * does (logs) does not say of whose call it speaks: between two clients a `ping` goes ahead of the second
 * one's call, which waits for the answer. What the server says until then, it says before it has seen the
 * call. (With both sent at once, servers that answer a `ping` by and by were seen to speak of the call
 * first.)
 *
 * Guarantees: nothing waits for longer than {@linkcode BOUNDARY_MS}; where clients have met nevertheless,
 * {@linkcode Boundary.haveMet} says so.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";

/** Milliseconds that a call waits for the server to answer a `ping` first. */
export const BOUNDARY_MS = 1_000;

/** Options of {@linkcode Boundary}. */
export interface BoundaryOptions {
  clock: Clock;
  /** An id for a `ping`, which is not 0. */
  mintId(): number;
  /** Sends a `ping`; it may be answered before this returns. */
  ping(id: number): void;
  /** What waits behind it can be sent. */
  onPassed(): void;
  /** Told, before that, of a `ping` whose answer is not waited for any more; it may come. */
  onGivenUp?(id: number): void;
}

/** The boundary at one server. */
export class Boundary {
  readonly #options: BoundaryOptions;
  /** Id of the `ping` whose answer is waited for; 0 when none is. */
  #id = 0;
  #timer: Disposable | undefined;
  /** Who made the last call. */
  #lastClient: string | undefined;
  #haveMet = false;

  constructor(options: BoundaryOptions) {
    this.#options = options;
  }

  /** Whether calls wait behind a `ping`. */
  get isPending(): boolean {
    return this.#id !== 0;
  }

  /** Whether calls of two clients were in flight at once since the last boundary. */
  get haveMet(): boolean {
    return this.#haveMet;
  }

  /** Whether `id` is that of the `ping` whose answer is waited for. */
  has(id: number): boolean {
    return this.#id !== 0 && id === this.#id;
  }

  /**
   * Before a call is sent: marks the boundary when its client is another than the last.
   *
   * @param isQuiet Whether the server has answered everything else.
   */
  mark(owner: string, isQuiet: boolean): void {
    const isAnother = this.#lastClient !== undefined && this.#lastClient !== owner;
    this.#lastClient = owner;
    if (!isAnother && !this.#haveMet) return;
    if (!isQuiet) {
      this.#haveMet = true;
      return;
    }
    this.#haveMet = false;
    this.#id = this.#options.mintId();
    this.#timer = this.#options.clock.after(BOUNDARY_MS, () => {
      this.#haveMet = true;
      this.#options.onGivenUp?.(this.#id);
      this.pass();
    });
    this.#options.ping(this.#id);
  }

  /** The server has answered, with an error or without. */
  pass(): void {
    this.#timer?.[Symbol.dispose]();
    this.#id = 0;
    this.#options.onPassed();
  }

  /** The server is gone, and whatever it spoke of. */
  clear(): void {
    this.#timer?.[Symbol.dispose]();
    this.#id = 0;
    this.#haveMet = false;
    this.#lastClient = undefined;
  }
}
