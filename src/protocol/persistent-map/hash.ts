/**
 * Hashes of the keys of a `PersistentMap`: 32 bits, which a trie reads from the top, five at a level. Numbers are hashed
 * so that neighbours share a node: the lowest five bits decide at level 2, and blocks of 32 numbers are spread by
 * Fibonacci hashing (Knuth, The Art of Computer Programming 3, section 6.4), which keeps dense runs even.
 */

/** A key of a `PersistentMap`: a string, or a natural number up to 2^53 - 1. */
export type MapKey = string | number;

const two32 = 0x1_0000_0000;

/** The hash of `key`, a 32-bit integer; throws on a number that is not a natural (and on -0, which would be a second 0). */
export const hashOf = (key: MapKey): number => {
  if (typeof key === 'string') return hashOfText(key);
  if (key >>> 0 === key && !Object.is(key, -0)) return hashOfLow(key);
  if (!Number.isSafeInteger(key) || key < two32) throw new RangeError(`${key} is not a natural number up to 2^53 - 1`);
  return hashOfLow(key ^ Math.imul(Math.floor(key / two32), 0x85ebca60));
};

/** A permutation of the 32-bit numbers: ten bits for the block of 32, five for the place in it, the block's other bits. */
const hashOfLow = (low: number): number => {
  // 2^27 times the golden ratio, odd: multiplying by it permutes the 27 bits of the block's number.
  const block = Math.imul(low >>> 5, 0x4f1bbcd);
  return ((block >>> 17) << 22) | ((low & 31) << 17) | (block & 0x1ffff);
};

/** FNV-1a over the UTF-16 units of `text`, then the finalizer of MurmurHash3, since FNV leaves the top bits of short texts poor. */
const hashOfText = (text: string): number => {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
};

/** The order of keys with one hash: numbers first, then strings by UTF-16 units. Negative, zero or positive. */
export const compareKeys = (a: MapKey, b: MapKey): number => {
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
};
