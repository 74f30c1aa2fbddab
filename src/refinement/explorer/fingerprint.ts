/**
 * Fingerprints of states: 64 bits in two words (after TLC's, but over values instead of text). Objects are hashed by their
 * own keys in any order, so that equal values have equal fingerprints however they were made.
 */
import { MapValue } from '../../protocol/map-value.js';
import { isPlainObject, type PlainObject, unsupported } from '../values/kind.js';

const mixA = (h: number): number => {
  let x = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
};

const mixB = (h: number): number => {
  let x = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
  return x ^ (x >>> 15);
};

/** The finalizer of a table's index, from both words of a key. */
export const spread = (hi: number, lo: number): number => mixA(lo ^ Math.imul(hi, 0x9e3779b1));

interface Words {
  readonly hi: number;
  readonly lo: number;
}

/** A value of a kind begins with the kind's number, so that `1`, `'1'` and `[1]` differ. */
const kinds = { nothing: 1, no: 2, yes: 3, number: 4, text: 5, bigint: 6, bytes: 7, list: 8, map: 9, object: 10 };

const float = new Float64Array(1);
const floatWords = new Int32Array(float.buffer);

/** Deeper values are not remembered: the parts that states share lie near the top. */
const memoDepthMax = 3;

/** Nor are values of fewer words: to look them up costs as much as to hash them. */
const memoWordsMin = 100;

/** Names of fields and tags recur; texts up to this length are hashed once, up to this many. */
const knownTextLength = 40;
const knownTextsMax = 10_000;

/**
 * Computes fingerprints; `hi` and `lo` are those of the last value. Remembers the fingerprints of parts that states share
 * (the state of a host, a packet), since values are immutable; `fresh` forgets nothing and trusts nothing.
 */
export class Fingerprint {
  hi = 0;
  lo = 0;
  readonly #memo = new WeakMap<object, Words>();
  readonly #texts = new Map<string, Words>();
  #remembers = false;
  #trusting = true;
  /** Words mixed in so far. */
  #count = 0;

  /** The fingerprint of `value`; throws `UnsupportedValue`. */
  of(value: unknown): void {
    this.hi = 0x243f6a88;
    this.lo = 0x13198a2e;
    this.#value(value, 0);
    this.#finish();
  }

  /** The fingerprint of a list of words, by which a state is told apart (`key` of a model). */
  ofWords(words: Int32Array): void {
    this.hi = 0x243f6a88;
    this.lo = 0x03707344;
    this.#word(words.length);
    for (let i = 0; i < words.length; i++) this.#word(words[i] as number);
    this.#finish();
  }

  /** As `of`, from scratch: it differs from what was remembered if a state was changed in place. */
  fresh(value: unknown): void {
    this.#trusting = false;
    try {
      this.of(value);
    } finally {
      this.#trusting = true;
    }
  }

