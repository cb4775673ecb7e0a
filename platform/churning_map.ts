/**
 * A Map for entries that come and go all day: calls in flight, sessions of one request.
 *
 * Why not a plain one: when a Map of V8 outgrows its table, the old table points to the new one, for the
 * sake of iterators. Once a table has become old enough to be left alone by the quick collections of
 * garbage, it keeps the next one alive, that one the next, and each all that ever stood in it, until
 * a full collection. At 20,000 calls a second that was 2 kB a call, and a tenth of all time was spent on
 * moving it about. A Map that is new has no such past; so this one is replaced from time to time.
 *
 * Like a Map it keeps the order of insertion. Unlike a Map, an iteration may show entries that were
 * deleted while it went on, and not show those that were added.
 *
 * @module
 */

/** Deletions after which it is replaced, at least; more when it is large, so that copying stays cheap. */
const LIFE = 256;

/** A Map without a past. */
export class ChurningMap<K, V> {
  #map = new Map<K, V>();
  #left = LIFE;

  get size(): number {
    return this.#map.size;
  }

  has(key: K): boolean {
    return this.#map.has(key);
  }

  get(key: K): V | undefined {
    return this.#map.get(key);
  }

  set(key: K, value: V): void {
    this.#map.set(key, value);
  }

  /** @returns whether it was there. */
  delete(key: K): boolean {
    if (!this.#map.delete(key)) return false;
    if (--this.#left <= 0) {
      this.#left = Math.max(LIFE, this.#map.size);
      this.#map = new Map(this.#map);
    }
    return true;
  }

  clear(): void {
    this.#left = LIFE;
    this.#map = new Map();
  }

  keys(): MapIterator<K> {
    return this.#map.keys();
  }

  values(): MapIterator<V> {
    return this.#map.values();
  }

  entries(): MapIterator<[K, V]> {
    return this.#map.entries();
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.#map.entries();
  }
}

/** The same for a Set. */
export class ChurningSet<T> {
  readonly #map = new ChurningMap<T, true>();

  get size(): number {
    return this.#map.size;
  }

  has(item: T): boolean {
    return this.#map.has(item);
  }

  add(item: T): void {
    this.#map.set(item, true);
  }

  /** @returns whether it was there. */
  delete(item: T): boolean {
    return this.#map.delete(item);
  }

  clear(): void {
    this.#map.clear();
  }

  [Symbol.iterator](): MapIterator<T> {
    return this.#map.keys();
  }
}
