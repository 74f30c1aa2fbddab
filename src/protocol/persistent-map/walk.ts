/** Walks over tries: iteration, equality, and the keys at which two tries differ. */
import { compareKeys, hashOf, type MapKey } from './hash.js';
import { bitOf, bucketLevel, indexInBucket, indexOf, lookup, type Node, restOf } from './node.js';

/** Every entry below `root`, as `pick` shows it: the entries of a node before those of its children, both by hash. */
export class Walk<K extends MapKey, V, T> implements IterableIterator<T> {
  private readonly nodes: Node<K, V>[] = [];
  /** For each node of the path, the child that comes next. */
  private readonly nextChild: number[] = [];
  private readonly pick: (key: K, value: V) => T;
  private node: Node<K, V>;
  private i = 0;

  constructor(root: Node<K, V>, pick: (key: K, value: V) => T) {
    this.node = root;
    this.pick = pick;
    this.nodes.push(root);
    this.nextChild.push(0);
  }

  next(): IteratorResult<T, undefined> {
    while (this.i === this.node.keys.length) {
      if (!this.descend()) return { done: true, value: undefined };
    }
    const i = this.i++;
    return { done: false, value: this.pick(this.node.keys[i]!, this.node.values[i]!) };
  }

  [Symbol.iterator](): this {
    return this;
  }

  /** Goes on behind `key`, on a walk that has not begun; whether the key is there. Costs what a look-up costs. */
  skipTo(key: K): boolean {
    let rest = hashOf(key);
    for (let level = 0; level < bucketLevel; level++, rest <<= 5) {
      const bit = bitOf(rest);
      if ((this.node.dataMap & bit) !== 0) return this.skipEntry(indexOf(this.node.dataMap, bit), key);
      if ((this.node.nodeMap & bit) === 0) return false;
      this.enter(indexOf(this.node.nodeMap, bit));
    }
    return this.skipEntry(indexInBucket(this.node.keys, key), key);
  }

  private skipEntry(i: number, key: K): boolean {
    this.i = i + 1;
    return this.node.keys[i] === key;
  }

  /** Goes down into child `at` of the node on top of the path. */
  private enter(at: number): void {
    const top = this.nodes.length - 1;
    this.nextChild[top] = at + 1;
    this.node = this.nodes[top]!.children[at]!;
    this.i = 0;
    this.nodes.push(this.node);
    this.nextChild.push(0);
  }

  private descend(): boolean {
    while (this.nodes.length > 0) {
      const top = this.nodes.length - 1;
      const at = this.nextChild[top]!;
      if (at < this.nodes[top]!.children.length) {
        this.enter(at);
        return true;
      }
      this.nodes.pop();
      this.nextChild.pop();
    }
    return false;
  }
}

/** Whether two tries hold the same keys with values that are `equal`. Canonical tries of equal contents have one shape. */
export const equalTries = <K extends MapKey, V>(
  a: Node<K, V>,
  b: Node<K, V>,
  equal: (a: V, b: V) => boolean,
): boolean => {
  if (a === b) return true;
  if (a.dataMap !== b.dataMap || a.nodeMap !== b.nodeMap || a.keys.length !== b.keys.length) return false;
  for (let i = 0; i < a.keys.length; i++) if (a.keys[i] !== b.keys[i]) return false;
  for (let i = 0; i < a.values.length; i++) {
    const x = a.values[i]!;
    const y = b.values[i]!;
    if (x !== y && !equal(x, y)) return false;
  }
  for (let i = 0; i < a.children.length; i++) if (!equalTries(a.children[i]!, b.children[i]!, equal)) return false;
  return true;
};

/** Adds to `out` the keys that have unequal (`!==`) values in `a` and `b`, or a value in one only. Skips what is shared. */
export const diffTries = <K extends MapKey, V>(a: Node<K, V>, b: Node<K, V>, level: number, out: K[]): void => {
  if (a === b) return;
  if (level === bucketLevel) diffBuckets(a, b, out);
  else if (a.dataMap === b.dataMap && a.nodeMap === b.nodeMap) {
    for (let i = 0; i < a.keys.length; i++) {
      if (a.keys[i] !== b.keys[i]) out.push(a.keys[i]!, b.keys[i]!);
      else if (a.values[i] !== b.values[i]) out.push(a.keys[i]!);
    }
    for (let i = 0; i < a.children.length; i++) diffTries(a.children[i]!, b.children[i]!, level + 1, out);
  } else diffBits(a, b, level, out);
};

const diffBits = <K extends MapKey, V>(a: Node<K, V>, b: Node<K, V>, level: number, out: K[]): void => {
  for (let rest = a.dataMap | a.nodeMap | b.dataMap | b.nodeMap; rest !== 0; rest &= rest - 1) {
    const bit = rest & -rest;
    const childA = (a.nodeMap & bit) === 0 ? undefined : a.children[indexOf(a.nodeMap, bit)]!;
    const childB = (b.nodeMap & bit) === 0 ? undefined : b.children[indexOf(b.nodeMap, bit)]!;
    if (childA !== undefined && childB !== undefined) diffTries(childA, childB, level + 1, out);
    else if (childA !== undefined) diffSlot(childA, b, bit, level, out);
    else if (childB !== undefined) diffSlot(childB, a, bit, level, out);
    else {
      const i = (a.dataMap & bit) === 0 ? -1 : indexOf(a.dataMap, bit);
      const j = (b.dataMap & bit) === 0 ? -1 : indexOf(b.dataMap, bit);
      const same = i >= 0 && j >= 0 && a.keys[i] === b.keys[j];
      if (same && a.values[i] === b.values[j]) continue;
      if (i >= 0) out.push(a.keys[i]!);
      if (j >= 0 && !same) out.push(b.keys[j]!);
    }
  }
};

/** A whole child on one side, at most one entry on the other. */
const diffSlot = <K extends MapKey, V>(
  child: Node<K, V>,
  other: Node<K, V>,
  bit: number,
  level: number,
  out: K[],
): void => {
  if ((other.dataMap & bit) === 0) {
    addKeys(child, out);
    return;
  }
  const i = indexOf(other.dataMap, bit);
  const key = other.keys[i]!;
  const from = out.length;
  addKeys(child, out);
  const value = lookup(child, level + 1, restOf(hashOf(key), level + 1), key);
  if (value === undefined) out.push(key);
  else if (value === other.values[i]) out.splice(out.indexOf(key, from), 1);
};

/** Adds every key below `node`. */
const addKeys = <K extends MapKey, V>(node: Node<K, V>, out: K[]): void => {
  for (const key of node.keys) out.push(key);
  for (const child of node.children) addKeys(child, out);
};

/** Both buckets are sorted, so one merge finds what is in one only. */
const diffBuckets = <K extends MapKey, V>(a: Node<K, V>, b: Node<K, V>, out: K[]): void => {
  let i = 0;
  let j = 0;
  while (i < a.keys.length || j < b.keys.length) {
    const order = i === a.keys.length ? 1 : j === b.keys.length ? -1 : compareKeys(a.keys[i]!, b.keys[j]!);
    if (order < 0) out.push(a.keys[i++]!);
    else if (order > 0) out.push(b.keys[j++]!);
    else {
      if (a.values[i] !== b.values[j]) out.push(a.keys[i]!);
      i++;
      j++;
    }
  }
};
