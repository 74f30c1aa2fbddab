/**
 * The tree behind `OrderedMap`: a radix tree with compressed paths (Morrison, PATRICIA, JACM 1968), of sixteen ways, with dense children
 * (Bagwell, Ideal Hash Trees, 2001), of which each part with few keys is one sorted leaf. So its shape is a function of the keys alone,
 * neighbours lie together, and no choice of keys makes a path longer than the digits of a key. Nothing here recurses: a stranger
 * may choose keys that make a deep tree.
 */

/** Keys of a leaf, at most; a part with more is a branch. */
export const leafKeysMax = 32;

/** The right to change the nodes of one draft in place. */
export class Edit {}

// Nodes are instances and no literals. Where most objects of one literal have survived for a while, as nodes do while a table is filled,
// V8 makes all later ones among the old objects; and there each node that is replaced keeps its version of the whole path, and
// with it what is young, until the next full collection.

/** Some keys in ascending order of UTF-16 units, with their values. Never empty but in the empty map. Of an edit's own leaf both arrays are its own; others may share that of the keys. */
export class Leaf<V> {
  readonly owner: Edit | undefined;
  readonly keys: string[];
  readonly values: V[];

  constructor(owner: Edit | undefined, keys: string[], values: V[]) {
    this.owner = owner;
    this.keys = keys;
    this.values = values;
  }
}

/** Two parts or more, with more than `leafKeysMax` keys in sum. All of them agree on the digits before `place`, and no two on that one. */
export class Branch<V> {
  readonly owner: Edit | undefined;
  readonly place: number;
  /** Bit `d` is set if there is a child with digit `d`. */
  digits: number;
  /** Ascending by digit. */
  children: Node<V>[];
  size: number;

  constructor(owner: Edit | undefined, place: number, digits: number, children: Node<V>[], size: number) {
    this.owner = owner;
    this.place = place;
    this.digits = digits;
    this.children = children;
    this.size = size;
  }
}

export type Node<V> = Leaf<V> | Branch<V>;

/** Digits of a unit: its four nibbles, the highest first. */
const placesPerUnit = 4;

export const isBranch = <V>(node: Node<V>): node is Branch<V> => 'place' in node;

/** Keys of a part. */
export const sizeOf = <V>(node: Node<V>): number => (isBranch(node) ? node.size : node.keys.length);

/** The digit of a text at a place, from 1 to 16; 0 behind its end, so that a text comes before its continuations. */
export const digitAt = (key: string, place: number): number => {
  const unit = place >>> 2;
  return unit < key.length ? 1 + ((key.charCodeAt(unit) >>> (12 - ((place & 3) << 2))) & 15) : 0;
};

/** The first place at which two different texts differ. */
export const criticalPlace = (a: string, b: string): number => {
  const shorter = Math.min(a.length, b.length);
  let unit = 0;
  while (unit < shorter && a.charCodeAt(unit) === b.charCodeAt(unit)) unit++;
  if (unit === shorter) return unit * placesPerUnit;
  return unit * placesPerUnit + ((Math.clz32(a.charCodeAt(unit) ^ b.charCodeAt(unit)) - 16) >>> 2);
};

/** How many of the children with `digits` come before the one with `digit`. */
export const rankIn = (digits: number, digit: number): number => {
  let n = digits & ((1 << digit) - 1);
  n -= (n >>> 1) & 0x15555;
  n = (n & 0x13333) + ((n >>> 2) & 0x13333);
  n = (n + (n >>> 4)) & 0x10f0f;
  return (n + (n >>> 8) + (n >>> 16)) & 31;
};

/** The child of a branch to which the digits of `key` lead; `undefined` if there is none. */
export const childFor = <V>({ place, digits, children }: Branch<V>, key: string): Node<V> | undefined => {
  const digit = digitAt(key, place);
  return (digits & (1 << digit)) === 0 ? undefined : children[rankIn(digits, digit)];
};

/** The leaf to which the digits of `key` lead; where they lead nowhere, that of the lowest keys which agree with it as far as any on its way. */
export const leafNear = <V>(root: Node<V>, key: string): Leaf<V> => {
  let at = root;
  while (isBranch(at)) {
    const child = childFor(at, key);
    if (child === undefined) return lowestLeaf(at);
    at = child;
  }
  return at;
};

/** The leaf of the lowest keys of a part. */
export const lowestLeaf = <V>(node: Node<V>): Leaf<V> => {
  let at = node;
  while (isBranch(at)) at = at.children[0] as Node<V>;
  return at;
};

/** The position of the first of ascending `keys` that is not below `key`. */
export const positionIn = (keys: readonly string[], key: string): number => {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
};
