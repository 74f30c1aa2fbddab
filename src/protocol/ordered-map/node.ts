/**
 * The tree behind `OrderedMap`: a crit-bit tree (Morrison, PATRICIA, JACM 1968; Bernstein, crit-bit trees) of which each part
 * with few keys is one sorted leaf. So its shape is a function of the keys alone, neighbours lie together, and no choice of
 * keys makes a path longer than the bits of a key. Nothing here recurses: a stranger may choose keys that make a deep tree.
 */

/** Keys of a leaf, at most; a part with more is a branch. */
export const leafKeysMax = 32;

/** The right to change the nodes of one draft in place. */
export class Edit {}

/** Some keys in ascending order of UTF-16 units, with their values. Never empty but in the empty map. */
export interface Leaf<V> {
  readonly owner: Edit | undefined;
  readonly keys: string[];
  readonly values: V[];
}

/** Two parts with more than `leafKeysMax` keys in sum. All of them agree on the bits before `bit`; those of `low` have it clear, those of `high` set. */
export interface Branch<V> {
  readonly owner: Edit | undefined;
  readonly bit: number;
  /** The unit of a key in which the bit lies, and its place there; 0 for the bit that says that there is such a unit. */
  readonly unit: number;
  readonly mask: number;
  low: Node<V>;
  high: Node<V>;
  size: number;
}

export type Node<V> = Leaf<V> | Branch<V>;

/** Bits that a unit stands for: one that it is there at all, so that a text comes before its continuations, and its sixteen. */
const bitsPerUnit = 17;

export const isBranch = <V>(node: Node<V>): node is Branch<V> => 'bit' in node;

/** Keys of a part. */
export const sizeOf = <V>(node: Node<V>): number => (isBranch(node) ? node.size : node.keys.length);

/** Whether `key` belongs to `high`. */
export const goesHigh = <V>({ unit, mask }: Branch<V>, key: string): boolean =>
  unit < key.length && (mask === 0 || (key.charCodeAt(unit) & mask) !== 0);

/** The first bit in which two different texts differ. */
export const criticalBit = (a: string, b: string): number => {
  const shorter = Math.min(a.length, b.length);
  let unit = 0;
  while (unit < shorter && a.charCodeAt(unit) === b.charCodeAt(unit)) unit++;
  if (unit === shorter) return unit * bitsPerUnit;
  return unit * bitsPerUnit + Math.clz32(a.charCodeAt(unit) ^ b.charCodeAt(unit)) - 15;
};

/** A branch at `bit`. */
export const branchAt = <V>(owner: Edit | undefined, bit: number, low: Node<V>, high: Node<V>): Branch<V> => {
  const unit = Math.floor(bit / bitsPerUnit);
  const within = bit - unit * bitsPerUnit;
  const mask = within === 0 ? 0 : 1 << (16 - within);
  return { owner, bit, unit, mask, low, high, size: sizeOf(low) + sizeOf(high) };
};

/** The leaf to which the bits of `key` lead. */
export const leafFor = <V>(root: Node<V>, key: string): Leaf<V> => {
  let at = root;
  while (isBranch(at)) at = goesHigh(at, key) ? at.high : at.low;
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
