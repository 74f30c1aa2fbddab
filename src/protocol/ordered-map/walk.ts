/** Walks over the tree of an `OrderedMap`: in order, and over what two of them do not share. */
import {
  type Branch,
  childFor,
  criticalPlace,
  digitAt,
  isBranch,
  Leaf,
  leafNear,
  lowestLeaf,
  type Node,
  positionIn,
  rankIn,
} from './node.js';

/** Puts the children of a branch from the one at `rank` on on a stack, the lowest last. */
const pushFrom = <V>(stack: Node<V>[], { children }: Branch<V>, rank: number): void => {
  for (let i = children.length - 1; i >= rank; i--) stack.push(children[i] as Node<V>);
};

/** The leaves of the keys at or above `from`, ascending, each with the position of the first of them in it. */
export function* leavesFrom<V>(root: Node<V>, from: string): Generator<{ leaf: Leaf<V>; at: number }, undefined> {
  const first = leafNear(root, from).keys[0];
  if (first === undefined) return undefined;
  const place = first === from ? Number.POSITIVE_INFINITY : criticalPlace(first, from);
  // Parts that are wholly above `from` and still to come, the lowest last.
  const later: Node<V>[] = [];
  let at: Node<V> = root;
  while (isBranch(at) && at.place < place) {
    // All of the branch agrees with `from` up to here, and so does one of its children.
    const rank = rankIn(at.digits, digitAt(from, at.place));
    pushFrom(later, at, rank + 1);
    at = at.children[rank] as Node<V>;
  }
  if (!isBranch(at)) {
    const i = positionIn(at.keys, from);
    if (i < at.keys.length) yield { leaf: at, at: i };
  } else if (at.place === place) pushFrom(later, at, rankIn(at.digits, digitAt(from, place)));
  else if (first > from) later.push(at);
  for (let next = later.pop(); next !== undefined; next = later.pop()) {
    while (isBranch(next)) {
      pushFrom(later, next, 1);
      next = next.children[0] as Node<V>;
    }
    if (next.keys.length > 0) yield { leaf: next, at: 0 };
  }
  return undefined;
}

const diffLeaves = <V>(a: Leaf<V>, b: Leaf<V>, into: string[]): void => {
  const sameKeys = a.keys === b.keys;
  let i = 0;
  let j = 0;
  while (i < a.keys.length || j < b.keys.length) {
    const x = a.keys[i];
    const y = b.keys[j];
    if (sameKeys || (x !== undefined && x === y)) {
      if (!Object.is(a.values[i], b.values[j]) && a.values[i] !== b.values[j]) into.push(x as string);
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
  const keys: string[] = [];
  const values: V[] = [];
  for (const { leaf } of leavesFrom(node, '')) {
    for (const key of leaf.keys) keys.push(key);
    for (const value of leaf.values) values.push(value);
  }
  return new Leaf(undefined, keys, values);
};

const none = new Leaf<never>(undefined, [], []);

// `Object.is` comes first wherever most of what is compared is the same: `===` looks into objects before it says so, and most of
// these, beside what changed, lie cold in memory.

/** Puts the pairs of children of two branches of one place that are not the same on a stack, flat. */
const pushDiffering = <V>(stack: Node<V>[], x: Branch<V>, y: Branch<V>): void => {
  if (x.digits === y.digits) {
    for (let i = 0; i < x.children.length; i++) {
      const [a, b] = [x.children[i] as Node<V>, y.children[i] as Node<V>];
      if (!Object.is(a, b)) stack.push(a, b);
    }
    return;
  }
  let i = 0;
  let j = 0;
  for (let left = x.digits | y.digits; left !== 0; left &= left - 1) {
    const digit = left & -left;
    const a = (x.digits & digit) === 0 ? none : (x.children[i++] as Node<V>);
    const b = (y.digits & digit) === 0 ? none : (y.children[j++] as Node<V>);
    if (a !== b) stack.push(a, b);
  }
};

/** Adds the keys at which two trees differ to `into`. Parts that they share cost nothing. */
export const diffTrees = <V>(a: Node<V>, b: Node<V>, into: string[]): void => {
  // Pairs of parts that are still to be compared, flat.
  const later: Node<V>[] = [a, b];
  for (let y = later.pop(), x = later.pop(); x !== undefined && y !== undefined; y = later.pop(), x = later.pop()) {
    if (x === y) continue;
    if (!isBranch(x) || !isBranch(y)) {
      // Of a branch nearly all is gone, so that to look at all of it costs no more than what changed.
      diffLeaves(flat(x), flat(y), into);
    } else if (x.place === y.place) pushDiffering(later, x, y);
    else {
      // All of the one lies beside or in one child of the other.
      const [wide, narrow] = x.place < y.place ? [x, y] : [y, x];
      const met = childFor(wide, lowestLeaf(narrow).keys[0] as string);
      for (const child of wide.children) if (child !== met) later.push(child, none);
      later.push(met ?? none, narrow);
    }
  }
};

/** Whether two trees have the same keys, with values that are identical or `equal`: then they have one shape. */
export const equalTrees = <V>(a: Node<V>, b: Node<V>, equal: (a: V, b: V) => boolean): boolean => {
  const pairs: Node<V>[] = [b, a];
  for (let x = pairs.pop(), y = pairs.pop(); x !== undefined && y !== undefined; x = pairs.pop(), y = pairs.pop()) {
    if (x === y) continue;
    if (isBranch(x) && isBranch(y)) {
      if (x.place !== y.place || x.digits !== y.digits || x.size !== y.size) return false;
      for (let i = x.children.length - 1; i >= 0; i--) pairs.push(y.children[i] as Node<V>, x.children[i] as Node<V>);
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
