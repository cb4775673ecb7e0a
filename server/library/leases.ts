/**
 * Who uses the server. It lives while somebody does: when the last lease is given back, no new one is
 * granted ever again, in the same turn, so that nobody can register with a server that is about to end.
 *
 * @module
 */

/** One user's hold on the server. */
export interface Lease {
  readonly id: string;
  /** Process that holds it. Informs only. */
  readonly pid: number;
  /** Gives it back. Again is the same as once. */
  release(): void;
  /**
   * Resolves when the lease is over: with the reason when the server ended it, with undefined when it
   * was given back.
   */
  readonly over: Promise<string | undefined>;
}

/** The leases of one server. */
export class Leases {
  readonly #held = new Map<string, { lease: Lease; finish(reason: string | undefined): void }>();
  readonly #onEmpty: () => void;
  #closed = false;

  /** @param onEmpty Called once, when the last lease was given back. */
  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty;
  }

  /** How many are held. */
  get count(): number {
    return this.#held.size;
  }

  /** Whether no lease is granted any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Whether this lease is held. */
  has(lease: Lease): boolean {
    return this.#held.has(lease.id);
  }

  /** A new lease; undefined when the server is ending. */
  hold(pid: number): Lease | undefined {
    if (this.#closed) return undefined;
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const id = crypto.randomUUID();
    const lease = { id, pid, over: promise, release: () => this.release(id) };
    this.#held.set(id, { lease, finish: resolve });
    return lease;
  }

  /** Gives a lease back. Returns whether it was held. */
  release(id: string): boolean {
    const held = this.#held.get(id);
    if (held === undefined) return false;
    this.#held.delete(id);
    held.finish(undefined);
    if (this.#held.size === 0 && !this.#closed) {
      this.#closed = true;
      this.#onEmpty();
    }
    return true;
  }

  /** Ends every lease, and grants none any more. */
  close(reason: string): void {
    this.#closed = true;
    for (const { finish } of this.#held.values()) finish(reason);
    this.#held.clear();
  }
}
