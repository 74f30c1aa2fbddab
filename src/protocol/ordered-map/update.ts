/** Insertion and removal in the tree of an `OrderedMap`, keeping its one shape. Nodes of the edit are changed in place, others copied. */
import {
  Branch,
  childFor,
  criticalPlace,
  digitAt,
  type Edit,
  isBranch,
  Leaf,
  leafKeysMax,
  lowestLeaf,
  type Node,
  positionIn,
  rankIn,
} from './node.js';

/** Without an edit nothing is changed in place. */
type Maybe = Edit | undefined;

const isOwn = <V>(node: Node<V>, edit: Maybe): boolean => edit !== undefined && node.owner === edit;

/** Where the digits of a key lead: the branches from the root on, and the leaf, `undefined` if the last branch has no child for it. */
const descend = <V>(root: Node<V>, key: string, path: Branch<V>[]): Leaf<V> | undefined => {
  let at: Node<V> | undefined = root;
  while (at !== undefined && isBranch(at)) {
    path.push(at);
    at = childFor(at, key);
  }
  return at;
};

/** The tree with `part` where the first `depth` branches of `path` lead `key`; their sizes grow by `growth`. */
const rebuilt = <V>(
  path: readonly Branch<V>[],
  depth: number,
  key: string,
  part: Node<V>,
  growth: number,
  owner: Maybe,
): Node<V> => {
  let child = part;
  for (let i = depth - 1; i >= 0; i--) {
    const old = path[i] as Branch<V>;
    const { place, digits } = old;
    if (isOwn(old, owner)) {
      if (child !== path[i + 1]) old.children[rankIn(digits, digitAt(key, place))] = child;
      old.size += growth;
      child = old;
    } else {
      const children = old.children.slice();
      children[rankIn(digits, digitAt(key, place))] = child;
      child = new Branch(owner, place, digits, children, old.size + growth);
    }
  }
  return child;
};

/** A leaf with one key more than fits, as a branch. */
const cut = <V>({ keys, values }: Leaf<V>, owner: Maybe): Branch<V> => {
  const place = criticalPlace(keys[0] as string, keys.at(-1) as string);
  const branch = new Branch<V>(owner, place, 0, [], keys.length);
  for (let from = 0; from < keys.length; ) {
    const digit = digitAt(keys[from] as string, place);
    let to = from + 1;
    while (to < keys.length && digitAt(keys[to] as string, place) === digit) to++;
    branch.digits |= 1 << digit;
    branch.children.push(new Leaf(owner, keys.slice(from, to), values.slice(from, to)));
    from = to;
  }
  return branch;
};

/** The leaf with another value at position `i`. */
const withValue = <V>(leaf: Leaf<V>, i: number, value: V, edit: Maybe): Leaf<V> => {
  // What nobody changes in place may be shared.
  const changed = isOwn(leaf, edit)
    ? leaf
    : new Leaf(edit, edit === undefined ? leaf.keys : leaf.keys.slice(), leaf.values.slice());
  changed.values[i] = value;
  return changed;
};

/** The leaf with a key more, at position `i`. */
const withOneMore = <V>(leaf: Leaf<V>, i: number, key: string, value: V, edit: Maybe): Leaf<V> => {
  // `splice` leaves room for more behind what it has put in: of use to an edit, and otherwise twice the memory of many small arrays.
  if (!isOwn(leaf, edit)) return new Leaf(edit, leaf.keys.toSpliced(i, 0, key), leaf.values.toSpliced(i, 0, value));
  leaf.keys.splice(i, 0, key);
  leaf.values.splice(i, 0, value);
  return leaf;
};

/** The leaf without the key at position `i`. */
const withOneLess = <V>(leaf: Leaf<V>, i: number, edit: Maybe): Leaf<V> => {
  if (!isOwn(leaf, edit)) return new Leaf(edit, leaf.keys.toSpliced(i, 1), leaf.values.toSpliced(i, 1));
  leaf.keys.splice(i, 1);
  leaf.values.splice(i, 1);
  return leaf;
};

/** A branch of two parts, the keys of which differ at `place` for the first time. */
const branchOf = <V>(place: number, part: Branch<V>, leaf: Leaf<V>, owner: Maybe): Branch<V> => {
  const [key, other] = [leaf.keys[0] as string, lowestLeaf(part).keys[0] as string];
  const digits = (1 << digitAt(key, place)) | (1 << digitAt(other, place));
  const children = key < other ? [leaf, part] : [part, leaf];
  return new Branch<V>(owner, place, digits, children, part.size + leaf.keys.length);
};

/** The branch with these children in place of what it has. */
const branchWith = <V>(
  branch: Branch<V>,
  digits: number,
  children: Node<V>[],
  size: number,
  edit: Maybe,
): Branch<V> => {
  if (!isOwn(branch, edit)) return new Branch(edit, branch.place, digits, children, size);
  branch.digits = digits;
  branch.children = children;
  branch.size = size;
  return branch;
};

