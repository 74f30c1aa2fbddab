/**
 * Immutable ordered sets of texts with structural sharing, for the order of the keys of a `PersistentMap`: crit-bit trees
 * (Morrison, PATRICIA, JACM 1968; Bernstein, crit-bit trees). The shape is a function of the contents alone, so that
 * values that hold such a set can be compared and hashed; no choice of keys makes a path longer than the bits of a key,
 * which a tree balanced by hashes could not say of keys that a stranger chose. Order is that of UTF-16 units.
 */

/** A set: nothing, one text, or two parts. Plain values: to be read with the functions below. */
export type OrderedKeys = null | string | KeyBranch;

/** Every text below agrees on the bits before `bit`; those of `low` have it clear, those of `high` set. */
export interface KeyBranch {
  readonly bit: number;
  readonly low: Exclude<OrderedKeys, null>;
  readonly high: Exclude<OrderedKeys, null>;
}

type Part = Exclude<OrderedKeys, null>;

/** Bits that a unit stands for: one that it is there at all, so that a text comes before its continuations, and its sixteen. */
const bitsPerUnit = 17;

const isSet = (key: string, bit: number): boolean => {
  const unit = Math.floor(bit / bitsPerUnit);
  if (unit >= key.length) return false;
  const within = bit - unit * bitsPerUnit;
  return within === 0 || ((key.charCodeAt(unit) >>> (16 - within)) & 1) === 1;
};

/** The first bit in which two different texts differ. */
const criticalBit = (a: string, b: string): number => {
  const shorter = Math.min(a.length, b.length);
  let unit = 0;
  while (unit < shorter && a.charCodeAt(unit) === b.charCodeAt(unit)) unit++;
  if (unit === shorter) return unit * bitsPerUnit;
  return unit * bitsPerUnit + Math.clz32(a.charCodeAt(unit) ^ b.charCodeAt(unit)) - 15;
};

/** Some text of the set that agrees with `key` as long as any does. */
const nearest = (from: Part, key: string): string => {
  let at = from;
  while (typeof at !== 'string') at = isSet(key, at.bit) ? at.high : at.low;
  return at;
};

/** `part` in place of the child that `key` leads to, in copies of `path`, upwards. */
const rebuilt = (path: readonly KeyBranch[], key: string, part: Part): Part => {
  let result = part;
  for (let i = path.length - 1; i >= 0; i--) {
    const { bit, low, high } = path[i] as KeyBranch;
    result = isSet(key, bit) ? { bit, low, high: result } : { bit, low: result, high };
  }
  return result;
};

/** The set with `key`; the same set if it has it. */
export const withKey = (keys: OrderedKeys, key: string): OrderedKeys => {
  if (keys === null) return key;
  const near = nearest(keys, key);
  if (near === key) return keys;
  const bit = criticalBit(near, key);
  const path: KeyBranch[] = [];
  let at: Part = keys;
  while (typeof at !== 'string' && at.bit < bit) {
    path.push(at);
    at = isSet(key, at.bit) ? at.high : at.low;
  }
  return rebuilt(path, key, isSet(key, bit) ? { bit, low: at, high: key } : { bit, low: key, high: at });
};

/** The set without `key`; the same set if it does not have it. */
export const withoutKey = (keys: OrderedKeys, key: string): OrderedKeys => {
  if (keys === null) return keys;
  const path: KeyBranch[] = [];
  let at: Part = keys;
  while (typeof at !== 'string') {
    path.push(at);
    at = isSet(key, at.bit) ? at.high : at.low;
  }
  if (at !== key) return keys;
  const parent = path.pop();
  if (parent === undefined) return null;
  return rebuilt(path, key, isSet(key, parent.bit) ? parent.low : parent.high);
};

/** The texts at or above `from`, ascending. What it takes to begin is one path. */
export function* keysFrom(keys: OrderedKeys, from: string): IterableIterator<string> {
  if (keys === null) return;
  // Parts that are wholly above `from` and still to come, the lowest last.
  const later: Part[] = [];
  const near = nearest(keys, from);
  const bit = near === from ? Number.POSITIVE_INFINITY : criticalBit(near, from);
  let at: Part | undefined = keys;
  while (at !== undefined && typeof at !== 'string' && at.bit < bit) {
    if (isSet(from, at.bit)) at = at.high;
    else {
      later.push(at.high);
      at = at.low;
    }
  }
  // Below `at` all differ from `from` at `bit`, if anywhere.
  if (at !== undefined && (bit === Number.POSITIVE_INFINITY || !isSet(from, bit))) later.push(at);
  for (at = later.pop(); at !== undefined; at = later.pop()) {
    while (typeof at !== 'string') {
      later.push(at.high);
      at = at.low;
    }
    yield at;
  }
}
