/**
 * Hashes of the keys of a `PersistentMap`: 32 bits, read from the top. The last multiplication is Fibonacci hashing
 * (Knuth, The Art of Computer Programming 3, section 6.4): it spreads a dense run of numbers evenly over the top bits,
 * which a trie reads first.
 */

/** A key of a `PersistentMap`: a string, or a natural number up to 2^53 - 1. */
export type MapKey = string | number;

const golden = 0x9e3779b1;
const two32 = 0x1_0000_0000;

/** The hash of `key`, a 32-bit integer; throws on a number that is not a natural (and on -0, which would be a second 0). */
export const hashOf = (key: MapKey): number => {
  if (typeof key === 'string') return hashOfText(key);
  if (key >>> 0 === key && !Object.is(key, -0)) return Math.imul(key, golden);
  if (!Number.isSafeInteger(key) || key < two32) throw new RangeError(`${key} is not a natural number up to 2^53 - 1`);
  return Math.imul(key ^ Math.imul(Math.floor(key / two32), 0x85ebca6b), golden);
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
