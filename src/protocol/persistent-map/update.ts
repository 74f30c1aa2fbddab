/** Insertion and removal in the trie, keeping its canonical form. */
import { childToEntry, entryToChild, withChild, withEntry, withoutEntry, withValue } from './edit.js';
import { compareKeys, hashOf, type MapKey } from './hash.js';
import { bitOf, bucketLevel, type Edit, indexInBucket, indexOf, type Node, restOf } from './node.js';

/**
 * The trie with `key` at `value`; the same node if it was there already. A new key raises
 * `edit.growth`. `hash` is what is left of the key's hash at `level`.
 */
export const insert = <K extends MapKey, V>(
  node: Node<K, V>,
  level: number,
  hash: number,
  key: K,
  value: V,
  edit: Edit,
): Node<K, V> => {
  if (level === bucketLevel) {
    const i = indexInBucket(node.keys, key);
    if (node.keys[i] === key) return withValue(node, i, value, edit);
    return withEntry(node, 0, i, key, value, edit);
  }
  const bit = bitOf(hash);
  if ((node.dataMap & bit) !== 0) {
    const i = indexOf(node.dataMap, bit);
    const other = node.keys[i]!;
    if (other === key) return withValue(node, i, value, edit);
    edit.growth++;
    const rest = restOf(hashOf(other), level + 1);
    const pair = pairOf(level + 1, rest, other, node.values[i]!, hash << 5, key, value, edit);
    return entryToChild(node, bit, i, pair, edit);
  }
  if ((node.nodeMap & bit) !== 0) {
    const i = indexOf(node.nodeMap, bit);
    const child = node.children[i]!;
    const next = insert(child, level + 1, hash << 5, key, value, edit);
    return next === child ? node : withChild(node, i, next, edit);
  }
  return withEntry(node, bit, indexOf(node.dataMap, bit), key, value, edit);
};

/** The trie without `key`, and `edit.growth` lowered; the same node if the key is not there. */
export const remove = <K extends MapKey, V>(
  node: Node<K, V>,
  level: number,
  hash: number,
  key: K,
  edit: Edit,
): Node<K, V> => {
  if (level === bucketLevel) {
    const i = indexInBucket(node.keys, key);
    return node.keys[i] === key ? withoutEntry(node, 0, i, edit) : node;
  }
  const bit = bitOf(hash);
  if ((node.dataMap & bit) !== 0) {
    const i = indexOf(node.dataMap, bit);
    return node.keys[i] === key ? withoutEntry(node, bit, i, edit) : node;
  }
  if ((node.nodeMap & bit) === 0) return node;
  const i = indexOf(node.nodeMap, bit);
  const child = node.children[i]!;
  const next = remove(child, level + 1, hash << 5, key, edit);
  // An entry that is alone in its node moves up: a trie that never held the other entry has it there.
  if (next.keys.length === 1 && next.children.length === 0) return childToEntry(node, bit, i, next, edit);
  return next === child ? node : withChild(node, i, next, edit);
};

/** The node, below `level` - 1, of two entries that met there. */
const pairOf = <K extends MapKey, V>(
  level: number,
  hash1: number,
  key1: K,
  value1: V,
  hash2: number,
  key2: K,
  value2: V,
  owner: Edit,
): Node<K, V> => {
  const bit1 = level === bucketLevel ? 0 : bitOf(hash1);
  const bit2 = level === bucketLevel ? 0 : bitOf(hash2);
  if (bit1 === bit2 && level < bucketLevel) {
    const child = pairOf(level + 1, hash1 << 5, key1, value1, hash2 << 5, key2, value2, owner);
    return { owner, dataMap: 0, nodeMap: bit1, keys: [], values: [], children: [child] };
  }
  const inOrder = level === bucketLevel ? compareKeys(key1, key2) < 0 : bit1 >>> 0 < bit2 >>> 0;
  const keys = inOrder ? [key1, key2] : [key2, key1];
  const values = inOrder ? [value1, value2] : [value2, value1];
  return { owner, dataMap: bit1 | bit2, nodeMap: 0, keys, values, children: [] };
};
