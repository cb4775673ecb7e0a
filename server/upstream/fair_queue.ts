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
  /** What it costs to keep it waiting; does not change while it waits. Default 0. */
  readonly weight?: number;
}

interface Turn<T> {
  readonly items: T[];
  weight: number;
}

/** A queue of queues. */
export class FairQueue<T extends Owned> {
  /** In the order of the next turn: a Map keeps insertion order, and whoever was served goes last. */
  readonly #byTurn = new Map<string, Turn<T>>();
  #size = 0;
  #weight = 0;

  /** Calls waiting in all. */
  get size(): number {
    return this.#size;
  }

  /** What they weigh together. */
  get weight(): number {
    return this.#weight;
  }

  /** What those weigh that wait for the same turn as `item` would. */
  weightBeside(item: Owned): number {
    return this.#byTurn.get(turnOf(item))?.weight ?? 0;
  }

  /** The owner whose turn is next, if anything waits. */
  get next(): string | undefined {
    for (const { items: [first] } of this.#byTurn.values()) return first.owner;
    return undefined;
  }

  push(item: T): void {
    this.#countIn(item).push(item);
  }

  /** Puts an item before all others of its turn: it was next already. */
  unshift(item: T): void {
    this.#countIn(item).unshift(item);
  }

  /** Takes the first item in turn whose owner `mayRun`; undefined when there is none. */
  shift(mayRun: (owner: string) => boolean): T | undefined {
    for (const [name, turn] of this.#byTurn) {
      if (!mayRun(turn.items[0].owner)) continue;
      const item = turn.items.shift()!;
      this.#byTurn.delete(name);
      if (turn.items.length > 0) this.#byTurn.set(name, turn);
      this.#countOut(item, turn);
      return item;
    }
    return undefined;
  }

  /** Takes `item` out. @returns whether it was waiting. */
  remove(item: T): boolean {
    const name = turnOf(item);
    const turn = this.#byTurn.get(name);
    const index = turn?.items.indexOf(item) ?? -1;
    if (turn === undefined || index === -1) return false;
    turn.items.splice(index, 1);
    if (turn.items.length === 0) this.#byTurn.delete(name);
    this.#countOut(item, turn);
    return true;
  }

  /** Takes everything out. */
  clear(): T[] {
    const all = [...this];
    this.#byTurn.clear();
    this.#size = 0;
    this.#weight = 0;
    return all;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (const { items } of this.#byTurn.values()) yield* items;
  }

  /** @returns those of the same turn. */
  #countIn(item: T): T[] {
    const { weight = 0 } = item;
    this.#size++;
    this.#weight += weight;
    const name = turnOf(item);
    let turn = this.#byTurn.get(name);
    if (turn === undefined) {
      turn = { items: [], weight: 0 };
      this.#byTurn.set(name, turn);
    }
    turn.weight += weight;
    return turn.items;
  }

  #countOut({ weight = 0 }: T, turn: Turn<T>): void {
    this.#size--;
    this.#weight -= weight;
    turn.weight -= weight;
  }
}

function turnOf({ owner, turn = owner }: Owned): string {
  return turn;
}
