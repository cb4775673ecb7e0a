/**
 * Waiting calls, taken round-robin over those who wait: one client's thousand calls delay another's
 * single one by one place, not by a thousand. Within one turn the order is kept.
 *
 * @module
 */

/** What can wait here. */
export interface Owned {
  /** Who waits. */
  readonly owner: string;
  /** With whom it takes turns. Default the owner. */
  readonly turn?: string;
}

/** A queue of queues. */
export class FairQueue<T extends Owned> {
  /** In the order of the next turn: a Map keeps insertion order, and whoever was served goes last. */
  readonly #byTurn = new Map<string, T[]>();
  #size = 0;

  /** Calls waiting in all. */
  get size(): number {
    return this.#size;
  }

  /** The owner whose turn is next, if anything waits. */
  get next(): string | undefined {
    for (const [first] of this.#byTurn.values()) return first.owner;
    return undefined;
  }

  push(item: T): void {
    this.#of(item).push(item);
    this.#size++;
  }

  /** Puts an item before all others of its turn: it was next already. */
  unshift(item: T): void {
    this.#of(item).unshift(item);
    this.#size++;
  }

  /** Takes the first item in turn whose owner `mayRun`; undefined when there is none. */
  shift(mayRun: (owner: string) => boolean): T | undefined {
    for (const [turn, items] of this.#byTurn) {
      if (!mayRun(items[0].owner)) continue;
      const item = items.shift()!;
      this.#byTurn.delete(turn);
      if (items.length > 0) this.#byTurn.set(turn, items);
      this.#size--;
      return item;
    }
    return undefined;
  }

  /** Takes `item` out. @returns whether it was waiting. */
  remove(item: T): boolean {
    const turn = turnOf(item);
    const items = this.#byTurn.get(turn);
    const index = items?.indexOf(item) ?? -1;
    if (items === undefined || index === -1) return false;
    items.splice(index, 1);
    if (items.length === 0) this.#byTurn.delete(turn);
    this.#size--;
    return true;
  }

  /** Takes everything out. */
  clear(): T[] {
    const all = [...this];
    this.#byTurn.clear();
    this.#size = 0;
    return all;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const items of this.#byTurn.values()) yield* items;
  }

  #of(item: T): T[] {
    const turn = turnOf(item);
    let items = this.#byTurn.get(turn);
    if (items === undefined) {
      items = [];
      this.#byTurn.set(turn, items);
    }
    return items;
  }
}

function turnOf({ owner, turn = owner }: Owned): string {
  return turn;
}
