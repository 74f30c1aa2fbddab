/**
 * Immutable maps from texts in their order, with structural sharing, for tables of which ranges are read, taken out and put
 * in: neighbours lie together, so that such a change copies few nodes, where a trie of hashes copies one for each key. The order
 * is that of UTF-16 units. docs/adr/0003-persistent-map.md says why these maps are not from a library.
 */
import { MapValue } from './map-value.js';
import { childFor, Edit, isBranch, Leaf, type Node, positionIn, sizeOf } from './ordered-map/node.js';
import { insert, remove, update } from './ordered-map/update.js';
import { diffTrees, equalTrees, leavesFrom } from './ordered-map/walk.js';

/** A map under change inside `withMutations`. Every use after that throws. */
export interface OrderedDraft<V> {
  set(key: string, value: V): void;
  delete(key: string): void;
}

/** An immutable ordered map; values are never `undefined`. Iteration is ascending; an iterator holds its snapshot. */
export class OrderedMap<V> extends MapValue<string, V> {
  private readonly root: Node<V>;

  private constructor(root: Node<V>) {
    super();
    this.root = root;
  }

  /** The map without entries. */
  static empty<V>(): OrderedMap<V> {
    return new OrderedMap<V>(emptyRoot);
  }

  /** The map of `entries`; of two entries with one key the last wins. */
  static of<V>(entries: Iterable<readonly [string, V]>): OrderedMap<V> {
    return OrderedMap.empty<V>().withMutations((draft) => {
      for (const [key, value] of entries) draft.set(key, value);
    });
  }

  get size(): number {
    return sizeOf(this.root);
  }

  get(key: string): V | undefined {
    let at: Node<V> | undefined = this.root;
    while (at !== undefined && isBranch(at)) at = childFor(at, key);
    if (at === undefined) return undefined;
    const i = positionIn(at.keys, key);
    return at.keys[i] === key ? at.values[i] : undefined;
  }

  /** The map with `value` at `key`; this very map if that is its value already. Throws on `undefined`. */
  set(key: string, value: V): OrderedMap<V> {
    if (value === undefined) throw new TypeError(`the value at ${key} is undefined`);
    return this.over(insert(this.root, key, value, undefined));
  }

  /** The map without `key`; this very map if it has no such key. */
  delete(key: string): OrderedMap<V> {
    return this.over(remove(this.root, key, undefined));
  }

  /** The map with what `change` makes of the value at `key`, `undefined` standing for no entry; found and replaced in one walk. This very map if it makes nothing else of it. */
  update(key: string, change: (value: V | undefined) => V | undefined): OrderedMap<V> {
    return this.over(update(this.root, key, change, undefined));
  }

  /** The map after all that `change` did to the draft; this map stays as it is, and is returned itself if nothing changed. A node is copied once. */
  withMutations(change: (draft: OrderedDraft<V>) => void): OrderedMap<V> {
    const draft = new Draft(this.root);
    let root: Node<V>;
    try {
      change(draft);
    } finally {
      root = draft.finish();
    }
    return this.over(root);
  }

  private over(root: Node<V>): OrderedMap<V> {
    return root === this.root ? this : new OrderedMap(root);
  }

  /** As of every map; what both share costs nothing. */
  override diff(other: MapValue<string, V>): readonly string[] {
    if (!(other instanceof OrderedMap)) return super.diff(other);
    const keys: string[] = [];
    diffTrees(this.root, other.root as Node<V>, keys);
    return keys;
  }

  override equals(other: MapValue<string, V>, equal: (a: V, b: V) => boolean): boolean {
    if (!(other instanceof OrderedMap)) return super.equals(other, equal);
    return equalTrees(this.root, other.root as Node<V>, equal);
  }

  /** The entries with keys at or above `from`, ascending. What it takes to begin is one path. */
  *entriesFrom(from: string): Generator<readonly [string, V], undefined> {
    for (const { leaf, at } of leavesFrom(this.root, from)) {
      for (let i = at; i < leaf.keys.length; i++) yield [leaf.keys[i] as string, leaf.values[i] as V];
    }
    return undefined;
  }

  /** The keys at or above `from`, ascending. */
  *keysFrom(from: string): Generator<string, undefined> {
    for (const { leaf, at } of leavesFrom(this.root, from)) {
      for (let i = at; i < leaf.keys.length; i++) yield leaf.keys[i] as string;
    }
    return undefined;
  }

  entries(): IterableIterator<readonly [string, V]> {
    return this.entriesFrom('');
  }

  keys(): IterableIterator<string> {
    return this.keysFrom('');
  }

  [Symbol.iterator](): IterableIterator<readonly [string, V]> {
    return this.entriesFrom('');
  }
}

/** The root of every empty map, which no edit owns and nobody changes. */
const emptyRoot: Node<never> = new Leaf<never>(undefined, [], []);

class Draft<V> implements OrderedDraft<V> {
  /** `undefined` once the draft is finished. */
  private root: Node<V> | undefined;
  private readonly edit = new Edit();

  constructor(root: Node<V>) {
    this.root = root;
  }

  set(key: string, value: V): void {
    if (value === undefined) throw new TypeError(`the value at ${key} is undefined`);
    this.root = insert(this.live(), key, value, this.edit);
  }

  delete(key: string): void {
    this.root = remove(this.live(), key, this.edit);
  }

  /** Ends the draft; from now on nothing changes its nodes. */
  finish(): Node<V> {
    const root = this.live();
    this.root = undefined;
    return root;
  }

  private live(): Node<V> {
    if (this.root === undefined) throw new Error('this draft of a map is finished: withMutations has returned');
    return this.root;
  }
}
