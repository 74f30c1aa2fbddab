/** Insertion and removal in the tree of an `OrderedMap`, keeping its one shape. Nodes of the edit are changed in place, others copied. */
import {
  type Branch,
  branchAt,
  criticalBit,
  type Edit,
  goesHigh,
  isBranch,
  type Leaf,
  leafFor,
  leafKeysMax,
  type Node,
  positionIn,
  sizeOf,
} from './node.js';

const ownLeaf = <V>(leaf: Leaf<V>, edit: Edit): Leaf<V> =>
  leaf.owner === edit ? leaf : { owner: edit, keys: leaf.keys.slice(), values: leaf.values.slice() };

/** `part` in place of what `key` leads to at the end of `path`, whose sizes grow by `growth`. */
const rebuilt = <V>(path: readonly Branch<V>[], key: string, part: Node<V>, growth: number, edit: Edit): Node<V> => {
  let child = part;
  for (let i = path.length - 1; i >= 0; i--) {
    const old = path[i] as Branch<V>;
    const branch = old.owner === edit ? old : { ...old, owner: edit };
    if (goesHigh(old, key)) branch.high = child;
    else branch.low = child;
    branch.size = old.size + growth;
    child = branch;
  }
  return child;
};

/** A leaf with one key more than fits, as a branch. */
const cut = <V>({ keys, values }: Leaf<V>, edit: Edit): Branch<V> => {
  const bit = criticalBit(keys[0] as string, keys.at(-1) as string);
  const empty: Leaf<V> = { owner: edit, keys: [], values: [] };
  const branch = branchAt<V>(edit, bit, empty, empty);
  let at = 0;
  while (!goesHigh(branch, keys[at] as string)) at++;
  const high = { owner: edit, keys: keys.slice(at), values: values.slice(at) };
  return branchAt(edit, bit, { owner: edit, keys: keys.slice(0, at), values: values.slice(0, at) }, high);
};

/** The tree with `value` at `key`; the same node if it was there already. */
export const insert = <V>(root: Node<V>, key: string, value: V, edit: Edit): Node<V> => {
  const near = leafFor(root, key);
  const first = near.keys[0];
  if (first === undefined) return { owner: edit, keys: [key], values: [value] };
  const bit = first === key ? Number.POSITIVE_INFINITY : criticalBit(first, key);
  const path: Branch<V>[] = [];
  let at: Node<V> = root;
  while (isBranch(at) && at.bit < bit) {
    path.push(at);
    at = goesHigh(at, key) ? at.high : at.low;
  }
  if (isBranch(at)) {
    // All below agree on more than they share with the key.
    const alone: Leaf<V> = { owner: edit, keys: [key], values: [value] };
    const part = first < key ? branchAt(edit, bit, at, alone) : branchAt(edit, bit, alone, at);
    return rebuilt(path, key, part, 1, edit);
  }
  const i = positionIn(at.keys, key);
  if (at.keys[i] === key) {
    if (at.values[i] === value) return root;
    const leaf = ownLeaf(at, edit);
    leaf.values[i] = value;
    return rebuilt(path, key, leaf, 0, edit);
  }
  const leaf = ownLeaf(at, edit);
  leaf.keys.splice(i, 0, key);
  leaf.values.splice(i, 0, value);
  return rebuilt(path, key, leaf.keys.length > leafKeysMax ? cut(leaf, edit) : leaf, 1, edit);
};

/** What is left of `parent` when `leaf`, one of its sides, has lost a key. */
const withoutOne = <V>(parent: Branch<V>, leaf: Leaf<V>, isHigh: boolean, edit: Edit): Node<V> | undefined => {
  const other = isHigh ? parent.low : parent.high;
  if (leaf.keys.length === 0) return other;
  if (isBranch(other) || leaf.keys.length + sizeOf(other) > leafKeysMax) return undefined;
  const [low, high] = isHigh ? [other, leaf] : [leaf, other];
  return { owner: edit, keys: low.keys.concat(high.keys), values: low.values.concat(high.values) };
};

/** The tree without `key`; the same node if it is not there. */
export const remove = <V>(root: Node<V>, key: string, edit: Edit): Node<V> => {
  const path: Branch<V>[] = [];
  let at: Node<V> = root;
  while (isBranch(at)) {
    path.push(at);
    at = goesHigh(at, key) ? at.high : at.low;
  }
  const i = positionIn(at.keys, key);
  if (at.keys[i] !== key) return root;
  const leaf = ownLeaf(at, edit);
  leaf.keys.splice(i, 1);
  leaf.values.splice(i, 1);
  const parent = path.at(-1);
  if (parent === undefined) return leaf;
  // A part that has become small is a leaf, and one with an empty side is its other side.
  const part = withoutOne(parent, leaf, goesHigh(parent, key), edit);
  if (part === undefined) return rebuilt(path, key, leaf, -1, edit);
  path.pop();
  return rebuilt(path, key, part, -1, edit);
};