  #finish(): void {
    const { hi, lo } = this;
    this.hi = mixA(hi ^ Math.imul(lo, 0x9e3779b1));
    this.lo = mixB(lo ^ Math.imul(hi, 0x85ebca77));
  }

  #word(w: number): void {
    this.#count++;
    // One lane is the body of MurmurHash3, the other a multiplication and a finalizer: they have no structure in common.
    const k = Math.imul(w, 0xcc9e2d51);
    const h = this.hi ^ Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    this.hi = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
    this.lo = mixB(Math.imul(this.lo, 31) + w);
  }

  #value(value: unknown, depth: number): void {
    if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'string') this.#text(kinds.text, value);
    else if (typeof value === 'boolean') this.#word(value ? kinds.yes : kinds.no);
    else if (value === undefined || value === null) this.#word(value === null ? kinds.nothing : -kinds.nothing);
    else if (typeof value === 'bigint') this.#text(kinds.bigint, value.toString(36));
    else if (typeof value !== 'object') throw unsupported(value);
    else this.#shared(value, depth);
  }

  #number(n: number): void {
    if ((n | 0) === n && !Object.is(n, -0)) {
      this.#word(kinds.number);
      this.#word(n);
      return;
    }
    float[0] = n;
    this.#word(-kinds.number);
    this.#word(floatWords[0] as number);
    this.#word(floatWords[1] as number);
  }

  #text(kind: number, text: string): void {
    const { hi, lo } = this.#texts.get(text) ?? this.#newText(text);
    this.#word(kind);
    this.#word(hi);
    this.#word(lo);
  }

  #newText(text: string): Words {
    const { hi, lo } = this;
    this.hi = 0x082efa98;
    this.lo = 0x4e6c89d1;
    this.#word(text.length);
    for (let i = 0; i < text.length; i++) this.#word(text.charCodeAt(i));
    this.#finish();
    const words = { hi: this.hi, lo: this.lo };
    this.hi = hi;
    this.lo = lo;
    if (text.length <= knownTextLength && this.#texts.size < knownTextsMax) this.#texts.set(text, words);
    return words;
  }

  #bytes(bytes: Uint8Array): void {
    this.#word(kinds.bytes);
    this.#word(bytes.length);
    for (const b of bytes) this.#word(b);
  }

  /** An object's words are computed by themselves and then mixed in, so that they can be remembered. */
  #shared(value: object, depth: number): void {
    const mayRemember = depth > 0 && depth <= memoDepthMax && this.#trusting;
    const known = mayRemember && this.#remembers ? this.#memo.get(value) : undefined;
    if (known !== undefined) {
      this.#word(known.hi);
      this.#word(known.lo);
      return;
    }
    const { hi: outerHi, lo: outerLo } = this;
    const before = this.#count;
    this.hi = 0x452821e6;
    this.lo = 0x38d01377;
    this.#contents(value, depth + 1);
    this.#finish();
    const { hi, lo } = this;
    this.hi = outerHi;
    this.lo = outerLo;
    this.#word(hi);
    this.#word(lo);
    if (!mayRemember || this.#count - before < memoWordsMin) return;
    this.#remembers = true;
    this.#memo.set(value, { hi, lo });
  }

  #contents(value: object, depth: number): void {
    if (Array.isArray(value)) {
      this.#word(kinds.list);
      this.#word(value.length);
      for (const item of value) this.#value(item, depth);
    } else if (value instanceof Uint8Array) this.#bytes(value);
    else if (value instanceof MapValue) this.#map(value, depth);
    else if (isPlainObject(value)) this.#object(value, depth);
    else throw unsupported(value);
  }

  #object(value: PlainObject, depth: number): void {
    let size = 0;
    let sumHi = 0;
    let sumLo = 0;
    const { hi, lo } = this;
    for (const key in value) {
      this.#entry(key, value[key], depth);
      sumHi = (sumHi + this.hi) | 0;
      sumLo = (sumLo + this.lo) | 0;
      size++;
    }
    this.hi = hi;
    this.lo = lo;
    this.#sum(kinds.object, size, sumHi, sumLo);
  }

  #map(value: MapValue<string | number, unknown>, depth: number): void {
    let sumHi = 0;
    let sumLo = 0;
    const { hi, lo } = this;
    for (const [key, item] of value) {
      this.#entry(key, item, depth);
      sumHi = (sumHi + this.hi) | 0;
      sumLo = (sumLo + this.lo) | 0;
    }
    this.hi = hi;
    this.lo = lo;
    this.#sum(kinds.map, value.size, sumHi, sumLo);
  }

  /** Entries are hashed one by one, and added up: their order says nothing. */
  #entry(key: string | number, item: unknown, depth: number): void {
    this.hi = 0x3707344a;
    this.lo = 0x299f31d0;
    this.#value(key, depth);
    this.#value(item, depth);
    this.#finish();
  }

  #sum(kind: number, size: number, sumHi: number, sumLo: number): void {
    this.#word(kind);
    this.#word(size);
    this.#word(sumHi);
    this.#word(sumLo);
  }
}

/**
 * The chance that two of `distinct` states share a fingerprint, so that one of them was missed: the birthday bound for 64
 * bits that are taken as random. An upper bound of 1; 0 for exact keys.
 */
export const collisionProbability = (distinct: number, exact: boolean): number =>
  exact ? 0 : Math.min(1, (distinct * (distinct - 1)) / 2 ** 65);
