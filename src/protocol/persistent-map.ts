/**
 * Immutable maps with structural sharing, for whatever can grow in a protocol's state (log, votes, sessions, tables):
 * a hash array mapped trie (Bagwell, Ideal Hash Trees, 2001) in canonical form. Its structural `diff` is why this is
 * not a library: docs/adr/0003-persistent-map.md.
 */
import { MapValue } from './map-value.js';
import { hashOf, type MapKey } from './persistent-map/hash.js';
import { Edit, emptyNode, lookup, type Node } from './persistent-map/node.js';
import { insert, remove } from './persistent-map/update.js';
import { diffTries, equalTries, Walk } from './persistent-map/walk.js';

export type { MapKey } from './persistent-map/hash.js';

/** A map under change inside `withMutations`. Every use after that throws. */
export interface MapDraft<K extends MapKey, V> {
  readonly size: number;
  get(key: K): V | undefined;
  has(key: K): boolean;
  set(key: K, value: V): void;
  delete(key: K): void;
}

/**
 * An immutable map. Keys are strings or natural numbers up to 2^53 - 1 (1 and '1' differ); other numbers throw. Values
 * are never `undefined`. Each change returns a new map that shares all but a few nodes with this one, in
 * O(log32 size). Iteration visits an unchanging order that depends on the contents only, not on how they came about;
 * an iterator holds its snapshot, so a big map can be walked in pieces.
 */
export class PersistentMap<K extends MapKey, V> extends MapValue<K, V> {
  readonly size: number;
  private readonly root: Node<K, V>;

  private constructor(root: Node<K, V>, size: number) {
    super();
    this.root = root;
    this.size = size;
  }

  /** The map without entries. */
  static empty<K extends MapKey, V>(): PersistentMap<K, V> {
    return new PersistentMap<K, V>(emptyNode, 0);
  }

  /** The map of `entries`; of two entries with one key the last wins. */
  static of<K extends MapKey, V>(entries: Iterable<readonly [K, V]>): PersistentMap<K, V> {
    return PersistentMap.empty<K, V>().withMutations((draft) => {
      for (const [key, value] of entries) draft.set(key, value);
    });
  }

  /** The value at `key`, `undefined` where there is none. */
  get(key: K): V | undefined {
    return lookup(this.root, 0, hashOf(key), key);
  }

  override has(key: K): boolean {
    return lookup(this.root, 0, hashOf(key), key) !== undefined;
  }

  /** The map with `value` at `key`; this very map if that is its value (`===`) already. Throws on `undefined`. */
  set(key: K, value: V): PersistentMap<K, V> {
    if (value === undefined) throw new TypeError(`the value at ${key} is undefined`);
    single.growth = 0;
    const root = insert(this.root, 0, hashOf(key), key, value, single);
    return root === this.root ? this : new PersistentMap(root, this.size + single.growth);
  }

  /** The map without `key`; this very map if it has no such key. */
  delete(key: K): PersistentMap<K, V> {
    single.growth = 0;
    const root = remove(this.root, 0, hashOf(key), key, single);
    return root === this.root ? this : new PersistentMap(root, this.size + single.growth);
  }

  /**
   * The map after all that `change` did to the draft; this map stays as it is, and is returned itself if nothing
   * changed. Cheaper than single changes: a node is copied once, and changed in place from then on.
   */
  withMutations(change: (draft: MapDraft<K, V>) => void): PersistentMap<K, V> {
    const draft = new Draft(this.root, this.size);
    let root: Node<K, V>;
    try {
      change(draft);
    } finally {
      root = draft.finish();
    }
    return root === this.root ? this : new PersistentMap(root, draft.finalSize);
  }

  /** As of every map; what both share costs nothing. */
  override diff(other: MapValue<K, V>): readonly K[] {
    if (!(other instanceof PersistentMap)) return super.diff(other);
    const keys: K[] = [];
    diffTries(this.root, other.root, 0, keys);
    return keys;
  }

  override equals(other: MapValue<K, V>, equal: (a: V, b: V) => boolean): boolean {
    if (!(other instanceof PersistentMap)) return super.equals(other, equal);
    return this.size === other.size && equalTries(this.root, other.root, equal);
  }

  entries(): IterableIterator<readonly [K, V]> {
    return new Walk(this.root, pickEntry<K, V>);
  }

  /**
   * The entries that `entries` gives after that of `key`, or all where `key` is `undefined`; costs a look-up to start. `undefined`
   * where the map has no such key: where an absent key would stand depends on what else the map holds.
   */
  entriesAfter(key: K | undefined): IterableIterator<readonly [K, V]> | undefined {
    const walk = new Walk(this.root, pickEntry<K, V>);
    return key === undefined || walk.skipTo(key) ? walk : undefined;
  }

  keys(): IterableIterator<K> {
    return new Walk(this.root, pickKey<K>);
  }

  values(): IterableIterator<V> {
    return new Walk(this.root, pickValue<V>);
  }

  [Symbol.iterator](): IterableIterator<readonly [K, V]> {
    return this.entries();
  }
}

/** The edit of single changes. One serves all: no change runs foreign code, so no two are ever under way at once. */
const single = new Edit(false);

const pickEntry = <K, V>(key: K, value: V): readonly [K, V] => [key, value];
const pickKey = <K>(key: K): K => key;
const pickValue = <V>(_key: unknown, value: V): V => value;

class Draft<K extends MapKey, V> implements MapDraft<K, V> {
  /** `undefined` once the draft is finished. */
  private root: Node<K, V> | undefined;
  private readonly edit = new Edit(true);
  private readonly baseSize: number;

  constructor(root: Node<K, V>, size: number) {
    this.root = root;
    this.baseSize = size;
  }

  get size(): number {
    this.live();
    return this.finalSize;
  }

  get finalSize(): number {
    return this.baseSize + this.edit.growth;
  }

  get(key: K): V | undefined {
    return lookup(this.live(), 0, hashOf(key), key);
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  set(key: K, value: V): void {
    if (value === undefined) throw new TypeError(`the value at ${key} is undefined`);
    this.root = insert(this.live(), 0, hashOf(key), key, value, this.edit);
  }

  delete(key: K): void {
    this.root = remove(this.live(), 0, hashOf(key), key, this.edit);
  }

  /** Ends the draft; from now on nothing changes its nodes. */
  finish(): Node<K, V> {
    const root = this.live();
    this.root = undefined;
    return root;
  }

  private live(): Node<K, V> {
    if (this.root === undefined) throw new Error('this draft of a map is finished: withMutations has returned');
    return this.root;
  }
}