/** The branch with a child more, of one key. */
const withChild = <V>(branch: Branch<V>, key: string, leaf: Leaf<V>, edit: Maybe): Branch<V> => {
  const { place, digits, children, size } = branch;
  const digit = digitAt(key, place);
  const more = children.toSpliced(rankIn(digits, digit), 0, leaf);
  return branchWith(branch, digits | (1 << digit), more, size + 1, edit);
};

/** What is left of a branch without its child at `rank`, which had one key. */
const withoutChild = <V>(branch: Branch<V>, key: string, rank: number, edit: Maybe): Node<V> => {
  const { place, digits, children, size } = branch;
  if (children.length === 2) return children[1 - rank] as Node<V>;
  return branchWith(branch, digits & ~(1 << digitAt(key, place)), children.toSpliced(rank, 1), size - 1, edit);
};

/** All keys of some leaves, as one leaf. */
const joined = <V>(leaves: readonly Leaf<V>[], owner: Maybe): Leaf<V> =>
  new Leaf(
    owner,
    ([] as string[]).concat(...leaves.map(({ keys }) => keys)),
    ([] as V[]).concat(...leaves.map(({ values }) => values)),
  );

/** The tree with a key that it does not have; `path` and `leaf` as `descend` found them, and the key's position in that leaf. */
const withKey = <V>(
  path: readonly Branch<V>[],
  leaf: Leaf<V> | undefined,
  i: number,
  key: string,
  value: V,
  edit: Maybe,
): Node<V> => {
  const near = leaf ?? lowestLeaf(path[path.length - 1] as Branch<V>);
  const first = near.keys[0];
  if (first === undefined) return new Leaf(edit, [key], [value]);
  const place = criticalPlace(first, key);
  let depth = path.length;
  while (depth > 0 && (path[depth - 1] as Branch<V>).place > place) depth--;
  const parent = path[depth - 1];
  // The key agrees with all below as far as any, and goes another way than each.
  if (parent?.place === place) {
    const more = withChild(parent, key, new Leaf(edit, [key], [value]), edit);
    return rebuilt(path, depth - 1, key, more, 1, edit);
  }
  const above = path[depth];
  // All below agree on more than they share with the key.
  if (above !== undefined) {
    const both = branchOf(place, above, new Leaf(edit, [key], [value]), edit);
    return rebuilt(path, depth, key, both, 1, edit);
  }
  const grown = withOneMore(near, i, key, value, edit);
  return rebuilt(path, depth, key, grown.keys.length > leafKeysMax ? cut(grown, edit) : grown, 1, edit);
};

/** The tree without the key at position `i` of the leaf to which `path` leads. */
const withoutKey = <V>(path: readonly Branch<V>[], leaf: Leaf<V>, i: number, key: string, edit: Maybe): Node<V> => {
  const left = withOneLess(leaf, i, edit);
  const depth = path.length - 1;
  const parent = path[depth];
  if (parent === undefined) return left;
  const rank = rankIn(parent.digits, digitAt(key, parent.place));
  // A part that has become small is one leaf. Its children are leaves: each has fewer keys.
  if (parent.size - 1 <= leafKeysMax) {
    const leaves = parent.children.with(rank, left) as Leaf<V>[];
    return rebuilt(path, depth, key, joined(leaves, edit), -1, edit);
  }
  if (left.keys.length === 0) return rebuilt(path, depth, key, withoutChild(parent, key, rank, edit), -1, edit);
  return rebuilt(path, path.length, key, left, -1, edit);
};

/** The tree with what `change` makes of the value at `key`, `undefined` where there is none; the same node if it makes nothing else of it. */
export const update = <V>(
  root: Node<V>,
  key: string,
  change: (value: V | undefined) => V | undefined,
  edit: Maybe,
): Node<V> => {
  const path: Branch<V>[] = [];
  const leaf = descend(root, key, path);
  const i = leaf === undefined ? 0 : positionIn(leaf.keys, key);
  const isThere = leaf?.keys[i] === key;
  const was = isThere ? leaf.values[i] : undefined;
  const is = change(was);
  // Not by `===`, which looks into both of two different objects: what is replaced lies cold in memory.
  if (Object.is(is, was)) return root;
  if (!isThere) return withKey(path, leaf, i, key, is as V, edit);
  if (is === undefined) return withoutKey(path, leaf, i, key, edit);
  return rebuilt(path, path.length, key, withValue(leaf, i, is, edit), 0, edit);
};

/** The tree with `value` at `key`; the same node if it was there already. */
export const insert = <V>(root: Node<V>, key: string, value: V, edit: Maybe): Node<V> =>
  update(root, key, () => value, edit);

/** The tree without `key`; the same node if it is not there. */
export const remove = <V>(root: Node<V>, key: string, edit: Maybe): Node<V> => update(root, key, () => undefined, edit);
