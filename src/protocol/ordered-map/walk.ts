/** Walks over the tree of an `OrderedMap`: in order, and over what two of them do not share. */
import { criticalBit, goesHigh, isBranch, type Leaf, leafFor, type Node, positionIn } from './node.js';

/** The leaves of the keys at or above `from`, ascending, each with the position of the first of them in it. */
export function* leavesFrom<V>(root: Node<V>, from: string): Generator<{ leaf: Leaf<V>; at: number }, undefined> {
  const first = leafFor(root, from).keys[0];
  if (first === undefined) return undefined;
  const bit = first === from ? Number.POSITIVE_INFINITY : criticalBit(first, from);
  // Parts that are wholly above `from` and still to come, the lowest last.
  const later: Node<V>[] = [];
  let at: Node<V> = root;
  while (isBranch(at) && at.bit < bit) {
    if (goesHigh(at, from)) at = at.high;
    else {
      later.push(at.high);
      at = at.low;
    }
  }
  if (!isBranch(at)) {
    const i = positionIn(at.keys, from);
    if (i < at.keys.length) yield { leaf: at, at: i };
  } else if (first > from) later.push(at);
  for (let next = later.pop(); next !== undefined; next = later.pop()) {
    while (isBranch(next)) {
      later.push(next.high);
      next = next.low;
    }
    if (next.keys.length > 0) yield { leaf: next, at: 0 };
  }
  return undefined;
}

const lowest = <V>(node: Node<V>): string => {
  let at = node;
  while (isBranch(at)) at = at.low;
  return at.keys[0] as string;
};

const diffLeaves = <V>(a: Leaf<V>, b: Leaf<V>, into: string[]): void => {
  let i = 0;
  let j = 0;
  while (i < a.keys.length || j < b.keys.length) {
    const x = a.keys[i];
    const y = b.keys[j];
    if (x !== undefined && x === y) {
      if (a.values[i] !== b.values[j]) into.push(x);
      i++;
      j++;
    } else if (y === undefined || (x !== undefined && x < y)) {
      into.push(x as string);
      i++;
    } else {
      into.push(y);
      j++;
    }
  }
};

const flat = <V>(node: Node<V>): Leaf<V> => {
  if (!isBranch(node)) return node;
  const all: Leaf<V> = { owner: undefined, keys: [], values: [] };
  for (const { leaf } of leavesFrom(node, '')) {
    for (const key of leaf.keys) all.keys.push(key);
    for (const value of leaf.values) all.values.push(value);
  }
  return all;
};

const none: Leaf<never> = { owner: undefined, keys: [], values: [] };

/** Adds the keys at which two trees differ to `into`. Parts that they share cost nothing. */
export const diffTrees = <V>(a: Node<V>, b: Node<V>, into: string[]): void => {
  // Pairs of parts that are still to be compared, flat.
  const later: Node<V>[] = [a, b];
  for (let y = later.pop(), x = later.pop(); x !== undefined && y !== undefined; y = later.pop(), x = later.pop()) {
    while (isBranch(x) && isBranch(y) && x.bit === y.bit && x !== y) {
      if (x.low === y.low) [x, y] = [x.high, y.high];
      else {
        if (x.high !== y.high) later.push(x.high, y.high);
        [x, y] = [x.low, y.low];
      }
    }
    if (x === y) continue;
    if (!isBranch(x) || !isBranch(y)) {
      // Of a branch nearly all is gone, so that to look at all of it costs no more than what changed.
      diffLeaves(flat(x), flat(y), into);
      continue;
    }
    // All of the one lies on one side of the other.
    const [wide, narrow] = x.bit < y.bit ? [x, y] : [y, x];
    const isHigh = goesHigh(wide, lowest(narrow));
    later.push(isHigh ? wide.high : wide.low, narrow, isHigh ? wide.low : wide.high, none);
  }
};

/** Whether two trees have the same keys, with values that are identical or `equal`: then they have one shape. */
export const equalTrees = <V>(a: Node<V>, b: Node<V>, equal: (a: V, b: V) => boolean): boolean => {
  const pairs: [Node<V>, Node<V>][] = [[a, b]];
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [x, y] = pair;
    if (x === y) continue;
    if (isBranch(x) && isBranch(y)) {
      if (x.bit !== y.bit || x.size !== y.size) return false;
      pairs.push([x.high, y.high], [x.low, y.low]);
    } else if (isBranch(x) || isBranch(y) || !equalLeaves(x, y, equal)) return false;
  }
  return true;
};

const equalLeaves = <V>(a: Leaf<V>, b: Leaf<V>, equal: (a: V, b: V) => boolean): boolean => {
  if (a.keys.length !== b.keys.length) return false;
  for (let i = 0; i < a.keys.length; i++) {
    if (a.keys[i] !== b.keys[i]) return false;
    const [x, y] = [a.values[i] as V, b.values[i] as V];
    if (x !== y && !equal(x, y)) return false;
  }
  return true;
};
