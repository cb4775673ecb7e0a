/**
 * A Map that mostly has one entry, or none: calls in flight of a client that asks one thing after the
 * other. It makes no table before it has two at once.
 *
 * Like a Map it keeps the order of insertion.
 *
 * @module
 */

import { ChurningMap } from "./churning_map.ts";

/** A Map for one entry, and for more. Values must not be undefined. */
export class MostlyOneMap<K, V extends NonNullable<unknown>> {
  /** The only entry, while there is one and {@linkcode #table} is empty. */
  #key: K | undefined;
  #value: V | undefined;
  #table: ChurningMap<K, V> | undefined;

  get size(): number {
    return this.#value === undefined ? this.#table?.size ?? 0 : 1;
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  get(key: K): V | undefined {
    return this.#value === undefined
      ? this.#table?.get(key)
      : this.#key === key
      ? this.#value
      : undefined;
  }

  set(key: K, value: V): void {
    if (this.#value !== undefined && this.#key !== key) {
      this.#table ??= new ChurningMap();
      this.#table.set(this.#key!, this.#value);
      this.#key = this.#value = undefined;
    }
    if (this.#table !== undefined && this.#table.size > 0) return this.#table.set(key, value);
    this.#key = key;
    this.#value = value;
  }

  /** @returns whether it was there. */
  delete(key: K): boolean {
    if (this.#value === undefined) return this.#table?.delete(key) ?? false;
    if (this.#key !== key) return false;
    this.#key = this.#value = undefined;
    return true;
  }

  /** As they are now or, where there are several, perhaps a moment later. */
  values(): Iterable<V> {
    return this.#value === undefined ? this.#table?.values() ?? [] : [this.#value];
  }
}
