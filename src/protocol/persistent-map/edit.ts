/**
 * Changes of one node of the trie: in place where the node belongs to the draft at work, on a copy everywhere else.
 * A node that a draft owns has `values` and `children` of its own, since these are written in place; `keys` are only
 * ever replaced, and empty arrays never written, so both may be shared.
 */
import type { MapKey } from './hash.js';
import { type Edit, indexOf, type Node } from './node.js';

/** `node` with the value of entry `i` replaced. */
export const withValue = <K extends MapKey, V>(node: Node<K, V>, i: number, value: V, edit: Edit): Node<K, V> => {
  if (node.values[i] === value) return node;
  if (isOwn(node, edit)) {
    node.values[i] = value;
    return node;
  }
  const { dataMap, nodeMap, keys } = node;
  return {
    owner: edit,
    dataMap,
    nodeMap,
    keys,
    values: replaced(node.values, i, value),
    children: childrenFor(node, edit),
  };
};

/** `node` with child `i` replaced. */
export const withChild = <K extends MapKey, V>(
  node: Node<K, V>,
  i: number,
  child: Node<K, V>,
  edit: Edit,
): Node<K, V> => {
  if (isOwn(node, edit)) {
    node.children[i] = child;
    return node;
  }
  const { dataMap, nodeMap, keys } = node;
  const values = edit.inPlace && keys.length > 0 ? node.values.slice() : node.values;
  return { owner: edit, dataMap, nodeMap, keys, values, children: replaced(node.children, i, child) };
};

/** `node` with a new entry at index `i`. */
export const withEntry = <K extends MapKey, V>(
  node: Node<K, V>,
  bit: number,
  i: number,
  key: K,
  value: V,
  edit: Edit,
): Node<K, V> => {
  edit.growth++;
  const keys = inserted(node.keys, i, key);
  const values = inserted(node.values, i, value);
  return rewritten(node, edit, node.dataMap | bit, node.nodeMap, keys, values, childrenFor(node, edit));
};

/** `node` without its entry `i`. */
export const withoutEntry = <K extends MapKey, V>(node: Node<K, V>, bit: number, i: number, edit: Edit): Node<K, V> => {
  edit.growth--;
  const keys = removed(node.keys, i);
  const values = removed(node.values, i);
  return rewritten(node, edit, node.dataMap & ~bit, node.nodeMap, keys, values, childrenFor(node, edit));
};

/** `node` with its entry `i` replaced by `child`, which holds that entry and one more. */
export const entryToChild = <K extends MapKey, V>(
  node: Node<K, V>,
  bit: number,
  i: number,
  child: Node<K, V>,
  edit: Edit,
): Node<K, V> => {
  const keys = removed(node.keys, i);
  const values = removed(node.values, i);
  const children = inserted(node.children, indexOf(node.nodeMap, bit), child);
  return rewritten(node, edit, node.dataMap & ~bit, node.nodeMap | bit, keys, values, children);
};

/** `node` with its child `i` replaced by the one entry that is left in `child`. */
export const childToEntry = <K extends MapKey, V>(
  node: Node<K, V>,
  bit: number,
  i: number,
  child: Node<K, V>,
  edit: Edit,
): Node<K, V> => {
  const at = indexOf(node.dataMap, bit);
  const keys = inserted(node.keys, at, child.keys[0]!);
  const values = inserted(node.values, at, child.values[0]!);
  return rewritten(node, edit, node.dataMap | bit, node.nodeMap & ~bit, keys, values, removed(node.children, i));
};

const isOwn = <K extends MapKey, V>(node: Node<K, V>, edit: Edit): boolean => edit.inPlace && node.owner === edit;

/** The children of `node` for its successor: a copy where a draft could write them in place later. */
const childrenFor = <K extends MapKey, V>(node: Node<K, V>, edit: Edit): Node<K, V>[] =>
  edit.inPlace && node.owner !== edit && node.children.length > 0 ? node.children.slice() : node.children;

const rewritten = <K extends MapKey, V>(
  node: Node<K, V>,
  edit: Edit,
  dataMap: number,
  nodeMap: number,
  keys: K[],
  values: V[],
  children: Node<K, V>[],
): Node<K, V> => {
  if (!isOwn(node, edit)) return { owner: edit, dataMap, nodeMap, keys, values, children };
  node.dataMap = dataMap;
  node.nodeMap = nodeMap;
  node.keys = keys;
  node.values = values;
  node.children = children;
  return node;
};

// One loop over a new array: `slice` and then `splice` would copy twice.
const inserted = <A>(from: readonly A[], i: number, item: A): A[] => {
  const to = new Array<A>(from.length + 1);
  for (let j = 0; j < i; j++) to[j] = from[j]!;
  to[i] = item;
  for (let j = i; j < from.length; j++) to[j + 1] = from[j]!;
  return to;
};

const removed = <A>(from: readonly A[], i: number): A[] => {
  const to = new Array<A>(from.length - 1);
  for (let j = 0; j < i; j++) to[j] = from[j]!;
  for (let j = i + 1; j < from.length; j++) to[j - 1] = from[j]!;
  return to;
};

const replaced = <A>(from: readonly A[], i: number, item: A): A[] => {
  const to = from.slice();
  to[i] = item;
  return to;
};
