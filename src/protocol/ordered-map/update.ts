/** Insertion and removal in the tree of an `OrderedMap`, keeping its one shape. Nodes of the edit are changed in place, others copied. */
import {
  type Branch,
  branchAt,
  criticalBit,
  type Edit,
  goesHigh,
  isBranch,
  type Leaf,
  leafKeysMax,
  type Node,
  positionIn,
  sizeOf,
} from './node.js';

/** Without an edit nothing is changed in place. */
type Maybe = Edit | undefined;

const isOwn = <V>(node: Node<V>, edit: Maybe): boolean => edit !== undefined && node.owner === edit;

const ownLeaf = <V>(leaf: Leaf<V>, edit: Maybe): Leaf<V> =>
  isOwn(leaf, edit) ? leaf : { owner: edit, keys: leaf.keys.slice(), values: leaf.values.slice() };

/** `part` in place of `replaced`, which stands below the first `depth` branches of `path`; their sizes grow by `growth`. */
const rebuilt = <V>(
  path: readonly Branch<V>[],
  depth: number,
  replaced: Node<V>,
  part: Node<V>,
  growth: number,
  owner: Maybe,
): Node<V> => {
  let was = replaced;
  let child = part;
  for (let i = depth - 1; i >= 0; i--) {
    const old = path[i] as Branch<V>;
    const isHigh = old.high === was;
    if (isOwn(old, owner)) {
      if (isHigh) old.high = child;
      else old.low = child;
      old.size += growth;
      child = old;
    } else {
      const { bit, unit, mask } = old;
      const size = old.size + growth;
      child = { owner, bit, unit, mask, low: isHigh ? old.low : child, high: isHigh ? child : old.high, size };
    }
    was = old;
  }
  return child;
};

/** A leaf with one key more than fits, as a branch. */
const cut = <V>({ keys, values }: Leaf<V>, edit: Maybe): Branch<V> => {
  const bit = criticalBit(keys[0] as string, keys.at(-1) as string);
  const empty: Leaf<V> = { owner: edit, keys: [], values: [] };
  const branch = branchAt<V>(edit, bit, empty, empty);
  let at = 0;
  while (!goesHigh(branch, keys[at] as string)) at++;
  const high = { owner: edit, keys: keys.slice(at), values: values.slice(at) };
  return branchAt(edit, bit, { owner: edit, keys: keys.slice(0, at), values: values.slice(0, at) }, high);
};

/** The leaf with another value at position `i`. */
const withValue = <V>(leaf: Leaf<V>, i: number, value: V, edit: Maybe): Leaf<V> => {
  // What nobody changes in place may be shared.
  const changed =
    edit === undefined ? { owner: edit, keys: leaf.keys, values: leaf.values.slice() } : ownLeaf(leaf, edit);
  changed.values[i] = value;
  return changed;
};

/** The tree with `value` at `key`; the same node if it was there already. */
export const insert = <V>(root: Node<V>, key: string, value: V, edit: Maybe): Node<V> => {
  const path: Branch<V>[] = [];
  let at: Node<V> = root;
  while (isBranch(at)) {
    path.push(at);
    at = goesHigh(at, key) ? at.high : at.low;
  }
  const i = positionIn(at.keys, key);
  if (at.keys[i] === key) {
    if (at.values[i] === value) return root;
    return rebuilt(path, path.length, at, withValue(at, i, value, edit), 0, edit);
  }
  const first = at.keys[0];
  if (first === undefined) return { owner: edit, keys: [key], values: [value] };
  const bit = criticalBit(first, key);
  let depth = path.length;
  while (depth > 0 && (path[depth - 1] as Branch<V>).bit > bit) depth--;
  const above = path[depth];
  if (above !== undefined) {
    // All below agree on more than they share with the key.
    const alone: Leaf<V> = { owner: edit, keys: [key], values: [value] };
    const part = first < key ? branchAt(edit, bit, above, alone) : branchAt(edit, bit, alone, above);
    return rebuilt(path, depth, above, part, 1, edit);
  }
  const leaf = ownLeaf(at, edit);
  leaf.keys.splice(i, 0, key);
  leaf.values.splice(i, 0, value);
  return rebuilt(path, depth, at, leaf.keys.length > leafKeysMax ? cut(leaf, edit) : leaf, 1, edit);
};

/** What is left of `parent` when `leaf`, one of its sides, has lost a key. */
const withoutOne = <V>(parent: Branch<V>, leaf: Leaf<V>, isHigh: boolean, edit: Maybe): Node<V> | undefined => {
  const other = isHigh ? parent.low : parent.high;
  if (leaf.keys.length === 0) return other;
  if (isBranch(other) || leaf.keys.length + sizeOf(other) > leafKeysMax) return undefined;
  const [low, high] = isHigh ? [other, leaf] : [leaf, other];
  return { owner: edit, keys: low.keys.concat(high.keys), values: low.values.concat(high.values) };
};

/** The tree without `key`; the same node if it is not there. */
export const remove = <V>(root: Node<V>, key: string, edit: Maybe): Node<V> => {
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
  if (part === undefined) return rebuilt(path, path.length, at, leaf, -1, edit);
  return rebuilt(path, path.length - 1, parent, part, -1, edit);
};
