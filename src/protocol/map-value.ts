/** What all maps of protocol states have in common, so that whatever compares, shows and writes values need not tell them apart. */
import type { MapKey } from './persistent-map/hash.js';

/** An immutable map. Values are never `undefined`. */
export abstract class MapValue<K extends MapKey, V> implements Iterable<readonly [K, V]> {
  abstract readonly size: number;

  /** The value at `key`, `undefined` where there is none. */
  abstract get(key: K): V | undefined;

  abstract keys(): IterableIterator<K>;

  abstract [Symbol.iterator](): IterableIterator<readonly [K, V]>;

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  /** The keys whose values differ (`!==`) or that only one of the maps has, in any order. */
  diff(other: MapValue<K, V>): readonly K[] {
    const keys: K[] = [];
    for (const [key, value] of this) if (other.get(key) !== value) keys.push(key);
    for (const key of other.keys()) if (!this.has(key)) keys.push(key);
    return keys;
  }

  /** Whether both maps have the same keys, with values that are identical or `equal`. */
  equals(other: MapValue<K, V>, equal: (a: V, b: V) => boolean): boolean {
    if (this.size !== other.size) return false;
    for (const [key, value] of this) {
      const also = other.get(key);
      if (also === undefined || !(value === also || equal(value, also))) return false;
    }
    return true;
  }
}
