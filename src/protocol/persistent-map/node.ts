/**
 * The trie behind `PersistentMap`: a hash array mapped trie (Bagwell, Ideal Hash Trees, 2001) in the canonical form of
 * CHAMP (Steindorfer and Vinju, OOPSLA 2015), so that its shape, and with it the order of iteration, is a function of
 * the contents alone.
 *
 * A node at level 0 to 6 takes the next five bits of the hash (the top bits of what is left of it; a caller hands on
 * `hash << 5`). At level 7 the hash is used up and the node is a bucket: its keys have one hash and are kept sorted.
 * Below the root no node holds fewer than two entries.
 */
import { compareKeys, type MapKey } from './hash.js';

/**
 * One change, or the changes of one draft. Nodes made by a draft are its own: it changes them in place. Nodes made by a
 * single change share what they can with those they replace, and are never changed again.
 */
export class Edit {
  /** How many entries the changes have added, less those removed. */
  growth = 0;
  readonly inPlace: boolean;
  constructor(inPlace: boolean) {
    this.inPlace = inPlace;
  }
}

/** One node; `keys[i]` has the value `values[i]`, in the order of the bits of `dataMap`, `children` in that of `nodeMap`. */
export interface Node<K extends MapKey, V> {
  readonly owner: Edit | undefined;
  dataMap: number;
  nodeMap: number;
  keys: K[];
  values: V[];
  children: Node<K, V>[];
}

/** The level at which the 32 bits of a hash are used up. */
export const bucketLevel = 7;

/** The root of every empty map. */
export const emptyNode: Node<never, never> = {
  owner: undefined,
  dataMap: 0,
  nodeMap: 0,
  keys: [],
  values: [],
  children: [],
};

/** What is left of `hash` at `level`; nothing at the bucket level. */
export const restOf = (hash: number, level: number): number => (level >= bucketLevel ? 0 : hash << (5 * level));

/** The bit of a node's maps that stands for the top five bits of `hash`. */
export const bitOf = (hash: number): number => 1 << (hash >>> 27);

/** How many bits of `map` stand below `bit`: the index of its entry or child. */
export const indexOf = (map: number, bit: number): number => {
  let n = map & (bit - 1);
  n -= (n >>> 1) & 0x55555555;
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
};

/** The value at `key` in the subtree `from` at `level`, `undefined` where there is none; `hash` is what is left of its hash. */
export const lookup = <K extends MapKey, V>(from: Node<K, V>, level: number, hash: number, key: K): V | undefined => {
  let node = from;
  let rest = hash;
  for (let l = level; l < bucketLevel; l++) {
    const bit = bitOf(rest);
    if ((node.dataMap & bit) !== 0) {
      const i = indexOf(node.dataMap, bit);
      return node.keys[i] === key ? node.values[i] : undefined;
    }
    if ((node.nodeMap & bit) === 0) return undefined;
    node = node.children[indexOf(node.nodeMap, bit)]!;
    rest <<= 5;
  }
  const i = indexInBucket(node.keys, key);
  return node.keys[i] === key ? node.values[i] : undefined;
};

/** Where `key` is, or belongs, in the sorted keys of a bucket. By halving: colliding keys can be chosen by a stranger. */
export const indexInBucket = (keys: readonly MapKey[], key: MapKey): number => {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(keys[middle]!, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
};
