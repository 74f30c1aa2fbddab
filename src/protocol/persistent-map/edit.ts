/** Changes of one node of the trie: in place where the node belongs to the draft at work, on a copy everywhere else. */
import type { MapKey } from './hash.js';
import { type Edit, indexOf, type Node } from './node.js';

/** `node` if the draft `edit` made it, else a copy that the draft owns with all its arrays. */
const own = <K extends MapKey, V>(node: Node<K, V>, edit: Edit): Node<K, V> => {
  if (node.owner === edit) return node;
  const { dataMap, nodeMap, keys, values, children } = node;
  return { owner: edit, dataMap, nodeMap, keys: keys.slice(), values: values.slice(), children: children.slice() };
};

/** `node` with the value of entry `i` replaced. */
export const withValue = <K extends MapKey, V>(node: Node<K, V>, i: number, value: V, edit: Edit): Node<K, V> => {
  if (node.values[i] === value) return node;
  if (edit.inPlace) {
    const mine = own(node, edit);
    mine.values[i] = value;
    return mine;
  }
  const { dataMap, nodeMap, keys, children } = node;
  return { owner: undefined, dataMap, nodeMap, keys, values: replaced(node.values, i, value), children };
};

/** `node` with child `i` replaced. */
export const withChild = <K extends MapKey, V>(
  node: Node<K, V>,
  i: number,
  child: Node<K, V>,
  edit: Edit,
): Node<K, V> => {
  if (edit.inPlace) {
    const mine = own(node, edit);
    mine.children[i] = child;
    return mine;
  }
  const { dataMap, nodeMap, keys, values } = node;
  return { owner: undefined, dataMap, nodeMap, keys, values, children: replaced(node.children, i, child) };
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
  if (edit.inPlace) {
    const mine = own(node, edit);
    mine.dataMap |= bit;
    mine.keys.splice(i, 0, key);
    mine.values.splice(i, 0, value);
    return mine;
  }
  return {
    owner: undefined,
    dataMap: node.dataMap | bit,
    nodeMap: node.nodeMap,
    keys: inserted(node.keys, i, key),
    values: inserted(node.values, i, value),
    children: node.children,
  };
};

/** `node` without its entry `i`. */
export const withoutEntry = <K extends MapKey, V>(node: Node<K, V>, bit: number, i: number, edit: Edit): Node<K, V> => {
  edit.growth--;
  if (edit.inPlace) {
    const mine = own(node, edit);
    mine.dataMap &= ~bit;
    mine.keys.splice(i, 1);
    mine.values.splice(i, 1);
    return mine;
  }
  return {
    owner: undefined,
    dataMap: node.dataMap & ~bit,
    nodeMap: node.nodeMap,
    keys: removed(node.keys, i),
    values: removed(node.values, i),
    children: node.children,
  };
};

/** `node` with its entry `i` replaced by `child`, which holds that entry and one more. */
export const entryToChild = <K extends MapKey, V>(
  node: Node<K, V>,
  bit: number,
  i: number,
  child: Node<K, V>,
  edit: Edit,
): Node<K, V> => {
  const at = indexOf(node.nodeMap, bit);
  if (edit.inPlace) {
    const mine = own(node, edit);
    mine.dataMap &= ~bit;
    mine.nodeMap |= bit;
    mine.keys.splice(i, 1);
    mine.values.splice(i, 1);
    mine.children.splice(at, 0, child);
    return mine;
  }
  return {
    owner: undefined,
    dataMap: node.dataMap & ~bit,
    nodeMap: node.nodeMap | bit,
    keys: removed(node.keys, i),
    values: removed(node.values, i),
    children: inserted(node.children, at, child),
  };
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
  const key = child.keys[0]!;
  const value = child.values[0]!;
  if (edit.inPlace) {
    const mine = own(node, edit);
    mine.dataMap |= bit;
    mine.nodeMap &= ~bit;
    mine.keys.splice(at, 0, key);
    mine.values.splice(at, 0, value);
    mine.children.splice(i, 1);
    return mine;
  }
  return {
    owner: undefined,
    dataMap: node.dataMap | bit,
    nodeMap: node.nodeMap & ~bit,
    keys: inserted(node.keys, at, key),
    values: inserted(node.values, at, value),
    children: removed(node.children, i),
  };
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
