/**
 * Waiting calls, taken round-robin over their owners: one client's thousand calls delay another's
 * single one by one place, not by a thousand. Within one owner the order is kept.
 *
 * @module
 */

/** What can wait here. */
export interface Owned {
  /** Who waits. */
  readonly owner: string;
}

/** A queue of queues. */
export class FairQueue<T extends Owned> {
  /** In the order of the next turn: a Map keeps insertion order, and whoever was served goes last. */
  readonly #byOwner = new Map<string, T[]>();
  #size = 0;

  /** Calls waiting in all. */
  get size(): number {
    return this.#size;
  }

  /** The owner whose turn is next, if anything waits. */
  get next(): string | undefined {
    for (const owner of this.#byOwner.keys()) return owner;
    return undefined;
  }

  push(item: T): void {
    const own = this.#byOwner.get(item.owner);
    if (own === undefined) this.#byOwner.set(item.owner, [item]);
    else own.push(item);
    this.#size++;
  }

  /** Puts an item before all others of its owner: it had its turn already. */
  unshift(item: T): void {
    const own = this.#byOwner.get(item.owner);
    if (own === undefined) this.#byOwner.set(item.owner, [item]);
    else own.unshift(item);
    this.#size++;
  }

  /** Takes the next item of the first owner in turn that `mayRun`; undefined when there is none. */
  shift(mayRun: (owner: string) => boolean): T | undefined {
    for (const [owner, own] of this.#byOwner) {
      if (!mayRun(owner)) continue;
      const item = own.shift()!;
      this.#byOwner.delete(owner);
      if (own.length > 0) this.#byOwner.set(owner, own);
      this.#size--;
      return item;
    }
    return undefined;
  }

  /** Takes `item` out. @returns whether it was waiting. */
  remove(item: T): boolean {
    const own = this.#byOwner.get(item.owner);
    const index = own?.indexOf(item) ?? -1;
    if (own === undefined || index === -1) return false;
    own.splice(index, 1);
    if (own.length === 0) this.#byOwner.delete(item.owner);
    this.#size--;
    return true;
  }

  /** Takes everything out. */
  clear(): T[] {
    const all = [...this.#byOwner.values()].flat();
    this.#byOwner.clear();
    this.#size = 0;
    return all;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const own of this.#byOwner.values()) yield* own;
  }
}
